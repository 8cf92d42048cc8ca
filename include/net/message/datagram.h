#ifndef NET_MESSAGE_DATAGRAM_H
#define NET_MESSAGE_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sends and receives single datagrams on a connected UDP socket, for clients. */

enum {
    /* No datagram is longer: the length field of the UDP header has 16 bits (RFC 768). */
    DATAGRAM_BYTES_MAX = 65535,
};

/* Sends one. Returns 0 or -errno: -EAGAIN if the send buffer is full; -ECONNREFUSED and other ICMP
 * errors are about an earlier datagram and reported once; this one was not sent. */
int datagram_send(int socket, const void *bytes, size_t size);

/* Receives one into at most capacity bytes. *time_ms is the wall clock then, in milliseconds since
 * 1970 UTC. Returns its size or -errno: -EAGAIN if there is none; -ECONNREFUSED and other ICMP
 * errors are reported once. */
ssize_t datagram_receive(int socket, void *bytes, size_t capacity, uint64_t *time_ms);

#endif
