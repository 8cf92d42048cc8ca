#ifndef NET_SOCKET_ICMP_ERRORS_H
#define NET_SOCKET_ICMP_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

/* ICMP errors about datagrams that a socket has sent (IP_RECVERR, ip(7)).
 *
 * On a connected socket the next send or receive fails with the error. On an unconnected socket the
 * kernel reports no ICMP errors unless they are enabled; then the same happens, and each error also
 * waits in the error queue of the socket. */

/* Enables ICMP errors on an unconnected socket of that family (ADDR_IPV4, ADDR_IPV6). Returns 0 or
 * -errno; a kernel without this option (-ENOPROTOOPT) reports no errors. */
int icmp_errors_enable(int socket, int family);

/* Empties the error queue of a socket. Returns how many ICMP errors were in it; *last is the last
 * one as -errno, and is unchanged if there was none. */
uint32_t icmp_errors_receive(int socket, int *last);

/* Whether an error of send or receive (-errno) may be an ICMP error about an earlier datagram.
 * -ECONNREFUSED always is. */
bool icmp_errors_may_be(int error);

#endif
