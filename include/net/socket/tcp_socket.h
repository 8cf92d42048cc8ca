#ifndef NET_SOCKET_TCP_SOCKET_H
#define NET_SOCKET_TCP_SOCKET_H

#include "address/addr.h"

#include <stdint.h>

/* TCP connections for a loop: non-blocking, with small lines sent at once and dead peers noticed.
 */

/* Listens at addr (port 0: the kernel picks one); IPv6 takes IPv6 alone. *bound is the address
 * really bound. An address that a connection of an earlier process still lingers on is free; one
 * where somebody listens is not (-EADDRINUSE). Returns the descriptor or -errno. */
int tcp_listen(const struct addr *addr, struct addr *bound);

/* The same, even if no interface has the address as yet. */
int tcp_listen_anyway(const struct addr *addr, struct addr *bound);

/* Accepts one connection and tells whose it is. Returns the descriptor or -errno (-EAGAIN: none
 * waits; a connection that failed before it was accepted is passed over). */
int tcp_accept(int listener, struct addr *peer);

/* Begins to connect. Returns the descriptor, which becomes writable when that is decided, or
 * -errno. tcp_connected then tells how: 0 or -errno. */
int tcp_connect(const struct addr *addr);
int tcp_connected(int socket);

/* Connects, waiting for at most timeout_ms (-ETIMEDOUT). The descriptor, non-blocking all the same,
 * or -errno. */
int tcp_connect_within(const struct addr *addr, uint32_t timeout_ms);

#endif
