#ifndef BASE_PACER_H
#define BASE_PACER_H

#include <stdint.h>

/* The pacing of broadcast copies to a rate per second: a token bucket in integer arithmetic. After
 * a delay it catches up for at most PACER_BURST_MS, so a late timer does not lower the rate. Times
 * are in nanoseconds of one monotonic clock. One thread uses a pacer. */
struct pacer {
    uint32_t rate_pps;   /* copies per second of all shares together; 0: no limit */
    uint32_t shares;     /* how many pacers share the rate; this is one of them */
    uint64_t credit;     /* a copy costs 10^9 * shares */
    uint64_t updated_ns; /* when credit was computed */
};

enum {
    /* A timer is late by a scheduling delay: up to this much is made up for afterwards. */
    PACER_BURST_MS = 10,
};

/* A pacer that has the rate for itself. The first copy may be sent at once. */
void pacer_init(struct pacer *pacer, uint32_t rate_pps, uint64_t now_ns);

/* One of several pacers (shares of them, 1 to 2^16; share is the index of this one) that have one
 * rate together but do not communicate. Each has a rate of exactly rate_pps / shares, also if that
 * is below one copy per second, so the sum is the rate. Their first copies are spread over the time
 * in which they send one copy each; the first copy of the last share may be sent at once. */
void pacer_init_share(struct pacer *pacer, uint32_t rate_pps, uint32_t share, uint32_t shares,
                      uint64_t now_ns);

/* Changes the rate, also from 0 or to 0. The credit from before is kept: otherwise a rate that is
 * changed repeatedly would never allow the next copy. */
void pacer_set_rate(struct pacer *pacer, uint32_t rate_pps, uint64_t now_ns);

/* Continues with the credit of another pacer with as many shares, when that was computed. */
void pacer_continue(struct pacer *pacer, uint64_t credit, uint64_t updated_ns);

/* Returns how many of want copies may be sent now, and counts them as sent. */
uint32_t pacer_take(struct pacer *pacer, uint64_t now_ns, uint32_t want);

/* Returns credit for copies that were taken but not sent. */
void pacer_return(struct pacer *pacer, uint32_t count);

/* The time from the last pacer_take until the next copy may be sent, at least 1 ms: at a high rate
 * several copies are then due, and not every copy costs a wake-up. Only for a rate above 0. */
uint64_t pacer_wait_ns(const struct pacer *pacer);

#endif
