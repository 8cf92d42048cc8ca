#ifndef SERVER_DATAGRAM_SEND_SOCKET_H
#define SERVER_DATAGRAM_SEND_SOCKET_H

#include "net/message/datagram_batch.h"
#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stdint.h>

/* A socket that sends replies or copies, and what is done while it has no room.
 *
 * Ordinary back-pressure: the socket's queue drains, and the sender waits until it is writable. But
 * datagrams to neighbours that do not answer stand still in it for some 3 s. When the queue has not
 * shrunk for 20 ms, and holds more than what waits for interfaces, the reserve takes its place
 * until the socket is writable again. The reserve has a large buffer, of which no more than an
 * ordinary one is filled with what moves, so that the interface's queue is not overrun there
 * either: only what stands still on it, too, is not counted. Rejected: to go by the time alone,
 * since an interface of 256 kbit/s takes 47 ms for a datagram of 1,500 bytes. */
struct send_socket {
    struct send_monitor *watch;
    int socket, reserve;          /* the caller's to close; reserve -1: none */
    uint32_t room_bytes;          /* of moving datagrams that the reserve may hold */
    struct loop_handler handler;  /* of the socket, while it is waited for or stands still */
    struct loop_task *waiter;     /* runs once there is room; NULL: nobody waits */
    bool stands_still;            /* the reserve is used */
    uint32_t still_ticks;         /* since the queue at hand has last shrunk */
    uint32_t last_bytes;          /* in that queue then */
    uint32_t reserve_still_bytes; /* of those in the reserve that stand still */
    struct send_socket *next;     /* in the watch */
};

/* What looks at the sockets of one worker that have no room. */
struct send_monitor {
    struct loop *loop;
    struct loop_timer timer;
    struct send_socket *first; /* those that are waited for, in no order */
    bool device_bytes_known;   /* asked for in this tick */
    uint64_t device_bytes;     /* of datagrams that wait for interfaces, at most */
};

/* 0 or -errno. */
int send_monitor_open(struct send_monitor *watch, struct loop *loop);
void send_monitor_close(struct send_monitor *watch);

/* The watch outlives the send_socket. */
void send_socket_open(struct send_socket *sender, struct send_monitor *watch, int socket,
                      int reserve);
/* A socket with a large buffer of its own, as a reserve has: no more than room_bytes of it are
 * filled with what moves. For where all has to leave by one socket. */
void send_socket_open_limited(struct send_socket *sender, struct send_monitor *watch, int socket,
                              uint32_t room_bytes);

/* Nobody waits any more: the waiter is the caller's to cancel. */
void send_socket_close(struct send_socket *sender);

/* Its descriptors are about to refer to other sockets: nothing stands still there, and who waits
 * tries again. */
void send_socket_renew(struct send_socket *sender);

/* Sends what the batch holds, as batch_send does. On -EAGAIN the waiter is deferred once it is
 * worth trying again; one waiter at a time. */
int send_socket_send(struct send_socket *sender, struct batch *batch, struct loop_task *waiter);

#endif
