#ifndef LOAD_SEND_SEND_SCHEDULE_H
#define LOAD_SEND_SEND_SCHEDULE_H

#include "base/prng.h"

#include <stdbool.h>
#include <stdint.h>

/* The intended send times of an open-loop load: when each request is due, independent of what
 * happened to the requests before it. Times are nanoseconds from the start of the load.
 *
 * In a closed loop a client sends its next request after it received the reply, or the rate pauses
 * while replies are missing. A closed loop slows down with the service: a stall of one second is
 * measured by the few requests that were open, and the thousands that would have been sent during
 * it are missing from the percentiles (coordinated omission). An open-loop schedule never pauses: a
 * request that cannot leave on time stays due, and its latency is counted from the intended time
 * ("corrected", as in wrk2) beside the one from the actual time ("raw"). The closed loop remains
 * for one question, how much a service can take, as -Q max (load/send/request_io limits the open
 * requests); this module has no part in it.
 *
 * The price is that the sender's own lateness is in the corrected latency. It is reported as the
 * schedule lag (p50 6.1 us, p99 18.4 us at 100,000 requests per second on a processor of its own:
 * docs/performance.md), and load/run/result_verdict rejects a run in which it is too large.
 *
 * Correcting the histogram afterwards by a computed series of missing values (HdrHistogram's
 * expected interval) would guess what was not measured, and needs a constant interval, which a
 * Poisson process does not have. */
struct send_schedule {
    uint64_t next_ns;
    uint64_t step_ns; /* evenly spaced: whole nanoseconds of a step, */
    uint64_t rest;    /* and its fraction of a nanosecond: rest / rate */
    uint64_t carried; /* fractions added up so far, in parts of 1 / rate */
    uint32_t rate;
    bool poisson;
    double mean_ns;  /* poisson: mean gap */
    double fraction; /* poisson: the fraction of a nanosecond that is not yet in next_ns */
    struct prng prng;
};

enum { SEND_SCHEDULE_RATE_MAX = 10000000 }; /* requests per second */

/* Initializes the schedule of one of `shares` threads, number `share` (from 0), which sends every
 * shares-th request. rate is the total of all threads per second, 1 to SEND_SCHEDULE_RATE_MAX.
 * Evenly spaced, request k of the total is due at k * 10^9 / rate, rounded down, without drift. As
 * a Poisson process, each share has exponentially distributed gaps, so that the shares together are
 * a Poisson process of that rate; equal seeds give equal times. */
void send_schedule_init(struct send_schedule *schedule, uint32_t rate, uint32_t shares,
                        uint32_t share);
void send_schedule_init_poisson(struct send_schedule *schedule, uint32_t rate, uint32_t shares,
                                uint32_t share, uint64_t seed);

/* Returns when the next request is due. send_schedule_advance moves to the request after it,
 * without a division. */
uint64_t send_schedule_due_ns(const struct send_schedule *schedule);
void send_schedule_advance(struct send_schedule *schedule);

#endif
