#ifndef LOAD_SEND_SEND_SCHEDULE_H
#define LOAD_SEND_SEND_SCHEDULE_H

#include "base/prng.h"

#include <stdbool.h>
#include <stdint.h>

/* When requests are to be sent, whatever becomes of them: the times of one share of an open-loop
 * load, in nanoseconds from its start. */
struct schedule {
    uint64_t next_ns;
    uint64_t step_ns; /* evenly spaced: whole nanoseconds of a step, */
    uint64_t rest;    /* and what is left of it, in parts of a nanosecond: rest / rate */
    uint64_t carried; /* parts that have added up */
    uint32_t rate;
    bool poisson;
    double mean_ns;  /* poisson: of a gap */
    double fraction; /* poisson: of a nanosecond, not yet in next_ns */
    struct prng prng;
};

enum { SCHEDULE_RATE_MAX = 10000000 };

/* The share number (from 0) of shares, each with every shares-th request of rate a second in all (1
 * to SCHEDULE_RATE_MAX). Evenly spaced, request k of all is due at floor(k * 10^9 / rate), to the
 * nanosecond, however long it goes on. As a Poisson process the gaps of each share are
 * exponentially distributed, so that all together are a Poisson process of that rate; equal seeds
 * give equal times. */
void schedule_init(struct schedule *schedule, uint32_t rate, uint32_t shares, uint32_t share);
void schedule_init_poisson(struct schedule *schedule, uint32_t rate, uint32_t shares,
                           uint32_t share, uint64_t seed);

/* When the next request is due; and moving on to the one behind it. Without a division. */
uint64_t schedule_due_ns(const struct schedule *schedule);
void schedule_advance(struct schedule *schedule);

#endif
