/* Which send socket of a wildcard listener a local address uses. */
#include "core/source_slots.h"

void source_slots_init(struct source_slots *slots)
{
    *slots = (struct source_slots){.count = 0};
    for (size_t i = 0; i < SOURCE_SLOTS_MAX; i++)
        slots->addrs[i].scope =
            UINT32_MAX; /* no interface has that index: they are positive ints */
}

size_t source_slot_beyond_first(struct source_slots *slots, const struct addr *local)
{
    if (local->family == ADDR_NONE)
        return SOURCE_SLOT_UNKNOWN;
    for (uint32_t i = 0; i < slots->count; i++)
        if (source_slot_is(&slots->addrs[i], local))
            return i;
    if (slots->count < SOURCE_SLOTS_MAX) {
        slots->addrs[slots->count] = *local;
        return slots->count++;
    }
    /* The last bytes differ most among the addresses of one host. */
    return (size_t)(local->ip[15] + local->ip[3]) % SOURCE_SLOTS_MAX;
}
