#ifndef NET_SOCKET_SHARD_PROGRAM_H
#define NET_SOCKET_SHARD_PROGRAM_H

#include "address/source_shard.h"

/* The program by which the kernel chooses the socket of a reuseport group for each datagram: the
 * function source_shard (address/source_shard) as classic BPF (SO_ATTACH_REUSEPORT_CBPF, socket(7),
 * Linux 4.5). Its result is the index of a socket in the group, in the order in which the sockets
 * were bound.
 *
 * What it reads: source address and port from the headers of the datagram, as the kernel delivers
 * it, so after reassembly of fragments and after any translation of addresses, like recvmsg(2).
 *   - IPv4: the UDP header begins where the length of the IP header says, also with options.
 *   - IPv6: extension headers that Linux leaves in front of UDP are skipped: hop-by-hop and
 *     destination options, routing, and a fragment header of a datagram that is whole; five at
 * most, as many as RFC 8200, section 4.1, allows of these. Beyond that the result is no index, and
 * the kernel chooses by its own hash: such a source stays with one socket, but maybe with another
 *     one than source_shard names, and than its datagrams without these headers.
 *
 * What was weighed:
 *   - an extended BPF program (SO_ATTACH_REUSEPORT_EBPF): needs bpf(2), which containers and
 *     kernels refuse to processes without privileges;
 *   - the place of the UDP header from the lengths of both headers, without looking at extension
 *     headers: wrong where a datagram is shorter than its packet (UDP options, RFC 9868). */

/* Attaches the program to the group of a socket that is bound, to choose one of count sockets (at
 * least 1) of the family ADDR_IPV4 or ADDR_IPV6. Sockets that join or leave the group later do not
 * change its results. While the group has fewer than count sockets, the kernel chooses by its own
 * hash for results that are no index. Returns 0 or -errno; -ENOPROTOOPT: the kernel lacks it. */
int shard_program_attach(int socket, enum addr_family family, const struct source_shard_key *key,
                         uint32_t count);

#endif
