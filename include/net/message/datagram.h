#ifndef NET_MESSAGE_DATAGRAM_H
#define NET_MESSAGE_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Single datagrams on a socket of socket_connect. */

enum {
    /* No datagram is longer: the length field of the UDP header has 16 bits (RFC 768). */
    DATAGRAM_BYTES_MAX = 65535,
};

/* Sends one. 0 or -errno: -EAGAIN when the socket has no room; -ECONNREFUSED and other errors of
 * ICMP are those of an earlier datagram, told once, and this one was not sent. */
int datagram_send(int socket, const void *bytes, size_t size);

/* Receives one into room bytes. *time_ms is the wall clock then, in milliseconds since 1970 UTC.
 * Returns its size, or -errno: -EAGAIN when none is there; -ECONNREFUSED and other errors of ICMP
 * are told once. */
ssize_t datagram_receive(int socket, void *bytes, size_t room, uint64_t *time_ms);

#endif
