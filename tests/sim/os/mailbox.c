/* os/loop/mailbox between coroutines. */
#include "os/loop/mailbox.h"

#include "sim/core/broken.h"
#include "sim/core/descriptors.h"
#include "sim/core/trace.h"
#include "sim/world/faults.h"
#include "sim/world/plan.h"

#include <errno.h>
#include <stdlib.h>

enum { MESSAGES_PER_ROUND = 64 };

struct mailbox {
    struct object object; /* one descriptor, which the mailbox owns */
    struct loop_handler handler;
    struct mailbox_message *first, **end;
    int fd;
};

static unsigned has_messages(const struct object *object)
{
    return ((const struct mailbox *)object)->first != NULL ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    free(object);
}

static bool handle_first(struct mailbox *mailbox)
{
    struct mailbox_message *message = mailbox->first;
    if (message == NULL)
        return false;
    mailbox->first = message->next;
    if (mailbox->first == NULL)
        mailbox->end = &mailbox->first;
    message->handle(message);
    return true;
}

static void on_messages(void *state, unsigned events)
{
    struct mailbox *mailbox = state;
    (void)events;
    for (int i = 0; i < MESSAGES_PER_ROUND && handle_first(mailbox); i++)
        ;
}

struct mailbox *mailbox_new(struct loop *loop)
{
    struct mailbox *mailbox = faults_refuse_memory() ? NULL : calloc(1, sizeof *mailbox);
    if (mailbox == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    mailbox->object =
        (struct object){.kind = OBJECT_MAILBOX, .ready = has_messages, .destroy = destroy};
    mailbox->end = &mailbox->first;
    int fd = descriptor_open(&mailbox->object);
    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    mailbox->fd = fd;
    int error = loop_add(loop, &mailbox->handler, fd, LOOP_READ, on_messages, mailbox);
    if (error == 0)
        return mailbox;
    descriptor_close(fd);
    errno = -error;
    return NULL;
}

bool mailbox_handle_all(struct mailbox *mailbox)
{
    bool any = false;
    while (handle_first(mailbox))
        any = true;
    return any;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    mailbox_handle_all(mailbox);
    loop_remove(&mailbox->handler);
    descriptor_close(mailbox->fd);
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_message *message)
{
    trace(TRACE_MESSAGE, (uint64_t)mailbox->fd, 0, 0, 0);
    if (plan_is_stopping() ? broken_is("stop") : broken_now("message", 20))
        return;
    message->next = NULL;
    *mailbox->end = message;
    mailbox->end = &message->next;
}
