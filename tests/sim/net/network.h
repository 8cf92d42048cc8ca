#ifndef SIM_NET_NETWORK_H
#define SIM_NET_NETWORK_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The network between the clients and the server: packets are lost,
 * duplicated, delayed, reordered, truncated and corrupted, as the run has drawn. */

struct network {
    uint32_t loss, duplication, truncation, corruption; /* probabilities, in millionths */
    uint32_t forgery; /* probability, in millionths, that another sender forges the same packet */
    uint64_t delay_min_ns, delay_max_ns; /* different delays reorder */
    uint64_t slow_until_ns;              /* eth1 is slow until then */
};

extern struct network network;

/* No packet is lost or changed any more. */
void network_end_faults(void);

/* The receiver of what the server sends, and of what is lost or has arrived. */
typedef void network_receiver(const struct addr *from, const struct addr *to, const uint8_t *bytes,
                              size_t size);
void network_begin(network_receiver *receiver);

/* Addresses of the link that do not answer ARP: a datagram to one waits in the send buffer. */
void network_set_silent(const struct addr *addr, bool silent);

/* How long a datagram to an address stays in the send buffer of its socket. */
uint64_t network_queue_ns(const struct addr *to, size_t size);

/* Sends a datagram on its way. */
void network_to_server(const struct addr *from, const struct addr *to, const void *bytes,
                       size_t size);
void network_from_server(const struct addr *from, const struct addr *to, const void *bytes,
                         size_t size, uint64_t after_ns);

/* Sends the datagram of an Ethernet frame by an interface: it is lost if that is not up. */
void network_frame(uint32_t interface, const struct addr *from, const struct addr *to,
                   const void *bytes, size_t size);

/* Packets that are on their way to the server arrive now: a few of those that were sent last. */
void network_arrive_now(void);

#endif
