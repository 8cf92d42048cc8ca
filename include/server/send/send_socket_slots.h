#ifndef SERVER_SEND_SEND_SOCKET_SLOTS_H
#define SERVER_SEND_SEND_SOCKET_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* The choice of a listener's send socket by the network interface through which a client is
 * reached. Each of the first SEND_SOCKET_SLOTS_MAX interfaces has its own slot, so that an
 * interface that is slow, or whose queue is full, delays only its own clients. Further interfaces
 * share these slots. A plain value that one thread uses.
 *
 * A slot for each local address would not separate interfaces: clients on two links may send to the
 * same address, and a host may have hundreds of addresses on one link. */

enum {
    /* A host that serves clients on several interfaces mostly has two or three of them. Each slot
     * costs two descriptors for each listener in each worker. */
    SEND_SOCKET_SLOTS_MAX = 4,
    /* The slot for datagrams that arrived through an unknown interface. */
    SEND_SOCKET_SLOT_UNKNOWN = SEND_SOCKET_SLOTS_MAX,
    SEND_SOCKET_SLOTS_COUNT,
};

/* The interfaces that have their own slot. All bytes are zero at the start. */
struct send_socket_slots {
    uint32_t indexes[SEND_SOCKET_SLOTS_MAX];
    uint32_t count;
};

/* The part of send_socket_slot that is not inline. */
size_t send_socket_slot_find(struct send_socket_slots *slots, uint32_t index);

/* Returns the slot, from 0 to SEND_SOCKET_SLOT_UNKNOWN, of the interface with this index (0: it is
 * unknown), which gets one if it has none. An interface never changes its slot. */
static inline size_t send_socket_slot(struct send_socket_slots *slots, uint32_t index)
{
    return slots->indexes[0] == index && index != 0 ? 0 : send_socket_slot_find(slots, index);
}

#endif
