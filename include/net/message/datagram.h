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

/* Sends a datagram. Returns 0, or -errno, and then it was not sent. -EAGAIN: the send buffer is
 * full. -ECONNREFUSED and other ICMP errors are about an earlier datagram and are reported once. */
int datagram_send(int socket, const void *bytes, size_t size);

/* Receives a datagram into at most capacity bytes. *time_ms is the wall clock at that time, in
 * milliseconds since 1970 UTC. Returns its size or -errno: -EAGAIN if there is none; -ECONNREFUSED
 * and other ICMP errors are reported once. */
ssize_t datagram_receive(int socket, void *bytes, size_t capacity, uint64_t *time_ms);

#endif
