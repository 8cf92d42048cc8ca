#ifndef REGISTRY_REGISTRY_HANDOVER_H
#define REGISTRY_REGISTRY_HANDOVER_H

#include "base/handover.h"

#include <stdint.h>

struct registry;

/* The registry in an upgrade: the next process maps the same block, and gets the numbers that are
 * not in it as values of a record. Only one of the two processes uses the block at a time. Until
 * the next one uses it, it is as the former one has left it, so that that one can go on. */

/* Returns the number of the block's layout. A process of another number must not use the block. */
uint64_t registry_layout(uint32_t capacity);

/* Writes the numbers into the record. */
void registry_hand_over(const struct registry *registry, struct handover_writer *writer);

/* Continues the registry whose block it has, which it neither reads nor writes; only the ttl and
 * what limits its clients are its own. Returns 0 or -EPROTO; nothing has changed then. */
int registry_take_over(struct registry *registry, struct handover_reader *reader);

/* Counts all clients by their prefix, for a table of registry_set_prefix_cap that was not handed
 * over with the registry. Reads each client. */
void registry_recount_prefixes(struct registry *registry);

#endif
