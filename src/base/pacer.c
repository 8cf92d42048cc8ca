#include "base/pacer.h"

static const uint64_t SECOND = 1000000000; /* in nanoseconds */

enum { WAKE_NS_MIN = 1000000 }; /* a network cannot show more even spacing than this */

/* The cost of a copy, in the unit of credit. */
static uint64_t cost(const struct pacer *pacer)
{
    return SECOND * pacer->shares;
}

/* The limit of credit. If it were the cost of one copy only, credit would be lost while a timer is
 * late. */
static uint64_t credit_max(const struct pacer *pacer)
{
    uint64_t burst = (uint64_t)pacer->rate_pps * PACER_BURST_MS * (SECOND / 1000);
    return burst >= cost(pacer) ? burst : cost(pacer) + burst;
}

void pacer_init(struct pacer *pacer, uint32_t rate_pps, uint64_t now_ns)
{
    pacer_init_share(pacer, rate_pps, 0, 1, now_ns);
}

void pacer_init_share(struct pacer *pacer, uint32_t rate_pps, uint32_t share, uint32_t shares,
                      uint64_t now_ns)
{
    *pacer = (struct pacer){
        .rate_pps = rate_pps,
        .shares = shares,
        .credit = SECOND * (share + 1),
        .updated_ns = now_ns,
    };
}

/* Adds the credit for the time since the last update. That time is limited to what fills the
 * bucket, so that no product overflows: the maximum is 2^56, plus the credit of a second. */
static void add_credit(struct pacer *pacer, uint64_t now_ns)
{
    uint64_t elapsed_ns = now_ns - pacer->updated_ns;
    uint64_t full = credit_max(pacer), missing = full - pacer->credit;
    pacer->updated_ns = now_ns;
    if (elapsed_ns > missing / pacer->rate_pps)
        pacer->credit = full;
    else
        pacer->credit += elapsed_ns * pacer->rate_pps;
}

void pacer_set_rate(struct pacer *pacer, uint32_t rate_pps, uint64_t now_ns)
{
    if (pacer->rate_pps != 0)
        add_credit(pacer, now_ns);
    pacer->updated_ns = now_ns;
    pacer->rate_pps = rate_pps;
    if (rate_pps != 0 && pacer->credit > credit_max(pacer))
        pacer->credit = credit_max(pacer);
}

void pacer_continue(struct pacer *pacer, uint64_t credit, uint64_t updated_ns)
{
    pacer->credit = credit < credit_max(pacer) ? credit : credit_max(pacer);
    pacer->updated_ns = updated_ns;
}

uint32_t pacer_take(struct pacer *pacer, uint64_t now_ns, uint32_t want)
{
    if (pacer->rate_pps == 0)
        return want;
    add_credit(pacer, now_ns);
    uint64_t affordable = pacer->credit / cost(pacer);
    uint32_t taken = affordable < want ? (uint32_t)affordable : want;
    pacer->credit -= taken * cost(pacer);
    return taken;
}

void pacer_return(struct pacer *pacer, uint32_t count)
{
    if (pacer->rate_pps != 0)
        pacer->credit += count * cost(pacer);
}

uint64_t pacer_wait_ns(const struct pacer *pacer)
{
    uint64_t missing = pacer->credit < cost(pacer) ? cost(pacer) - pacer->credit : 0;
    uint64_t wait_ns = (missing + pacer->rate_pps - 1) / pacer->rate_pps;
    return wait_ns > WAKE_NS_MIN ? wait_ns : WAKE_NS_MIN;
}
