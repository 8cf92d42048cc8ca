#ifndef REGISTRY_REGISTRY_WALK_H
#define REGISTRY_REGISTRY_WALK_H

#include "registry/client_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registry;

/* Iteration over the clients, for broadcasts and lists, in steps between which clients may join and
 * leave. A walk returns each client that is live from its beginning to its end exactly once, and
 * any other client at most once in each of its lives. Its cost depends on the number of live
 * clients, not on the capacity. */
struct registry_walk {
    uint32_t next;          /* the slot to read next */
    bool ended;             /* no clients are left */
    uint64_t joined_before; /* only clients with a lower join number are returned */
};

/* Begins a walk over all clients, or only over those that are registered now. */
struct registry_walk registry_walk_all(void);
struct registry_walk registry_walk_registered(const struct registry *registry);

enum { REGISTRY_WALK_STEPS = 16 };

/* Copies the next clients to clients, at most max of them, and reads at most REGISTRY_WALK_STEPS *
 * max entries for that. Returns their number; fewer than max, even 0, do not mean that the walk has
 * ended. */
size_t registry_walk_next(const struct registry *registry, struct registry_walk *walk,
                          uint64_t now_ms, struct client *clients, size_t max);

/* Sets a walk back to a client that it returned: the next step reads it again. */
void registry_walk_rewind(struct registry_walk *walk, const struct client *client);

#endif
