#ifndef NET_SOCKET_REUSEPORT_GROUP_H
#define NET_SOCKET_REUSEPORT_GROUP_H

#include "net/socket/udp_socket.h"

#include <stddef.h>

/* Groups of UDP sockets that share one address and port (SO_REUSEPORT, socket(7)), one for each
 * worker. The kernel chooses the socket of a datagram by a keyed hash of the addresses and ports of
 * both ends, so that each client stays with one socket.
 *
 * That choice depends on how many sockets the group has: a client whose datagram arrives while some
 * are missing would later be moved to another socket, and so to another worker. So each socket of a
 * group starts with a filter that drops every datagram (net/socket/drop_filter), and starts to
 * receive when all groups are complete. The kernel counts what it drops (socket_receive_drops), and
 * clients of UDP repeat a request that is lost anyway.
 *
 * What was weighed:
 *   - the filter, as here: datagrams that arrive between the first bind and the last one, which
 *     are some system calls apart, are lost and counted;
 *   - no filter: of the clients that send while one or two of four sockets are open, 73 to 78 %
 *     belong to another worker afterwards, and about half of those that send while three are
 *     (docs/performance.md, "Alternatives in single modules"). Each worker uses its own shard of
 *     the registry without a lock, so such a client would be registered in two shards, and get
 *     each broadcast twice until the first registration expires;
 *   - one socket that all workers read: any worker could receive a datagram of any client, so the
 *     registry would need locks on the path of each datagram. Not measured, for that reason. */

/* Opens count sockets (at least 1) like udp_socket_open. A port that another process has is
 * -EADDRINUSE, even if that process allows sharing. Later only processes of the same effective user
 * can share the port. A single socket has no filter and receives at once. On an error none is left
 * open. Returns 0 or -errno. */
int reuseport_group_open(const struct addr *addr, struct udp_socket_options *options,
                         struct addr *bound, int *sockets, size_t count);

/* Makes one socket of a group receive from now on. Call it for each socket when all groups are
 * complete. Returns 0 or -errno. */
int reuseport_member_start(int socket);

#endif
