#ifndef NET_MESSAGE_DATAGRAM_BATCH_H
#define NET_MESSAGE_DATAGRAM_BATCH_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Batches of up to BATCH_MAX datagrams, received or sent by one system call (recvmmsg, sendmmsg),
 * whose headers are prepared only once. */
struct batch;

enum {
    /* Knot DNS and the kernel's own selftests use 10 to 64. At 64, a datagram has only a 64th of
     * the cost of a system call. */
    BATCH_MAX = 64,
};

/* A received datagram. */
struct datagram {
    const uint8_t *bytes;
    uint32_t size;     /* at most max_datagram_bytes */
    bool truncated;    /* it was longer than max_datagram_bytes */
    bool is_multicast; /* sent to a multicast or broadcast address; false if local is not known */
    struct addr source;
    /* The address that it was sent to, with the interface that received it as its scope, in IPv4,
     * too. The family is ADDR_NONE unless udp_socket_reports_destination, and where the datagram
     * arrived before udp_socket_adopt. */
    struct addr local;
};

/* Makes a batch for datagrams of up to max_datagram_bytes; 0: for sending only. Returns NULL if
 * memory is short. */
struct batch *batch_new(size_t max_datagram_bytes);
void batch_free(struct batch *batch);

/* Receives what the socket has now into an empty batch. Returns the number of datagrams, 0 if there
 * is none, or -errno if the socket failed. An interrupted call is repeated. */
int batch_receive(struct batch *batch, int socket);

/* The received datagrams, valid until the batch is cleared. */
const struct datagram *batch_datagrams(const struct batch *batch);

/* Queues a reply to datagram i of `received`: to its source, from the address that it was sent to.
 * The reply is queued in `out`, which is `received` itself or another batch, at most BATCH_MAX of
 * them. Clear `received` only after `out`. The bytes are not copied and must stay valid until they
 * are sent. */
void batch_add_reply(struct batch *out, const struct batch *received, int i, const void *bytes,
                     size_t size);

enum { BATCH_SCRATCH_BYTES = 72 }; /* the longest frame with which a server answers has 70 */

/* BATCH_SCRATCH_BYTES of memory for a short reply to datagram i of a batch that receives, valid
 * until the batch is cleared. */
uint8_t *batch_scratch(struct batch *batch, int i);

/* Queues a datagram in a batch that receives nothing, at most BATCH_MAX of them: to `to` (family
 * ADDR_NONE: the peer of a connected socket), from `local` (family ADDR_NONE: the address of the
 * socket). The bytes are not copied. */
void batch_add(struct batch *batch, const struct addr *to, const struct addr *local,
               const void *bytes, size_t size);

/* Queues again the datagram that batch_add last queued at this position of the batch (the next one,
 * counted from the last batch_clear), and changes only the address that it leaves from to the IPv4
 * address ip, in network byte order. A position whose datagram had no local address ignores ip. Not
 * for IPv6. */
void batch_repeat_from(struct batch *batch, uint32_t ip);

/* The results of sending since the batch was cleared. */
struct batch_counts {
    uint32_t sent;
    uint32_t failed;      /* refused by the kernel because of the datagram itself */
    int last_errno;       /* of the last one that failed, 0 if none did */
    uint32_t icmp_errors; /* errors about earlier datagrams that a call of sendmmsg returned */
    int icmp_errno;       /* of the last of those */
};

/* Sends what is queued and not yet sent. A datagram that the kernel refuses is counted and skipped,
 * and the others are sent. The same applies to one whose fragments do not fit into the send buffer
 * even if it is empty (ENOBUFS). An ICMP error about an earlier datagram, which the kernel reports
 * once instead of sending (net/socket/icmp_errors), is counted, and the current datagram is sent
 * again. Returns 0 when nothing is left, or -EAGAIN when the send buffer is full: then call it
 * again once the socket is writable. */
int batch_send(struct batch *batch, int socket);

/* Sends what the kernel accepts now, and counts the rest as failed (EAGAIN). */
void batch_send_or_fail(struct batch *batch, int socket);

/* Counts what is not yet sent as failed for that reason (an errno). */
void batch_fail_rest(struct batch *batch, int reason);

/* Returns the counts since the batch was cleared. */
struct batch_counts batch_counts(const struct batch *batch);

/* How many datagrams were queued since the batch was cleared; how many of them are done, that is,
 * sent or refused; and whether datagram i, in the order of queueing, was refused. */
int batch_queued(const struct batch *batch);
int batch_done(const struct batch *batch);
bool batch_is_refused(const struct batch *batch, int i);

/* Returns the number of the datagram that reply k, in the order of queueing, replies to; *bytes and
 * *size are the payload of the reply. */
int batch_get_reply(const struct batch *batch, int k, const void **bytes, size_t *size);

/* Empties the batch. Datagrams that are still queued are not sent. */
void batch_clear(struct batch *batch);

#endif
