#include "server/broadcast/multicast_recipient.h"

#include "net/message/datagram.h"
#include "net/socket/socket_descriptor.h"

#include <errno.h>
#include <stdlib.h>

struct multicast_recipient {
    struct loop *loop;
    struct loop_handler handler; /* added while a copy waits for send buffer space */
    struct loop_task *wake;
    int socket;
    int *last_errno; /* of the last copy that the kernel refused */
};

int multicast_recipient_open(struct multicast_recipient **multicast, struct loop *loop, int socket,
                             int *last_errno)
{
    struct multicast_recipient *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    *made = (struct multicast_recipient){.loop = loop, .socket = socket, .last_errno = last_errno};
    *multicast = made;
    return 0;
}

void multicast_recipient_close(struct multicast_recipient *multicast)
{
    if (multicast == NULL)
        return;
    loop_remove(&multicast->handler);
    free(multicast);
}

void multicast_recipient_replace_socket(struct multicast_recipient *multicast, int *socket)
{
    bool waiting = multicast->handler.loop != NULL;
    loop_remove(&multicast->handler);
    if (socket_replace(multicast->socket, *socket) == 0)
        *socket = -1;
    if (waiting)
        loop_defer(multicast->loop, multicast->wake);
}

static uint64_t begin(void *state, const struct shard_job *job, struct recipients_walk *walk)
{
    (void)state;
    walk->ended = job->queue != BROADCAST_OPERATOR || job->selector != NULL;
    return walk->ended ? 0 : 1;
}

static void on_writable(void *state, unsigned events)
{
    struct multicast_recipient *multicast = state;
    (void)events;
    loop_remove(&multicast->handler);
    loop_defer(multicast->loop, multicast->wake);
}

/* Waits for send buffer space. Returns false if that is not possible: the copy fails then. */
static bool wait_for_space(struct multicast_recipient *multicast, struct loop_task *wake)
{
    multicast->wake = wake;
    return multicast->handler.loop != NULL ||
           loop_add(multicast->loop, &multicast->handler, multicast->socket, LOOP_WRITE,
                    on_writable, multicast) == 0;
}

static bool send_copy(void *state, const struct shard_job *job, struct recipients_walk *walk,
                      uint32_t limit, struct recipients_tally *tally, struct loop_task *wake)
{
    struct multicast_recipient *multicast = state;
    (void)limit;
    int error = datagram_send(multicast->socket, job->bytes, job->size);
    if (error == -EAGAIN && wait_for_space(multicast, wake))
        return true;
    walk->ended = true;
    if (error == 0) {
        tally->sent = 1;
    } else {
        tally->failed = 1;
        *multicast->last_errno = -error;
    }
    return false;
}

struct recipients multicast_recipient_as_recipients(struct multicast_recipient *multicast)
{
    return (struct recipients){
        .kind = RECIPIENTS_MULTICAST, .state = multicast, .begin = begin, .send = send_copy};
}
