#ifndef CORE_SOURCE_SLOTS_H
#define CORE_SOURCE_SLOTS_H

#include "core/addr.h"

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

/* All zero: no address has a slot yet. */
struct source_slots {
    struct addr addrs[SOURCE_SLOTS_MAX];
    uint32_t count;
};

/* Gives an address that has no slot the next one, or one that it shares. Use source_slot. */
size_t source_slots_add(struct source_slots *slots, const struct addr *local);

/* The slot of a local address, from 0 to SOURCE_SLOT_UNKNOWN; the port does not matter. The same
 * address always has the same slot. */
static inline size_t source_slot(struct source_slots *slots, const struct addr *local)
{
    if (local->family == ADDR_NONE)
        return SOURCE_SLOT_UNKNOWN;
    for (uint32_t i = 0; i < slots->count; i++)
        if (memcmp(slots->addrs[i].ip, local->ip, sizeof local->ip) == 0 &&
            slots->addrs[i].scope == local->scope)
            return i;
    return source_slots_add(slots, local);
}

#endif
