#ifndef SERVER_SEND_SEND_SOCKET_WITH_RESERVE_H
#define SERVER_SEND_SEND_SOCKET_WITH_RESERVE_H

#include "net/message/datagram_batch.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"

#include <stdbool.h>
#include <stdint.h>

/* A socket for sending replies or copies: back-pressure while its send buffer is full, and a
 * reserve socket for when datagrams to neighbours that do not answer fill it.
 *
 * Ordinary back-pressure: the interface sends what the buffer holds, and the sender waits until the
 * socket is writable. But a datagram to a neighbour that does not answer ARP or neighbour discovery
 * stays in the buffer for about 3 s. So when the buffer has not emptied at all for 20 ms, and holds
 * more bytes than wait in the queues of the interfaces, the socket counts as stalled: the reserve
 * is used instead, until the socket is writable again. The reserve has a large buffer
 * (server/send/send_socket_set), but datagrams that do move may fill only as much of it as an
 * ordinary buffer holds. Otherwise the interface's queue (1,000 packets by default) would overflow
 * and drop copies without an error.
 *
 * A time only would not show that a socket is stalled: an interface of 256 kbit/s needs 47 ms for a
 * single datagram of 1,500 bytes. */
struct send_socket {
    struct send_monitor *monitor;
    int socket, reserve;  /* the caller closes them; reserve -1: none */
    uint32_t space_bytes; /* how much of the reserve datagrams that move may fill, in bytes of
                             kernel memory */
    struct loop_handler handler; /* of the socket, while it is waited for or stalled */
    struct loop_task
        *waiter;            /* a task that is deferred when there is space; NULL: no sender waits */
    bool is_stalled;        /* the reserve is used */
    uint32_t stalled_ticks; /* since the buffer that is watched has last emptied a little */
    uint32_t last_bytes;    /* in that buffer at the last tick */
    uint32_t reserve_stalled_bytes; /* of those in the reserve */
    struct send_socket *next;       /* in the monitor's list */
};

/* Samples the full sockets of one worker every 5 ms, while there are any. */
struct send_monitor {
    struct loop *loop;
    struct loop_timer timer;
    struct send_socket *first; /* the sockets for which a sender waits, in no order */
    bool device_bytes_known;   /* device_bytes was read in this tick */
    uint64_t device_bytes;     /* in the queues of all interfaces, at most */
};

/* Returns 0 or -errno. */
int send_monitor_open(struct send_monitor *monitor, struct loop *loop);
void send_monitor_close(struct send_monitor *monitor);

/* Initialises a sender. The monitor outlives it. */
void send_socket_open(struct send_socket *sender, struct send_monitor *monitor, int socket,
                      int reserve);
/* Initialises a sender that has one socket with a large buffer for everything, which is treated as
 * the reserve is: datagrams that move fill at most space_bytes of it. */
void send_socket_open_limited(struct send_socket *sender, struct send_monitor *monitor, int socket,
                              uint32_t space_bytes);

/* The size of the buffer of the socket that moves has changed since. */
void send_socket_resized(struct send_socket *sender);

/* Ends the waiting. The caller cancels the waiter, which may be deferred already. */
void send_socket_close(struct send_socket *sender);

/* Call it before the descriptors are made to refer to new sockets: the sender then counts as not
 * stalled, and its waiter is deferred. */
void send_socket_renew(struct send_socket *sender);

/* Sends the batch as batch_send does. Returns 0, or -EAGAIN if the buffer is full: then the waiter
 * is deferred once another try may succeed. A sender has one waiter at a time. */
int send_socket_send(struct send_socket *sender, struct batch *batch, struct loop_task *waiter);

/* The same for a batch that does not wait: -EAGAIN if the buffer is full, and the waiter of another
 * batch stays. */
int send_socket_try(const struct send_socket *sender, struct batch *batch);

#endif
