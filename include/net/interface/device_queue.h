#ifndef NET_INTERFACE_DEVICE_QUEUE_H
#define NET_INTERFACE_DEVICE_QUEUE_H

#include <stdint.h>

/* The queues of the network interfaces (queueing disciplines, tc(8)), in which datagrams wait for a
 * slow interface. */

/* Sets *bytes to an upper bound of the memory that the kernel charges to sockets for all packets in
 * these queues now, of all programs (at most twice the size of a packet, plus some headers). Uses
 * netlink (RTM_GETQDISC), which needs no privileges; the time grows with the number of interfaces.
 * Returns 0 or -errno (-EOPNOTSUPP: a kernel without queueing disciplines). */
int device_queue_bytes(uint64_t *bytes);

#endif
