#ifndef NET_SOCKET_REUSEPORT_GROUP_H
#define NET_SOCKET_REUSEPORT_GROUP_H

#include "address/source_shard.h"
#include "net/socket/udp_socket.h"

#include <stddef.h>

/* Groups of UDP sockets that share one address and port (SO_REUSEPORT, socket(7)), one for each
 * worker. The kernel chooses the socket of a datagram, so that each client stays with one socket:
 *   - by the source of the datagram, with a key of the caller (reuseport_group_choose_by_source):
 *     socket number source_shard(key, source, count), in the order of the array, which is the order
 *     of binding;
 *   - without that, by a hash of the addresses and ports of both ends, under a key that only the
 *     kernel has: until the group is complete, and where the kernel refuses the choice by source.
 *
 * While sockets are missing, a client may get another socket than later, and so another worker. So
 * each socket of a group starts with a filter that drops every datagram (net/socket/drop_filter),
 * and starts to receive when all groups are complete. The kernel counts what it drops
 * (socket_receive_drops), and clients of UDP repeat a request that is lost anyway.
 *
 * What was weighed:
 *   - the choice by source, as here: it takes the kernel 34 to 45 ns more for a datagram than its
 *     own hash, and 52 to 59 ns for IPv6 (docs/performance.md, "Alternatives in single modules");
 *     the server knows which worker will receive a client that has not sent yet;
 *   - only the kernel's hash: the server does not know that;
 *   - the filter, as here: datagrams that arrive between the first bind and the last one, which
 *     are some system calls apart, are lost and counted. The choice by source needs it, too: the
 *     kernel accepts the program only when two sockets are bound, and a datagram for a socket that
 *     is missing goes to another one, by the kernel's hash;
 *   - no filter: of the clients that send while one or two of four sockets are open, 73 to 78 %
 *     belong to another worker afterwards, and about half of those that send while three are
 *     (docs/performance.md, "Alternatives in single modules"). Each worker uses its own shard of
 *     the registry without a lock, so such a client would be registered in two shards, and get
 *     each broadcast twice until the first registration expires;
 *   - one socket that all workers read: any worker could receive a datagram of any client, so the
 *     registry would need locks on the path of each datagram. Not measured, for that reason. */

/* Opens count sockets (at least 1) like udp_socket_open. A port that another process has is
 * -EADDRINUSE, even if that process allows sharing. Later only processes of the same effective user
 * can share the port, or those of the user that socket_set_owner made the owner. A single socket
 * has no filter and receives at once. On an error none is left open. Returns 0 or -errno. */
int reuseport_group_open(const struct addr *addr, struct udp_socket_options *options,
                         struct addr *bound, int *sockets, size_t count);

/* Adds a socket to a group that receives already, or to a single socket, which `member` is one of;
 * `bound` is where it is bound. All sockets of this server on that port must allow sharing
 * (udp_socket_allow_sharing); the new one does, too. It receives at once what the kernel chooses
 * for it: nothing, if it chooses by the source among the sockets before; a share, if the group was
 * a single socket. Returns the descriptor or -errno (-EPERM: the group belongs to another user, see
 * socket_set_owner). */
int reuseport_group_add(int member, const struct addr *bound, struct udp_socket_options *options);

/* Has the kernel give no further datagram to a socket of a group, where its own hash chooses. What
 * the socket has received stays there, and can be read. Returns 0 or -errno. */
int reuseport_group_leave(int member);

/* Waits until each datagram for which the kernel has chosen a socket already is in that socket.
 * Another processor may have chosen one just before a change here (reuseport_group_leave,
 * reuseport_group_choose_by_source, send_only_socket_open) and put the datagram there after it, so
 * a socket that is read for the last time is read after this. Takes one grace period of the kernel:
 * 8 to 20 ms on Linux 6.18 with two processors. The kernel refuses it where a processor runs
 * without a timer tick (nohz_full), and if it has no membarrier(2); then this returns at once. */
void reuseport_group_await_delivery(void);

/* Ends the sharing of the only socket that is left of a group: no other process can bind to its
 * port any more. Returns 0 or -errno. */
int reuseport_group_end(int member);

/* Has the kernel choose the socket by the source, from now on: among the first count sockets of a
 * group of that family, in the order of reuseport_group_open and reuseport_group_add. A group that
 * had at least two sockets can also get a count of 1. Returns 0, or -errno if the kernel refuses it
 * (net/socket/shard_program), and then its own hash chooses. */
int reuseport_group_choose_by_source(const int *sockets, size_t count, enum addr_family family,
                                     const struct source_shard_key *key);

/* Makes one socket of a group receive from now on. Call it for each socket when all groups are
 * complete. Returns 0 or -errno. */
int reuseport_member_start(int socket);

#endif
