#ifndef BASE_PACER_H
#define BASE_PACER_H

#include <stdint.h>

/* A token bucket that spreads copies over time: rate a second, and what was missed for up to
 * PACER_BURST_MS is made up for, even where a copy takes longer than that. */
struct pacer {
    uint32_t rate_pps;   /* of all parts; 0: no pace */
    uint32_t parts;      /* that the rate is shared out to; this is one of them */
    uint64_t credit;     /* a copy costs 10^9 times parts of it */
    uint64_t updated_ns; /* when credit was right */
};

enum {
    /* Timers are late by a scheduling delay, a few milliseconds on a busy machine; that much must
       not slow the pace. */
    PACER_BURST_MS = 10,
};

void pacer_init(struct pacer *pace, uint32_t rate_pps, uint64_t now_ns);

/* One of parts (1 to 2^16) that share the rate and don't know of each other: each goes at a rate of
 * exactly rate_pps / parts, be it a fraction of a copy a second, so that the sum is the rate. Their
 * first copies are spread over the time that they have together for one each; the last part's is
 * free at once. part is below parts. */
void pacer_init_part(struct pacer *pace, uint32_t rate_pps, uint32_t part, uint32_t parts,
                     uint64_t now_ns);

/* Goes on at another rate, from 0 or to 0, too. What was earned at the old one stays, so that a
 * rate which is changed again and again holds no copy up. */
void pacer_change(struct pacer *pace, uint32_t rate_pps, uint64_t now_ns);

/* How many of want copies may go now; they count as gone. */
uint32_t pacer_take(struct pacer *pace, uint64_t now_ns, uint32_t want);

/* Gives back what was taken and didn't go. */
void pacer_return(struct pacer *pace, uint32_t count);

/* The time until the next copy may go, in nanoseconds from the last pacer_take, at least 1; only
 * with a rate. At a high rate, until several may go, so that not each copy costs a wake-up. */
uint64_t pacer_wait_ns(const struct pacer *pace);

#endif
