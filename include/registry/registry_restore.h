#ifndef REGISTRY_REGISTRY_RESTORE_H
#define REGISTRY_REGISTRY_RESTORE_H

#include "address/addr.h"
#include "base/handover.h"

#include <stdbool.h>
#include <stdint.h>

struct registry;

/* Registration of clients that were registered before a restart, and what is to be known of a
 * client for that beside struct client. Clients of several shards may come into one, so that two of
 * them may have one join number; those of one source never do, nor do those that join later. */

struct registry_restored {
    const struct addr *source;
    const struct addr *local; /* that it sends to, or of family ADDR_NONE */
    uint64_t left_ms;         /* until it expires: 1 to REGISTRY_TTL_MAX_MS */
    uint64_t idle_ms;         /* since its last datagram; left_ms and it are at most
                                 REGISTRY_TTL_MAX_MS together, or idle_ms is reported as less */
    uint64_t join_number;     /* below 2^63 */
    uint32_t age_s;           /* since it joined */
    uint32_t received;        /* datagrams */
    uint8_t listener;
    bool frames; /* it has asked for frames */
};

/* Registers a client at now_ms, with the rest of its ttl; call it before the first datagram is
 * recorded. A client that is registered already is replaced, and *is_new is then false. A prefix
 * may exceed its cap, as it may after a reload; the capacity holds. Returns its slot, or UINT32_MAX
 * if there is no place. */
uint32_t registry_restore(struct registry *registry, const struct registry_restored *client,
                          uint64_t now_ms, bool *is_new);

/* Returns how long the live client in a slot has left until it expires. */
uint64_t registry_left_ms(const struct registry *registry, uint32_t slot, uint64_t now_ms);

/* The registry in an upgrade: the next process maps the same block, and gets the numbers that are
 * not in it as values of a record. Only one of the two processes uses the block at a time. Until
 * the next one uses it, it is as the former one has left it, so that that one can go on. */

/* Writes the numbers into the record. */
void registry_hand_over(const struct registry *registry, struct handover_writer *writer);

/* Continues the registry whose block it has, which it neither reads nor writes; only the ttl and
 * what limits its clients are its own. Returns 0 or -EPROTO; nothing has changed then. */
int registry_take_over(struct registry *registry, struct handover_reader *reader);

/* Counts all clients by their prefix, for a table of registry_set_prefix_cap that was not handed
 * over with the registry. Reads each client. */
void registry_recount_prefixes(struct registry *registry);

#endif
