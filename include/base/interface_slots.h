#ifndef BASE_INTERFACE_SLOTS_H
#define BASE_INTERFACE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* Which of a listener's send sockets a client's datagrams leave by, given the interface that the
 * client is reached through. Each of the first INTERFACE_SLOTS_MAX interfaces has a slot of its
 * own, so that one that is slow, or whose queue is full, holds up its own clients only. Further
 * interfaces share these slots. A plain value of one thread. Rejected: a slot for each local
 * address, since clients of two links may send to the same one, and a host may have hundreds on one
 * link. */

enum {
    /* A host that serves clients on several interfaces mostly has two or three of them; each slot
     * costs two descriptors a worker. */
    INTERFACE_SLOTS_MAX = 4,
    /* The slot of what came by an interface that is not known. */
    INTERFACE_SLOT_UNKNOWN = INTERFACE_SLOTS_MAX,
    INTERFACE_SLOTS_ALL,
};

/* All zero: no interface has a slot yet. */
struct interface_slots {
    uint32_t indexes[INTERFACE_SLOTS_MAX];
    uint32_t count;
};

/* As interface_slot, of an interface that does not have the first slot. */
size_t interface_slot_beyond_first(struct interface_slots *slots, uint32_t index);

/* The slot of an interface, from 0 to INTERFACE_SLOT_UNKNOWN, by its index; 0 is none. The same
 * interface always has the same slot. */
static inline size_t interface_slot(struct interface_slots *slots, uint32_t index)
{
    return slots->indexes[0] == index && index != 0 ? 0 : interface_slot_beyond_first(slots, index);
}

#endif
