#ifndef NET_SOCKET_REUSEPORT_GROUP_H
#define NET_SOCKET_REUSEPORT_GROUP_H

#include "net/socket/udp_socket.h"

#include <stddef.h>

/* Groups of UDP sockets that share one address and port (SO_REUSEPORT, socket(7)), one for each
 * worker. The kernel chooses the socket of a datagram by a keyed hash of the addresses and ports of
 * both ends, so that each client stays at one socket.
 *
 * That choice depends on how many sockets the group has: a client whose datagram comes while some
 * are missing would be moved to another socket, and so to another worker, later. So each socket of
 * a group starts with a filter that drops every datagram (net/socket/drop_filter), and starts to
 * receive when all groups are complete. The kernel counts what it drops (socket_receive_drops), and
 * clients of UDP repeat a request that is lost anyway.
 *
 * Weighed against moving such clients between workers later: each worker has its own shard of the
 * registry, which it uses without a lock. Weighed against one socket that all workers read: then
 * any worker could receive a datagram of any client. */

/* Opens count sockets (at least 1) like udp_socket_open. A port that another process has is
 * -EADDRINUSE, even if that process shares it; and only processes of the same effective user can
 * share it with this one. A single socket has no filter and receives at once. On an error none is
 * left open. Returns 0 or -errno. */
int reuseport_group_open(const struct addr *addr, struct udp_socket_options *options,
                         struct addr *bound, int *sockets, size_t count);

/* Has one socket of a group receive from now on: call it for each socket when all groups are
 * complete. Returns 0 or -errno. */
int reuseport_member_start(int socket);

#endif
