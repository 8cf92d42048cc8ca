#ifndef SERVER_ENDPOINT_H
#define SERVER_ENDPOINT_H

#include "net/loop.h"
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
    int socket;        /* the caller's to close */
    uint8_t listener;
    /* NULL, or the endpoint by whose socket answers leave: a multicast group can't be their source.
     * It outlives this one. */
    struct endpoint *voice;
};

/* Begins to receive. 0 or -errno. */
int endpoint_open(struct endpoint **endpoint, const struct endpoint_options *options);

/* Tries once more to send what waits, counts what still does as failed, and ends. */
void endpoint_close(struct endpoint *endpoint);

/* The socket by which its clients are written to. */
int endpoint_socket(const struct endpoint *endpoint);

/* Has task run once that socket has room again, behind the answers that wait for the same. At most
 * one task that isn't an endpoint's own. */
void endpoint_when_writable(struct endpoint *endpoint, struct loop_task *task);

/* Adds the datagrams that the kernel dropped since the last call to the counters. */
void endpoint_count_drops(struct endpoint *endpoint);

/* Leaves those that it has dropped so far out of the counters. */
void endpoint_forget_drops(struct endpoint *endpoint);

#endif
