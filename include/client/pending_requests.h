#ifndef CLIENT_PENDING_REQUESTS_H
#define CLIENT_PENDING_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* What may be unanswered at a time. A receive buffer of the kernel's default size, 212992
     * bytes, charged at 768 bytes for a small datagram, holds 277 of them; four such clients fit.
     */
    PENDING_REQUESTS_WINDOW = 64,
    /* In bytes of payload, since a large datagram is charged at up to twice its size. One datagram
     * may always wait. */
    PENDING_REQUESTS_WINDOW_BYTES = 64 << 10,
    /* How often a request is sent again for the sake of a challenge: once is enough, a second time
     * where the cookie died on the way; a server that asks for more will never be content. */
    PENDING_REQUESTS_PROOFS_MAX = 3,
};

/* What a datagram that came is taken for. */
enum received_kind {
    RECEIVED_BROADCAST, /* nothing was due */
    RECEIVED_REPLY,
    RECEIVED_KEEPALIVE, /* the reply to one */
    RECEIVED_LATE, /* nothing was due, but replies were given up: one of them, or a broadcast */
};

/* Requests that wait for replies. UDP doesn't say which request a reply belongs to, so a datagram
 * that comes answers the one that has waited longest, or else one that was given up. Time is an
 * argument, in nanoseconds that never go back. */
struct pending_requests {
    uint64_t timeout_ns; /* 0: no reply is waited for */
    /* Counted: requests, those of them that were answered, and all datagrams that came. */
    uint64_t sent, answered, received;
    uint64_t keepalives, broadcasts; /* sent; come, or taken for some */
    /* Of replies that came in time. */
    uint64_t timed, rtt_min_ns, rtt_max_ns, rtt_sum_ns;
    uint64_t last_reply_ns;
    size_t waiting_bytes;
    uint32_t oldest, count;
    struct pending_request {
        uint64_t sent_ns;
        size_t size, at; /* in kept */
        uint8_t proofs;  /* how often it was sent again for a challenge */
        bool keepalive;
    } waiting[PENDING_REQUESTS_WINDOW];
    /* What the waiting ones said, one behind the other. Together they have at most the window, so
     * in twice as much each finds its place in one piece. */
    uint8_t kept[2 * PENDING_REQUESTS_WINDOW_BYTES];
};

void pending_requests_init(struct pending_requests *exchange, uint64_t timeout_ns);

/* Whether a request of size bytes may be sent now. */
bool pending_requests_has_room(const struct pending_requests *exchange, size_t size);

/* A request was sent, for which there was room. A keepalive uses up its reply, but none is missed.
 */
void pending_requests_sent(struct pending_requests *exchange, const void *bytes, size_t size,
                           bool keepalive, uint64_t now_ns);

/* A challenge came: the request that is to be sent again behind the cookie, the oldest of those
 * that were so least often. It goes on waiting. False if none waits, or each was so too often
 * already. Which of them the challenge was meant for doesn't matter: their cookies are the same. */
bool pending_requests_challenged(struct pending_requests *exchange, uint64_t now_ns,
                                 const uint8_t **bytes, size_t *size);

/* The requests that wait are sent again, to another address: the one numbered i of them, 0 the
 * oldest, whose time begins anew. False if there are no more. */
bool pending_requests_again(struct pending_requests *exchange, uint32_t i, uint64_t now_ns,
                            const uint8_t **bytes, size_t *size);

/* A datagram came. *rtt_ns is the round trip of a reply (to a keepalive, too), else 0. */
enum received_kind pending_requests_reply(struct pending_requests *exchange, uint64_t now_ns,
                                          uint64_t *rtt_ns);

/* The peer refused: those that wait are given up. */
void pending_requests_refused(struct pending_requests *exchange);

/* When the oldest is to be given up: timeout after it was sent or after the last datagram that
 * came, whichever is later, since a slow service is not a silent one. UINT64_MAX when none waits.
 */
uint64_t pending_requests_deadline_ns(const struct pending_requests *exchange);

/* Gives up those whose deadline has come. Returns how many requests; *keepalives, how many of the
 * others. */
uint32_t pending_requests_expire(struct pending_requests *exchange, uint64_t now_ns,
                                 uint32_t *keepalives);

/* Requests that were given up, and not answered later. */
uint64_t pending_requests_lost(const struct pending_requests *exchange);

/* Whether every request was answered (or none is expected to be). */
bool pending_requests_complete(const struct pending_requests *exchange);

#endif
