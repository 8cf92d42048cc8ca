/* Which send socket of a wildcard listener a local address uses. */
#include "core/source_slots.h"

size_t source_slots_add(struct source_slots *slots, const struct addr *local)
{
    if (slots->count < SOURCE_SLOTS_MAX) {
        slots->addrs[slots->count] = *local;
        return slots->count++;
    }
    /* The last bytes differ most among the addresses of one host. */
    return (size_t)(local->ip[15] + local->ip[3]) % SOURCE_SLOTS_MAX;
}
