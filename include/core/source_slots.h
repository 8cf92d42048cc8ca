#ifndef CORE_SOURCE_SLOTS_H
#define CORE_SOURCE_SLOTS_H

#include "core/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Which send socket of a wildcard listener a local address uses. Each of the first
 * SOURCE_SLOTS_MAX local addresses has a slot of its own, so that an interface that is slow, or
 * whose queue is full, holds up the datagrams of its own address only. Later addresses share these
 * slots. A plain value of one thread. */

enum {
    /* A host that serves clients on several interfaces has two or three of them; each slot costs
     * two descriptors a worker. */
    SOURCE_SLOTS_MAX = 4,
    /* The slot of datagrams whose local address is not known. */
    SOURCE_SLOT_UNKNOWN = SOURCE_SLOTS_MAX,
    SOURCE_SLOTS_ALL,
};

struct source_slots {
    struct addr addrs[SOURCE_SLOTS_MAX]; /* those without an address are equal to none */
    uint32_t count;
};

/* No address has a slot yet. */
void source_slots_init(struct source_slots *slots);

/* As source_slot, of an address that is not in the first slot. */
size_t source_slot_beyond_first(struct source_slots *slots, const struct addr *local);

static inline bool source_slot_is(const struct addr *slot, const struct addr *local)
{
    return memcmp(slot->ip, local->ip, sizeof local->ip) == 0 && slot->scope == local->scope;
}

/* The slot of a local address, from 0 to SOURCE_SLOT_UNKNOWN (of family ADDR_NONE); the port does
 * not matter. The same address always has the same slot. */
static inline size_t source_slot(struct source_slots *slots, const struct addr *local)
{
    return source_slot_is(&slots->addrs[0], local) ? 0 : source_slot_beyond_first(slots, local);
}

#endif
