/* Which of a listener's send sockets the datagrams to an interface's clients leave by. */
#include "base/interface_slots.h"

size_t interface_slot_beyond_first(struct interface_slots *slots, uint32_t index)
{
    if (index == 0)
        return INTERFACE_SLOT_UNKNOWN;
    for (uint32_t i = 0; i < slots->count; i++)
        if (slots->indexes[i] == index)
            return i;
    if (slots->count < INTERFACE_SLOTS_MAX) {
        slots->indexes[slots->count] = index;
        return slots->count++;
    }
    return index % INTERFACE_SLOTS_MAX;
}
