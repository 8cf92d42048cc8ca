#ifndef SIM_NET_UDP_H
#define SIM_NET_UDP_H

#include "address/addr.h"
#include "sim/core/descriptors.h"

#include <stdbool.h>
#include <stdint.h>

/* UDP sockets in memory. */

struct packet {
    struct packet *next;
    struct addr from, to;
    uint32_t interface; /* index of the one that it arrives on */
    uint32_t size;
    uint8_t bytes[];
};

struct udp {
    struct object object;
    struct addr bound; /* family ADDR_NONE: not bound */
    bool send_only, drops_all, in_group, is_multicast, closed;
    uint32_t membership; /* interface of the group; 0: not joined */
    struct packet *first, **end;
    uint32_t queued_bytes, receive_limit, drops;
    uint32_t send_used, send_limit; /* bytes of kernel memory */
};

struct udp *udp_of(int fd);

/* Makes a packet; network addresses are copied. */
struct packet *packet_new(const struct addr *from, const struct addr *to, uint32_t interface,
                          const void *bytes, size_t size);

/* Puts a packet into the receive buffer of the socket that it is for, or drops it. Takes it over.
 */
void udp_deliver(struct packet *packet);

/* Sends a datagram as the kernel would: returns 0, or an errno. */
int udp_send(int fd, const struct addr *to, const struct addr *local, const void *bytes,
             size_t size);

/* The number of packets in all receive buffers. */
uint32_t udp_waiting(void);

/* Whether the send buffer of any socket is more than half full, or holds that many bytes. */
bool udp_any_has(uint32_t bytes);

#endif
