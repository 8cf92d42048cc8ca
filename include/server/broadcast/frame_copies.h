#ifndef SERVER_BROADCAST_FRAME_COPIES_H
#define SERVER_BROADCAST_FRAME_COPIES_H

#include "net/offload/offload_copies.h"
#include "registry/offload/offloaded_clients.h"
#include "registry/registry.h"
#include "server/broadcast/shard_job.h"

#include <stdbool.h>
#include <stdint.h>

/* The copies of a broadcast that leave as Ethernet frames, past the network stack
 * (net/offload/offload_copies): those to clients whose last datagram the program of the offload has
 * seen. Such a copy goes back on the link on which that datagram came, to the same Ethernet
 * address, as the program's answers do. All other copies leave by sockets.
 *
 * Nothing holds such frames back, as the buffer of a socket does: what the queue of the driver has
 * no room for is lost. So they are only for broadcasts with a pace.
 *
 * Used in the worker's thread. */
struct frame_copies;

/* All of it outlives the frame copies. */
struct frame_copies_options {
    struct offload *program;
    uint32_t worker; /* its index, below offload_copies_senders */
    const struct offloaded_clients *clients;
};

/* Returns 0 or -ENOMEM. */
int frame_copies_open(struct frame_copies **copies, const struct frame_copies_options *options);
void frame_copies_close(struct frame_copies *copies); /* NULL is ignored */

/* Begins a slice of a job. Returns whether copies can leave as frames now. */
bool frame_copies_begin(struct frame_copies *copies, const struct shard_job *job);

/* Queues the copy of a client, of at most OFFLOAD_COPIES_MAX in a slice. Returns false if that copy
 * has to leave by a socket. */
bool frame_copies_add(struct frame_copies *copies, const struct client *client);

/* The number of copies that are queued. */
uint32_t frame_copies_queued(const struct frame_copies *copies);

/* The clients of queued copies, by the order of frame_copies_add; valid until the next one. */
struct frame_copies_result {
    const struct client *clients; /* which have their copy */
    uint32_t count;
    const struct client *first_without; /* the first one without a copy; NULL: there is none */
};

/* Sends the queued copies, and empties the queue. */
struct frame_copies_result frame_copies_send(struct frame_copies *copies);

#endif
