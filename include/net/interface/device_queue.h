#ifndef NET_INTERFACE_DEVICE_QUEUE_H
#define NET_INTERFACE_DEVICE_QUEUE_H

#include <stdint.h>

/* The queues of the network interfaces, in which datagrams wait for an interface that is slow. */

/* *bytes is no less than what the kernel charges to sockets for all that is in these queues now,
 * whoever sent it (the memory of a datagram, up to twice its size and some headers). Asked for by
 * netlink (RTM_GETQDISC), which anyone may; takes about 30 us, and 1 us an interface. 0 or -errno
 * (a kernel without queueing disciplines). */
int device_queue_bytes(uint64_t *bytes);

#endif
