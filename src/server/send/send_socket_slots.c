#include "server/send/send_socket_slots.h"

size_t send_socket_slot_find(struct send_socket_slots *slots, uint32_t index)
{
    if (index == 0)
        return SEND_SOCKET_SLOT_UNKNOWN;
    for (uint32_t i = 0; i < slots->count; i++)
        if (slots->indexes[i] == index)
            return i;
    if (slots->count < SEND_SOCKET_SLOTS_MAX) {
        slots->indexes[slots->count] = index;
        return slots->count++;
    }
    return index % SEND_SOCKET_SLOTS_MAX;
}
