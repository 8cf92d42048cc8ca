#ifndef SERVER_WORKERS_WORKER_CLIENTS_H
#define SERVER_WORKERS_WORKER_CLIENTS_H

#include "base/stats.h"
#include "registry/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Queries about the clients and counters of one worker: what status, stats, clients, client and
 * kick of udpctl need. In the worker's thread, as the run of a call
 * (server/workers/worker_messages).
 */
struct worker;
struct client_name;

/* Copies the counters, with the kernel's drops up to now, and the number of clients. */
void worker_stats(struct worker *worker, struct stats *stats, uint32_t *clients);

/* A walk over all clients: first those of the registry, then those that are connected by streams.
 */
struct worker_walk {
    struct registry_walk registry;
    uint32_t stream; /* the next place to look at */
    bool ended;
};
struct worker_walk worker_walk_all(void);

/* Copies the next clients of a walk, at most `max`, and returns how many. Fewer, even none, does
 * not mean that the walk has ended. See registry_walk and stream_clients_list for the fields. */
size_t worker_list(struct worker *worker, struct worker_walk *walk, struct client *clients,
                   size_t max);

/* Finds the client of that name. One that sends datagrams may be known on several listeners: the
 * first from the given listener on is copied. Returns false if there is none. */
bool worker_find(struct worker *worker, uint8_t listener, const struct client_name *name,
                 struct client *client);

/* Removes a client from all listeners. Returns from how many. */
uint32_t worker_kick(struct worker *worker, const struct client_name *name);

#endif
