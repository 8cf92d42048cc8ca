#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdint.h>

/* A token bucket that spreads copies over time: rate a second, and what was missed for up to
 * PACE_BURST_MS is made up for, even where a copy takes longer than that. */
struct pace {
    uint32_t rate_pps;   /* of all parts; 0: no pace */
    uint32_t parts;      /* that the rate is shared out to; this is one of them */
    uint64_t credit;     /* a copy costs 10^9 times parts of it */
    uint64_t updated_ns; /* when credit was right */
};

enum {
    /* Timers are late by a scheduling delay, a few milliseconds on a busy machine; that much must
       not slow the pace. */
    PACE_BURST_MS = 10,
};

void pace_init(struct pace *pace, uint32_t rate_pps, uint64_t now_ns);

/* One of parts (1 to 2^16) that share the rate and don't know of each other: each goes at a rate of
 * exactly rate_pps / parts, be it a fraction of a copy a second, so that the sum is the rate. Their
 * first copies are spread over the time that they have together for one each; the last part's is
 * free at once. part is below parts. */
void pace_init_part(struct pace *pace, uint32_t rate_pps, uint32_t part, uint32_t parts,
                    uint64_t now_ns);

/* Goes on at another rate, from 0 or to 0, too. What was earned at the old one stays, so that a
 * rate which is changed again and again holds no copy up. */
void pace_change(struct pace *pace, uint32_t rate_pps, uint64_t now_ns);

/* How many of want copies may go now; they count as gone. */
uint32_t pace_take(struct pace *pace, uint64_t now_ns, uint32_t want);

/* Gives back what was taken and didn't go. */
void pace_return(struct pace *pace, uint32_t count);

/* The time until the next copy may go, in nanoseconds from the last pace_take, at least 1; only
 * with a rate. At a high rate, until several may go, so that not each copy costs a wake-up. */
uint64_t pace_wait_ns(const struct pace *pace);

#endif
