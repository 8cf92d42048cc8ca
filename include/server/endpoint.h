#ifndef SERVER_ENDPOINT_H
#define SERVER_ENDPOINT_H

#include "net/loop.h"
#include "server/send_socket.h"
#include "server/sender_sockets.h"
#include "server/service.h"

/* One listener's socket in one worker: the walk of a datagram from reception to its answer. */
struct endpoint;

/* What an endpoint works for; all of it is the worker's and outlives the endpoint. */
struct endpoint_options {
    struct loop *loop;
    struct service *service;
    int *last_errno;     /* of the last answer that the kernel refused */
    struct stats *stats; /* what became of each datagram, batch by batch */
    uint32_t max_datagram_bytes;
    int drain_batches; /* at most so many are answered before other events get their turn */
    int socket;        /* receives; the caller's to close, as those that send are */
    struct sender_sockets senders; /* a copy: whose address answers leave from */
    struct send_watch *watch;
    /* Called when a challenge could not be sent: the list of our links' addresses may be old. */
    void (*on_link_failed)(void *state);
    void *on_link_state;
    size_t held_bytes; /* of replies that may wait, where sockets are told apart by interface */
    uint8_t listener;
};

/* Begins to receive. 0 or -errno. */
int endpoint_open(struct endpoint **endpoint, const struct endpoint_options *options);

/* Tries once more to send what waits, counts what still does as failed, and ends. */
void endpoint_close(struct endpoint *endpoint);

/* Has it receive and send by other sockets, whose descriptors it takes: they replace its own under
 * their numbers. Senders that are -1 stay as they are. */
void endpoint_renew(struct endpoint *endpoint, int *receiver, struct sender_sockets *senders);

/* Which of the endpoint's sockets for copies a client's copy leaves by, below INTERFACE_SLOTS_ALL,
 * given the local address of the client; and that socket. */
size_t endpoint_copy_slot(struct endpoint *endpoint, const struct addr *local);
struct send_socket *endpoint_copies(struct endpoint *endpoint, size_t slot);

/* Adds the datagrams that the kernel dropped since the last call to the counters. */
void endpoint_count_drops(struct endpoint *endpoint);

/* Leaves those that it has dropped so far out of the counters. */
void endpoint_forget_drops(struct endpoint *endpoint);

#endif
