#ifndef NET_SOCKET_TCP_SOCKET_H
#define NET_SOCKET_TCP_SOCKET_H

#include "address/addr.h"

#include <stdint.h>

/* TCP sockets: listening, accepting and connecting. All are non-blocking, send small lines at once
 * (TCP_NODELAY) and detect dead peers (keepalive). */

/* Listens at addr (port 0: the kernel picks one); an IPv6 socket accepts IPv6 only. *bound is the
 * address and port that it is bound to. An address with old connections of an earlier process in
 * TIME_WAIT is free; one where a socket listens is not (-EADDRINUSE). Returns the descriptor or
 * -errno. */
int tcp_listen(const struct addr *addr, struct addr *bound);

/* The same, even if no interface has the address yet (IP_FREEBIND). */
int tcp_listen_freebind(const struct addr *addr, struct addr *bound);

/* Accepts one connection; *peer is the address of its other end. Returns the descriptor or -errno
 * (-EAGAIN: none waits; a connection that failed before it was accepted is skipped). */
int tcp_accept(int listener, struct addr *peer);

/* Starts to connect. Returns the descriptor, which becomes writable when the attempt has ended, or
 * -errno. tcp_connect_result then returns the result of the attempt: 0 or -errno. */
int tcp_connect(const struct addr *addr);
int tcp_connect_result(int socket);

/* Connects, and waits until that has ended, at most timeout_ms (-ETIMEDOUT). Returns the
 * descriptor, which is non-blocking, too, or -errno. */
int tcp_connect_within(const struct addr *addr, uint32_t timeout_ms);

#endif
