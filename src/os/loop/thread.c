/* Threads and the letters between them: the only place where two threads meet. */
#include "os/loop/thread.h"

#include "os/process/memory.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Letters opened before the loop's other events get their turn again: as many as the datagrams of a
 * batch (net/message/datagram_batch), the other work that a round may hold. */
enum { LETTERS_A_ROUND = 64 };

struct thread {
    pthread_t id;
    char name[16]; /* as long as the kernel keeps it: pthread_setname_np(3) */
    thread_main *main;
    void *state;
};

static void *start(void *state)
{
    struct thread *thread = state;

    pthread_setname_np(pthread_self(), thread->name);
    thread->main(thread->state);
    return NULL;
}

struct thread *thread_start(const char *name, thread_main *main, void *state)
{
    struct thread *thread = malloc(sizeof *thread);
    sigset_t all, before;

    if (thread == NULL)
        return NULL;
    thread->main = main;
    thread->state = state;
    snprintf(thread->name, sizeof thread->name, "%s", name);
    /* A new thread inherits the mask, so that no signal finds it unblocked even for a moment. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread->id, NULL, start, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(thread);
        errno = error;
        return NULL;
    }
    return thread;
}

int thread_pin(struct thread *thread, uint32_t processor)
{
    size_t bytes = CPU_ALLOC_SIZE(processor + 1);
    cpu_set_t *mask = CPU_ALLOC(processor + 1);

    if (mask == NULL)
        return -ENOMEM;
    CPU_ZERO_S(bytes, mask);
    CPU_SET_S(processor, bytes, mask);
    int error = -pthread_setaffinity_np(thread->id, bytes, mask);
    CPU_FREE(mask);
    return error;
}

void thread_join(struct thread *thread)
{
    if (thread == NULL)
        return;
    pthread_join(thread->id, NULL);
    free(thread);
}

void thread_be_punctual(void)
{
    prctl(PR_SET_TIMERSLACK, 1UL);
}

struct mailbox {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task;
    struct mailbox_message *taken; /* the receiver's own, to be opened first */
    pthread_mutex_t lock;
    struct mailbox_message *first; /* below: under the lock */
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

static void open_first(struct mailbox *mailbox)
{
    struct mailbox_message *mailbox_message = mailbox->taken;

    mailbox->taken = mailbox_message->next;
    mailbox_message->open(mailbox_message);
}

/* Ends only when it has seen the queue empty, since posts to a queue that isn't wake nobody. */
static void open_some(void *state)
{
    struct mailbox *mailbox = state;

    for (int i = 0; i < LETTERS_A_ROUND; i++) {
        if (mailbox->taken == NULL)
            mailbox->taken = take_all(mailbox);
        if (mailbox->taken == NULL)
            return;
        open_first(mailbox);
    }
    loop_defer(mailbox->loop, &mailbox->task);
}

static void on_post(void *state, unsigned events)
{
    struct mailbox *mailbox = state;
    uint64_t posts;

    (void)events;
    /* Read before the letters are taken: one that is posted in between wakes the loop once more. */
    if (read(mailbox->handler.fd, &posts, sizeof posts) == sizeof posts && !mailbox->task.queued)
        open_some(mailbox);
}

struct mailbox *mailbox_new(struct loop *loop)
{
    struct mailbox *mailbox = memory_lines(sizeof *mailbox);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int error = fd < 0 ? -errno : -ENOMEM;

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
    mailbox->task = (struct loop_task){.run = open_some, .state = mailbox};
    mailbox->end = &mailbox->first;
    pthread_mutex_init(&mailbox->lock, NULL);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    /* A letter that is opened may post another. */
    do {
        while (mailbox->taken != NULL)
            open_first(mailbox);
        mailbox->taken = take_all(mailbox);
    } while (mailbox->taken != NULL);
    loop_cancel(mailbox->loop, &mailbox->task);
    loop_remove(&mailbox->handler);
    close(mailbox->handler.fd);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_message *mailbox_message)
{
    const uint64_t one = 1;

    mailbox_message->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    bool was_empty = mailbox->first == NULL;
    *mailbox->end = mailbox_message;
    mailbox->end = &mailbox_message->next;
    pthread_mutex_unlock(&mailbox->lock);
    /* Fails only if the counter is full, and then the loop is as good as woken. */
    if (was_empty && write(mailbox->handler.fd, &one, sizeof one) < 0)
        return;
}
