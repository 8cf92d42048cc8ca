#ifndef NET_SOCKET_ICMP_ERRORS_H
#define NET_SOCKET_ICMP_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

/* ICMP errors about datagrams that a socket has sent. A connected socket is told by the next send
 * or receive, which fails with the error. One that is not connected is told nothing unless it asks;
 * then the same happens, and each error also waits in a queue of its own. Asking costs nothing
 * while no error comes. */

/* Asks for them on an unconnected socket of that family. 0 or -errno; a kernel that has no such
 * option (-ENOPROTOOPT) tells nothing. */
int icmp_errors_enable(int socket, int family);

/* Empties the queue of a socket. Returns how many errors of ICMP were in it; *last is the last one
 * as -errno, unchanged if there was none. */
uint32_t icmp_errors_receive(int socket, int *last);

/* Whether an error of a send or receive (-errno) may be one that ICMP told of an earlier datagram.
 * -ECONNREFUSED always is. */
bool icmp_errors_may_be(int error);

#endif
