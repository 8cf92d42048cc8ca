#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stddef.h>
#include <stdint.h>

/* Every counter of the service: STAT(name, what it counts). This list is the single source of the
 * names in `udpctl stats`, and of their order. A name, once given, stays; a counter never goes
 * back.
 *
 * The fates: every datagram that is received ends in exactly one of these. */
#define STATS_OUTCOMES(STAT)                                                                 \
    STAT(replied, "answered, and the kernel took the answer")                                \
    STAT(silent, "admitted under reply mode none")                                           \
    STAT(challenged, "from a stranger: answered by a cookie challenge")                      \
    STAT(ponged, "a ping, answered by a pong")                                               \
    STAT(left, "a leave, honoured: its client is removed")                                   \
    STAT(reply_failed, "the kernel refused the reply, or had no room for it")                \
    STAT(challenge_failed, "a challenge or pong was due, and not sent: no room, or refused") \
    STAT(drop_oversize, "longer than max-datagram")                                          \
    STAT(drop_port_zero, "source port 0, which nobody can answer")                           \
    STAT(drop_own_source, "source on one of our own service ports")                          \
    STAT(drop_multicast, "sent to, or from, a multicast or broadcast address")               \
    STAT(drop_denied, "its source isn't allowed to speak")                                   \
    STAT(drop_limited, "over the rate of its address or prefix")                             \
    STAT(drop_bad_frame, "a frame that makes no sense, here or from this source")

#define STATS_OTHERS(STAT)                                                     \
    STAT(kernel_drops, "lost in the kernel: the receive buffer was full")      \
    STAT(refused_full, "answered but not registered: clients.max reached")     \
    STAT(refused_prefix, "answered but not registered: its prefix is full")    \
    STAT(bad_cookies, "cookies that were wrong, or too old")                   \
    STAT(dry_limited, "would have been dropped for its rate, but for dry-run") \
    STAT(dry_prefix, "would not have been registered, but for dry-run")        \
    STAT(joined, "clients registered")                                         \
    STAT(expired, "clients evicted after ttl of silence")                      \
    STAT(kicked, "clients removed by the operator")                            \
    STAT(broadcasts, "broadcast jobs ended")                                   \
    STAT(copies_sent, "broadcast copies that the kernel took")                 \
    STAT(copies_failed, "broadcast copies that the kernel refused")            \
    STAT(relayed, "messages of clients passed on to others")                   \
    STAT(relay_limited, "not passed on: over relay-rate")                      \
    STAT(relay_dropped, "not passed on: too many waited")                      \
    STAT(streams_closed, "stream clients that left, or broke off")             \
    STAT(streams_slow, "stream clients cut off: stream-buffer was full")       \
    STAT(streams_refused, "streams refused: stream-max, or no open file")      \
    STAT(streams_denied, "streams closed at once: their source isn't allowed to speak")

/* One worker's counters: written by its thread alone, copied to be read. */
struct stats {
    uint64_t received; /* datagrams and lines read from the sockets */
#define STAT(name, meaning) uint64_t name;
    STATS_OUTCOMES(STAT) STATS_OTHERS(STAT)
#undef STAT
};

/* The number of fates, and of all counters, `received`, the first, among them. */
#define STAT(name, meaning) +1
enum {
    STATS_OUTCOME_COUNT = 0 STATS_OUTCOMES(STAT),
    STATS_COUNT = 1 + STATS_OUTCOME_COUNT STATS_OTHERS(STAT)
};
#undef STAT

/* The name, the meaning and the value of counter i < STATS_COUNT, in the order of the lists
 * above. */
const char *stats_name(size_t i);
const char *stats_meaning(size_t i);
uint64_t stats_value(const struct stats *stats, size_t i);

/* Adds the counters of one worker to a sum. */
void stats_add(struct stats *sum, const struct stats *worker);

/* The sum of the fates; equal to received whenever nothing is in flight. */
uint64_t stats_outcomes(const struct stats *stats);

#endif
