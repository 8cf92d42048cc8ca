/* A token bucket in whole numbers. */
#include "base/pacer.h"

static const uint64_t SECOND = 1000000000; /* in nanoseconds */

enum { WAKE_NS_MIN = 1000000 }; /* a wake-up each millisecond is as even as a network shows */

/* A copy, in the unit of credit. */
static uint64_t price(const struct pacer *pace)
{
    return SECOND * pace->parts;
}

/* A bucket that is as small as a copy would lose what it earns while a timer is late. */
static uint64_t ceiling(const struct pacer *pace)
{
    uint64_t burst = (uint64_t)pace->rate_pps * PACER_BURST_MS * (SECOND / 1000);
    return burst >= price(pace) ? burst : price(pace) + burst;
}

void pacer_init(struct pacer *pace, uint32_t rate_pps, uint64_t now_ns)
{
    pacer_init_part(pace, rate_pps, 0, 1, now_ns);
}

void pacer_init_part(struct pacer *pace, uint32_t rate_pps, uint32_t part, uint32_t parts,
                     uint64_t now_ns)
{
    *pace = (struct pacer){
        .rate_pps = rate_pps,
        .parts = parts,
        .credit = SECOND * (part + 1),
        .updated_ns = now_ns,
    };
}

/* What has been earned up to now. The time is cut to what fills the bucket, so that no product
 * overflows: at most a ceiling, 2^56, and a second's credit more. */
static void earn(struct pacer *pace, uint64_t now_ns)
{
    uint64_t elapsed_ns = now_ns - pace->updated_ns;
    uint64_t full = ceiling(pace), missing = full - pace->credit;
    pace->updated_ns = now_ns;
    if (elapsed_ns > missing / pace->rate_pps)
        pace->credit = full;
    else
        pace->credit += elapsed_ns * pace->rate_pps;
}

void pacer_change(struct pacer *pace, uint32_t rate_pps, uint64_t now_ns)
{
    if (pace->rate_pps != 0)
        earn(pace, now_ns);
    pace->updated_ns = now_ns;
    pace->rate_pps = rate_pps;
    if (rate_pps != 0 && pace->credit > ceiling(pace))
        pace->credit = ceiling(pace);
}

uint32_t pacer_take(struct pacer *pace, uint64_t now_ns, uint32_t want)
{
    if (pace->rate_pps == 0)
        return want;
    earn(pace, now_ns);
    uint64_t may = pace->credit / price(pace);
    uint32_t taken = may < want ? (uint32_t)may : want;
    pace->credit -= taken * price(pace);
    return taken;
}

void pacer_return(struct pacer *pace, uint32_t count)
{
    if (pace->rate_pps != 0)
        pace->credit += count * price(pace);
}

uint64_t pacer_wait_ns(const struct pacer *pace)
{
    uint64_t missing = pace->credit < price(pace) ? price(pace) - pace->credit : 0;
    uint64_t wait_ns = (missing + pace->rate_pps - 1) / pace->rate_pps;
    return wait_ns > WAKE_NS_MIN ? wait_ns : WAKE_NS_MIN;
}
