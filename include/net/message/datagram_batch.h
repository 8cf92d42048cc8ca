#ifndef NET_MESSAGE_DATAGRAM_BATCH_H
#define NET_MESSAGE_DATAGRAM_BATCH_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Up to BATCH_MAX datagrams that are received or sent by one system call, with all their headers
 * prepared once. */
struct batch;

enum {
    /* Knot DNS and the kernel's own selftests take 10 to 64; beyond 64 the share of the system call
     * in a datagram's cost no longer shrinks. */
    BATCH_MAX = 64,
};

/* A datagram as it came. */
struct datagram {
    const uint8_t *bytes;
    uint32_t size; /* what fits max_datagram_bytes */
    bool cut;      /* it was longer than max_datagram_bytes */
    bool to_many;  /* it was sent to a multicast or broadcast address, as far as local is known */
    struct addr source;
    /* Where it was sent to, and as its scope, in IPv4 too, the interface that it came by, where
     * socket_tells_interface; else of family ADDR_NONE. */
    struct addr local;
};

/* Makes a batch for datagrams of up to max_datagram_bytes; 0 makes one for sending alone. NULL when
 * memory is short. */
struct batch *batch_new(size_t max_datagram_bytes);
void batch_free(struct batch *batch);

/* Receives what is there into an empty batch. Returns the number of datagrams, 0 if none is there,
 * or -errno of a socket that failed. An interrupted call is repeated. */
int batch_receive(struct batch *batch, int socket);

/* The datagrams received, valid until the batch is emptied. */
const struct datagram *batch_datagrams(const struct batch *batch);

/* Queues an answer to datagram i of those that `received` holds: to where it came from, from where
 * it was sent to. The answer is queued in `out`, which is `received` itself or another batch, at
 * most BATCH_MAX of them; `received` is not emptied before `out` is. The bytes are not copied; they
 * must outlive the sending. */
void batch_answer(struct batch *out, const struct batch *received, int i, const void *bytes,
                  size_t size);

enum { BATCH_SCRATCH_BYTES = 24 };

/* BATCH_SCRATCH_BYTES for a short answer to datagram i, good until the batch is emptied. */
uint8_t *batch_scratch(struct batch *batch, int i);

/* Queues a datagram to any address (or to the socket's peer, if it is connected and the family of
 * to is ADDR_NONE), from local (or from the socket's own if its family is ADDR_NONE), in a batch
 * that receives nothing. At most BATCH_MAX. The bytes are not copied. */
void batch_address(struct batch *batch, const struct addr *to, const struct addr *local,
                   const void *bytes, size_t size);

/* Queues what batch_address last queued at this place of the batch (the next of them, counted since
 * it was emptied) once more, and changes no more than where it leaves from: the IPv4 address ip, in
 * network order. Only where each place had an IPv4 address, or none, and then ip says nothing. */
void batch_again(struct batch *batch, uint32_t ip);

/* What became of the queued datagrams since the batch was emptied. */
struct batch_tally {
    uint32_t sent;
    uint32_t failed; /* refused by the kernel for a reason of their own */
    int last_errno;  /* of the last that failed, 0 if none did */
    uint32_t told;   /* ICMP errors of earlier datagrams, told in place of sending one */
    int told_errno;  /* of the last of those */
};

/* Sends what is queued and not yet sent. One that the kernel refuses is counted and passed over;
 * the others go out. One whose fragments don't fit into the send buffer even when it is empty is
 * refused, too (ENOBUFS). An ICMP error about an earlier datagram, which the kernel tells once by
 * refusing to send (net/socket/icmp_errors), is counted, and the datagram at hand is sent again.
 * Returns 0 when nothing is left, or -EAGAIN when the socket has no room: then send again once it
 * is writable. */
int batch_send(struct batch *batch, int socket);

/* Sends what the kernel takes at once, and counts the rest as failed (EAGAIN): nothing of it waits.
 */
void batch_send_or_fail(struct batch *batch, int socket);

/* Counts what is not yet sent as failed, for that reason (an errno). */
void batch_fail(struct batch *batch, int reason);

struct batch_tally batch_tally(const struct batch *batch);

/* How many were queued since the batch was emptied; how many of them are settled, sent or refused;
 * and whether one of those, numbered in the order of queueing, was refused. */
int batch_queued(const struct batch *batch);
int batch_settled(const struct batch *batch);
bool batch_refused(const struct batch *batch, int i);

/* Answer k, in the order of queueing: the number of the datagram that it answers; *bytes and *size
 * are what it says. */
int batch_answered(const struct batch *batch, int k, const void **bytes, size_t *size);

/* Empties the batch; what was still queued is forgotten. */
void batch_clear(struct batch *batch);

#endif
