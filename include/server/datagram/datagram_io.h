#ifndef SERVER_DATAGRAM_DATAGRAM_IO_H
#define SERVER_DATAGRAM_DATAGRAM_IO_H

#include "os/loop/event_loop.h"
#include "server/datagram/datagram_decision.h"
#include "server/datagram/send_socket.h"
#include "server/listen/send_socket_set.h"

/* One listener's socket in one worker: the walk of a datagram from reception to its answer. */
struct datagram_io;

/* What an endpoint works for; all of it is the worker's and outlives the endpoint. */
struct datagram_io_options {
    struct loop *loop;
    struct datagram_decider *datagram_decider;
    int *last_errno;     /* of the last answer that the kernel refused */
    struct stats *stats; /* what became of each datagram, batch by batch */
    uint32_t max_datagram_bytes;
    int drain_batches; /* at most so many are answered before other events get their turn */
    int socket;        /* receives; the caller's to close, as those that send are */
    struct send_socket_set senders; /* a copy: whose address answers leave from */
    struct send_monitor *watch;
    /* Called when a challenge could not be sent: the list of our links' addresses may be old. */
    void (*on_link_failed)(void *state);
    void *on_link_state;
    size_t held_bytes; /* of replies that may wait, where sockets are told apart by interface */
    uint8_t listener;
};

/* Begins to receive. 0 or -errno. */
int datagram_io_open(struct datagram_io **io, const struct datagram_io_options *options);

/* Tries once more to send what waits, counts what still does as failed, and ends. */
void datagram_io_close(struct datagram_io *io);

/* Has it receive and send by other sockets, whose descriptors it takes: they replace its own under
 * their numbers. Senders that are -1 stay as they are. */
void datagram_io_renew(struct datagram_io *io, int *receiver, struct send_socket_set *senders);

/* Which of the endpoint's sockets for copies a client's copy leaves by, below INTERFACE_SLOTS_ALL,
 * given the local address of the client; and that socket. */
size_t datagram_io_copy_slot(struct datagram_io *io, const struct addr *local);
struct send_socket *datagram_io_copies(struct datagram_io *io, size_t slot);

/* Adds the datagrams that the kernel dropped since the last call to the counters. */
void datagram_io_count_drops(struct datagram_io *io);

/* Leaves those that it has dropped so far out of the counters. */
void datagram_io_forget_drops(struct datagram_io *io);

#endif
