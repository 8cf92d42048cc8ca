#include "os/loop/mailbox.h"

#include "os/loop/wakeup.h"
#include "os/process/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Messages handled before the other events of the loop have their turn: as many as a batch has
 * datagrams (net/message/datagram_batch), the other large unit of work in a round. */
enum { MESSAGES_PER_ROUND = 64 };

struct mailbox {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task;
    struct mailbox_message *taken; /* used by the receiver only; handled before first */
    pthread_mutex_t lock;
    struct mailbox_message *first; /* this and end: under the lock */
    struct mailbox_message **end;
};

static struct mailbox_message *take_all(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    struct mailbox_message *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    pthread_mutex_unlock(&mailbox->lock);
    return first;
}

static void handle_first(struct mailbox *mailbox)
{
    struct mailbox_message *message = mailbox->taken;

    mailbox->taken = message->next;
    message->handle(message);
}

/* Returns without another round only if it has seen the queue empty, since a post to a queue that
 * is not empty does not wake the loop. */
static void handle_some(void *state)
{
    struct mailbox *mailbox = state;

    for (int i = 0; i < MESSAGES_PER_ROUND; i++) {
        if (mailbox->taken == NULL)
            mailbox->taken = take_all(mailbox);
        if (mailbox->taken == NULL)
            return;
        handle_first(mailbox);
    }
    loop_defer(mailbox->loop, &mailbox->task);
}

static void on_post(void *state, unsigned events)
{
    struct mailbox *mailbox = state;

    (void)events;
    /* Read before the messages are taken: one that is posted in between wakes the loop again. */
    if (wakeup_take(mailbox->handler.fd) && !mailbox->task.queued)
        handle_some(mailbox);
}

struct mailbox *mailbox_new(struct loop *loop)
{
    struct mailbox *mailbox = memory_cache_lines(sizeof *mailbox);
    int fd = wakeup_open(WAKEUP_POLLED);
    int error = fd < 0 ? fd : -ENOMEM;

    if (mailbox != NULL && fd >= 0)
        error = loop_add(loop, &mailbox->handler, fd, LOOP_READ, on_post, mailbox);
    if (error) {
        if (fd >= 0)
            close(fd);
        free(mailbox);
        errno = -error;
        return NULL;
    }
    mailbox->loop = loop;
    mailbox->task = (struct loop_task){.run = handle_some, .state = mailbox};
    mailbox->end = &mailbox->first;
    pthread_mutex_init(&mailbox->lock, NULL);
    return mailbox;
}

bool mailbox_handle_all(struct mailbox *mailbox)
{
    bool any = false;
    /* A message that is handled may post another. */
    do {
        for (; mailbox->taken != NULL; any = true)
            handle_first(mailbox);
        mailbox->taken = take_all(mailbox);
    } while (mailbox->taken != NULL);
    return any;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    mailbox_handle_all(mailbox);
    loop_cancel(mailbox->loop, &mailbox->task);
    loop_remove(&mailbox->handler);
    close(mailbox->handler.fd);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_message *message)
{
    message->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    bool was_empty = mailbox->first == NULL;
    *mailbox->end = message;
    mailbox->end = &message->next;
    pthread_mutex_unlock(&mailbox->lock);
    if (was_empty)
        wakeup_post(mailbox->handler.fd);
}
