#ifndef NET_SOCKET_SEND_ONLY_SOCKET_H
#define NET_SOCKET_SEND_ONLY_SOCKET_H

#include "address/addr.h"

#include <stdint.h>

/* UDP sockets that only send, from the address and port of a receiving socket of this server, each
 * with a send buffer of its own.
 *
 * The kernel charges a datagram to the send buffer of its socket until the datagram has left the
 * host: for about 3 s if a neighbour does not answer ARP or neighbour discovery, and for as long as
 * the queue of a slow interface takes. With one socket for everything, about 330 datagrams to
 * addresses that no host has fill a send buffer of the default size, and replies to all other
 * clients wait (docs/security.md, "Destinations that do not answer"). The send buffer is small
 * (`send-buffer`, 128 KiB by default), so that pressure is visible here as EAGAIN.
 *
 * One large buffer for all would only delay the problem, and then the queue of the interface, 1,000
 * packets by default, would be full first and drop datagrams without any report. The separate
 * sockets cost 4 user instructions for a reply on a bound address (345 instead of 341) and 16 on a
 * wildcard (392 instead of 376); in the kernel they save work, since epoll does not watch the
 * socket that sends (docs/performance.md, "What separate send sockets cost"). */

/* Opens such a socket. During the call all sockets of this server on that port must allow sharing
 * (udp_socket_allow_sharing); the new one allows it, too. Unless no interface has its address yet,
 * it is connected to port 9 (discard) of a loopback address or of its own address: so the kernel
 * delivers no client's datagram to it, and does not count it as a member of a reuseport group. What
 * clients have sent in the microseconds between its bind and its connection, while the receiving
 * socket was in use already, can be read from it. It can nevertheless send to any address. Bound to
 * a wildcard, it can send only datagrams that name the local address that they leave from
 * (batch_add_reply, batch_add). *send_buffer_actual_bytes is what the kernel gave. Returns the
 * descriptor or -errno (-ENETUNREACH: bound to a wildcard, and the loopback interface is down;
 * -EADDRNOTAVAIL: the same, and IPv6 is disabled there). */
int send_only_socket_open(const struct addr *bound, uint32_t send_buffer_bytes,
                          uint32_t *send_buffer_actual_bytes);

/* Has the socket drop everything that it receives from now on. What it has received can still be
 * read. Returns 0 or -errno. */
int send_only_socket_drop_received(int socket);

/* Connects a socket that was opened while no interface had its address. Call it once one has it.
 * Returns 0 or -errno. */
int send_only_socket_connect(int socket, const struct addr *bound);

#endif
