#ifndef NET_SOCKET_DROP_FILTER_H
#define NET_SOCKET_DROP_FILTER_H

/* A socket filter that drops every datagram on reception (SO_ATTACH_FILTER, socket(7)): for sockets
 * that only send, and for a reuseport group until it is complete: also where the kernel chooses by
 * the source, it gives a datagram to another socket while the one that it is for is missing
 * (net/socket/reuseport_group). The kernel drops the datagram before it is queued, and counts it in
 * socket_receive_drops.
 *
 * What was weighed, with CPU time of a datagram over loopback, sender included
 * (docs/performance.md, "Alternatives in single modules"):
 *   - the filter: 750 ns;
 *   - to receive and ignore it: 970 ns, and the worker wakes for it;
 *   - to leave it in the receive buffer, which is then full: 740 ns, as little as the filter, but
 *     it keeps the memory of a buffer for each socket; and a socket of a group would handle these
 *     datagrams late, when it starts, and register their clients in the wrong shard;
 *   - shutdown(SHUT_RD): a UDP socket receives nevertheless;
 *   - a connected socket, which receives only from its peer: it sends only to that, too. */

/* Attaches the filter. Returns 0 or -errno. */
int drop_filter_attach(int socket);

/* Removes the filter, so that the socket receives. Does nothing if there is none. Returns 0 or
 * -errno. */
int drop_filter_detach(int socket);

#endif
