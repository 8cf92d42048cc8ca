#ifndef SERVER_BROADCAST_CONFIRMATION_ROUNDS_H
#define SERVER_BROADCAST_CONFIRMATION_ROUNDS_H

#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

/* When the rounds of a confirmed broadcast begin, and when it ends. Pure logic: the time is an
 * argument, in milliseconds of any clock that does not go back.
 *
 * The first round begins at once; the others at T, 2 T, 4 T and 8 T after it, with T from 2 to 3 s,
 * drawn once for each broadcast. These are the intervals of CoAP (RFC 7252, section 4.8:
 * ACK_TIMEOUT 2 s, ACK_RANDOM_FACTOR 1.5, MAX_RETRANSMIT 4), which RFC 8085, section 3.1.1, allows
 * without an estimate of the round-trip time. They double, so a network that loses datagrams
 * because it is overloaded gets fewer of them with each round; five rounds at a loss of 10 % each
 * way leave 0.19^5 of the clients without a confirmation, one in 4,000.
 *
 * The times count from the end of the first round, which takes minutes at a low broadcast.rate.
 * From its beginning, the further rounds would follow one another without a pause, or the time for
 * confirmations would have passed before the last client has got its first frame. For the same
 * reason the schedule stands still while a further round is sent, and while one that is due is held
 * back because another broadcast is sent: what follows is later by that time. So every round that
 * begins within the time for confirmations is sent, to its end, and followed by the usual pause. */

enum {
    CONFIRMATION_ROUNDS_MAX = 5,
    CONFIRMATION_INTERVAL_MIN_MS = 2000,
    CONFIRMATION_INTERVAL_MAX_MS = 3000,
    /* How long a broadcast is open: the last round begins after at most 24 s. */
    CONFIRMATION_WITHIN_DEFAULT_MS = 30000,
    CONFIRMATION_WITHIN_MIN_MS = CONFIG_WITHIN_MIN_MS,
    CONFIRMATION_WITHIN_MAX_MS = CONFIG_WITHIN_MAX_MS,
    /* In FRAME_LEISURE_UNIT_MS: less than T, after which the client is asked again. */
    CONFIRMATION_LEISURE_MAX = 15,
    /* Up to this number of clients, each confirms at once: their confirmations fit into the least
     * receive buffer that a listener has. */
    CONFIRMATION_LEISURE_FREE_CLIENTS = 100,
    CONFIRMATIONS_PER_UNIT = 10000, /* 100,000 a second, half of what one worker receives
                                       (docs/performance.md) */
};

struct confirmation_rounds {
    /* From when the times count: the end of the first round, and later by the time for which the
     * others were held back or sent. */
    uint64_t origin_ms;
    uint32_t within_ms;   /* for confirmations, from origin_ms */
    uint32_t interval_ms; /* T */
    uint32_t begun;       /* rounds that have begun */
};

/* Initializes the schedule, of which no round has begun. random is any number. */
void confirmation_rounds_init(struct confirmation_rounds *rounds, uint32_t within_ms,
                              uint32_t random);

/* Records that the next round begins, or that the one that began last has ended. */
void confirmation_rounds_begin(struct confirmation_rounds *rounds);
void confirmation_rounds_end(struct confirmation_rounds *rounds, uint64_t now_ms);

/* Between two rounds, and after the last one: returns when the next one is due, UINT64_MAX if all
 * have begun or the time for confirmations will have passed. */
uint64_t confirmation_rounds_next_ms(const struct confirmation_rounds *rounds);

/* Between two rounds, and after the last one: whether the time for confirmations has passed. It has
 * not as long as a round that is due is held back. */
bool confirmation_rounds_have_expired(const struct confirmation_rounds *rounds, uint64_t now_ms);

/* Returns the leisure, in units, for so many clients: they confirm at a random time within it, so
 * that at most 100,000 confirmations a second come if it is below the maximum. */
uint8_t confirmation_rounds_leisure(uint64_t clients);

#endif
