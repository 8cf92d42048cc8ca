/* A token bucket in whole numbers. */
#include "core/pace.h"

static const uint64_t SECOND = 1000000000; /* in nanoseconds; and a copy, in the unit of credit */

enum { WAKE_NS_MIN = 1000000 }; /* a wake-up each millisecond is as even as a network shows */

static uint64_t ceiling(const struct pace *pace)
{
    uint64_t burst = (uint64_t)pace->rate_pps * PACE_BURST_MS * (SECOND / 1000);
    return burst > SECOND ? burst : SECOND;
}

void pace_init(struct pace *pace, uint32_t rate_pps, uint64_t now_ns)
{
    *pace = (struct pace){.rate_pps = rate_pps, .credit = SECOND, .updated_ns = now_ns};
}

uint32_t pace_take(struct pace *pace, uint64_t now_ns, uint32_t want)
{
    if (pace->rate_pps == 0)
        return want;
    uint64_t elapsed_ns = now_ns - pace->updated_ns;
    pace->updated_ns = now_ns;
    /* At most 2^32 copies a second times a second: the product stays below 2^62. */
    pace->credit += (elapsed_ns < SECOND ? elapsed_ns : SECOND) * pace->rate_pps;
    if (pace->credit > ceiling(pace))
        pace->credit = ceiling(pace);

    uint64_t may = pace->credit / SECOND;
    uint32_t taken = may < want ? (uint32_t)may : want;
    pace->credit -= taken * SECOND;
    return taken;
}

void pace_return(struct pace *pace, uint32_t count)
{
    if (pace->rate_pps != 0)
        pace->credit += count * SECOND;
}

uint64_t pace_wait_ns(const struct pace *pace)
{
    uint64_t missing = pace->credit < SECOND ? SECOND - pace->credit : 0;
    uint64_t wait_ns = (missing + pace->rate_pps - 1) / pace->rate_pps;
    return wait_ns > WAKE_NS_MIN ? wait_ns : WAKE_NS_MIN;
}
