#ifndef CLIENT_PENDING_REQUESTS_H
#define CLIENT_PENDING_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The requests that wait for a reply: how many may wait, when they time out, which reply belongs to
 * which request, round-trip times, and the counters of /stats. A UDP reply does not name its
 * request, so a received datagram is taken as the reply to the request that has waited
 * longest, or else to one that timed out. The caller passes the time, in nanoseconds of a clock
 * that never goes back. */

enum {
    /* Requests that may wait. A receive buffer of the kernel's default size, 212992 bytes, holds
     * 277 small datagrams at 768 bytes each, which is enough for four such clients. */
    PENDING_REQUESTS_WINDOW = 64,
    /* Their payload in bytes, since the kernel charges a large datagram with up to twice its size.
     * A single datagram of any size may wait. */
    PENDING_REQUESTS_WINDOW_BYTES = 64 << 10,
    /* How often a request is sent again because of a challenge. Once is enough, and twice if the
     * answer was lost; a server that sends more challenges will not accept any answer. */
    PENDING_REQUESTS_CHALLENGES_MAX = 3,
};

/* How a received datagram is interpreted. */
enum received_kind {
    RECEIVED_BROADCAST, /* no request waited */
    RECEIVED_REPLY,
    RECEIVED_KEEPALIVE, /* the reply to a keepalive */
    RECEIVED_LATE,      /* no request waited, but some timed out: a late reply, or a broadcast */
};

struct pending_requests {
    uint64_t timeout_ns; /* 0: no reply is expected */
    /* Counters: requests, those that were answered, and all received datagrams. */
    uint64_t sent, answered, received;
    uint64_t keepalives; /* sent */
    uint64_t broadcasts; /* received datagrams that were taken as broadcasts */
    /* Round-trip times of replies that arrived before the timeout. */
    uint64_t rtt_count, rtt_min_ns, rtt_max_ns, rtt_sum_ns;
    uint64_t last_reply_ns;
    size_t waiting_bytes;
    uint32_t oldest, count;
    struct pending_request {
        uint64_t sent_ns;
        size_t size, offset; /* in payloads */
        uint8_t challenges;  /* how often it was sent again because of a challenge */
        bool keepalive;
    } waiting[PENDING_REQUESTS_WINDOW];
    /* The payloads of the waiting requests, in order. Together they have at most
     * PENDING_REQUESTS_WINDOW_BYTES, so that in twice that size each one fits without a wrap. */
    uint8_t payloads[2 * PENDING_REQUESTS_WINDOW_BYTES];
};

/* Initializes the state without requests. timeout_ns 0: no reply is expected. */
void pending_requests_init(struct pending_requests *requests, uint64_t timeout_ns);

/* Returns whether a request of size bytes may be sent now. */
bool pending_requests_can_send(const struct pending_requests *requests, size_t size);

/* Adds a request that was sent, after pending_requests_can_send. A keepalive takes one reply, but
 * is not counted as lost without it. */
void pending_requests_add(struct pending_requests *requests, const void *bytes, size_t size,
                          bool keepalive, uint64_t now_ns);

/* Handles a challenge: sets *bytes and *size to the request to be sent again with the cookie, the
 * oldest of those with the fewest challenges; it continues to wait. It need not be the request that
 * caused the challenge, since all challenges have the same cookie. Returns false if no request
 * waits, or all have reached PENDING_REQUESTS_CHALLENGES_MAX. */
bool pending_requests_answer_challenge(struct pending_requests *requests, uint64_t now_ns,
                                       const uint8_t **bytes, size_t *size);

/* For sending the waiting requests again, to another address: sets *bytes and *size to waiting
 * request i (0: the oldest) and restarts its timeout. Returns false if there are no more. */
bool pending_requests_resend(struct pending_requests *requests, uint32_t i, uint64_t now_ns,
                             const uint8_t **bytes, size_t *size);

/* Handles a received datagram. Sets *rtt_ns to the round-trip time of a reply (also to a
 * keepalive), otherwise to 0. */
enum received_kind pending_requests_receive(struct pending_requests *requests, uint64_t now_ns,
                                            uint64_t *rtt_ns);

/* Counts a received message of a confirmed broadcast, which is no reply. */
void pending_requests_receive_message(struct pending_requests *requests, uint64_t now_ns);

/* Removes all waiting requests, since the peer refused them. */
void pending_requests_abandon(struct pending_requests *requests);

/* Returns when the oldest request times out: timeout_ns after it was sent or after the last
 * received datagram, whichever is later, since a slow service is not a silent one. UINT64_MAX: none
 * waits. */
uint64_t pending_requests_deadline_ns(const struct pending_requests *requests);

/* Removes the requests whose deadline has passed. Returns their number without keepalives, and sets
 * *keepalives to the number of these. */
uint32_t pending_requests_expire(struct pending_requests *requests, uint64_t now_ns,
                                 uint32_t *keepalives);

/* Returns the number of requests that timed out or were refused, and not answered later. */
uint64_t pending_requests_lost_count(const struct pending_requests *requests);

/* Returns whether every request was answered (or no replies are expected). */
bool pending_requests_all_answered(const struct pending_requests *requests);

#endif
