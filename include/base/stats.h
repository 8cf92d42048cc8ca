#ifndef BASE_STATS_H
#define BASE_STATS_H

#include "base/handover.h"

#include <stddef.h>
#include <stdint.h>

/* The counters of the server: STAT(name, what it counts). The names, the texts and the order in
 * `udpctl stats` are from these lists. A name is never changed or reused, because monitoring
 * depends on it; a counter never decreases.
 *
 * The outcomes: each datagram that is received counts in exactly one of these. */
#define STATS_OUTCOMES(STAT)                                                                      \
    STAT(replied, "answered, and the kernel accepted the reply")                                  \
    STAT(silent, "admitted and not answered: reply mode none")                                    \
    STAT(challenged, "from an unverified source: answered with a cookie challenge")               \
    STAT(ponged, "a ping, answered with a pong")                                                  \
    STAT(named, "a hello that was taken: its flags are in effect")                                \
    STAT(confirmed, "the first confirmation of a message by its client")                          \
    STAT(confirmed_again, "a further confirmation of a message by its client")                    \
    STAT(left, "a leave that was accepted: its client is removed")                                \
    STAT(reply_failed, "the kernel refused the reply, or its send buffer was full")               \
    STAT(challenge_failed, "a challenge, pong or answer to a hello that the kernel did not take") \
    STAT(drop_oversize, "longer than max-datagram")                                               \
    STAT(drop_port_zero, "source port 0, which cannot be answered")                               \
    STAT(drop_own_source, "source on one of the server's own service ports")                      \
    STAT(drop_multicast, "sent to, or from, a multicast or broadcast address")                    \
    STAT(drop_denied, "its source is not allowed")                                                \
    STAT(drop_limited, "above the rate limit of its address or prefix")                           \
    STAT(drop_bad_frame, "a frame that is malformed, or not valid from this source")

#define STATS_OTHERS(STAT)                                                                     \
    STAT(kernel_drops, "lost in the kernel: the receive buffer was full")                      \
    STAT(refused_full, "answered but not registered: clients.max reached")                     \
    STAT(refused_prefix, "answered but not registered: its prefix is full")                    \
    STAT(bad_cookies, "cookies that were wrong or had expired")                                \
    STAT(bad_names, "hellos whose name was refused: a wrong MAC, or none where it is needed")  \
    STAT(refused_names, "hellos whose name was refused: names-max reached")                    \
    STAT(late_names, "hellos with a name that were not answered: the client has to repeat it") \
    STAT(dry_limited, "would have been dropped for its rate without dry-run")                  \
    STAT(dry_prefix, "would not have been registered without dry-run")                         \
    STAT(joined, "clients registered")                                                         \
    STAT(moved, "clients removed because their name has moved to another client")              \
    STAT(expired, "clients removed after ttl without a datagram")                              \
    STAT(kicked, "clients removed by the operator")                                            \
    STAT(broadcasts, "broadcast jobs ended")                                                   \
    STAT(copies_sent, "broadcast copies that the kernel accepted")                             \
    STAT(copies_failed, "broadcast copies that the kernel refused")                            \
    STAT(direct_sent, "messages to one client that the kernel accepted")                       \
    STAT(direct_failed, "messages to one client that could not be sent")                       \
    STAT(listen_messages, "messages of clients that a subscriber asked for")                   \
    STAT(listen_events, "events that a subscriber asked for")                                  \
    STAT(listen_lost, "messages and events that a subscriber was too slow to get")             \
    STAT(relayed, "messages of clients sent on to other clients")                              \
    STAT(relay_limited, "not sent on: above relay-rate")                                       \
    STAT(relay_dropped, "not sent on: the queue was full")                                     \
    STAT(streams_closed, "stream clients that disconnected")                                   \
    STAT(streams_slow, "stream clients disconnected: stream-buffer was full")                  \
    STAT(streams_refused, "streams refused: stream-max reached, or no free descriptor")        \
    STAT(streams_denied, "streams closed at once: their source is not allowed")                \
    STAT(offload_replied, "of replied: answered by the offload, before the sockets")           \
    STAT(offload_silent, "of silent: admitted by the offload, before the sockets")             \
    STAT(offload_passed_frame, "passed on by the offload: a frame")                            \
    STAT(offload_passed_size, "passed on by the offload: too long for it")                     \
    STAT(offload_passed_checksum, "passed on by the offload: a wrong checksum")                \
    STAT(offload_passed_settings, "passed on by the offload: its client or settings changed")  \
    STAT(offload_passed_room, "passed on by the offload: the driver has no room for a reply")  \
    STAT(offload_passed_rate, "passed on by the offload: no token of admission.rate is left")  \
    STAT(offload_copies, "of copies_sent: left as frames, past the sockets")

/* The counters of one worker. Only its thread writes them; other threads get a copy. */
struct stats {
    uint64_t received; /* datagrams and messages of streams read from the sockets */
#define STAT(name, meaning) uint64_t name;
    STATS_OUTCOMES(STAT) STATS_OTHERS(STAT)
#undef STAT
};

/* The number of outcomes, and of all counters; `received` is the first one. */
#define STAT(name, meaning) +1
enum {
    STATS_OUTCOME_COUNT = 0 STATS_OUTCOMES(STAT),
    STATS_COUNT = 1 + STATS_OUTCOME_COUNT STATS_OTHERS(STAT)
};
#undef STAT

/* The name, the meaning and the value of counter i < STATS_COUNT, in the order of the lists. */
const char *stats_name(size_t i);
const char *stats_meaning(size_t i);
uint64_t stats_value(const struct stats *stats, size_t i);
void stats_set(struct stats *stats, size_t i, uint64_t value);

/* Adds the counters of one worker to a sum. */
void stats_add(struct stats *sum, const struct stats *worker);

/* Write the counters into a record and read them, each with its name: a process of another version
 * ignores those that it does not know. */
void stats_hand_over(const struct stats *stats, struct handover_writer *writer);
void stats_take_over(struct stats *stats, struct handover_reader *reader);

/* The sum of the outcomes. It is equal to received whenever no batch is being processed. */
uint64_t stats_outcomes(const struct stats *stats);

#endif
