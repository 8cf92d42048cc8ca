/* The sender's judgement of itself. */
#include "load/verdict.h"

#include <stddef.h>

enum {
    /* The lag that 99 of 100 requests stay below: what an ordinary kernel needs to let a woken
       thread run on a processor that others use, too (a scheduling tick is 1 to 4 ms), and a small
       part of any latency that people notice. The corrected latency has all of it, so a greater lag
       would not be hidden, but it would be the sender's and not the service's. */
    LAG_MAX_NS = 1000 * 1000,
    LAG_PPM = 990000,
    UNSENT_PER = 100, /* not more than one of so many that were due may be missing */
};

static const char *find_fault(const struct load_result *result)
{
    if (result->counts.own_drops > 0)
        return "the kernel dropped datagrams at the sender's own sockets: raise "
               "net.core.rmem_max, or lower the rate";
    if (result->requested_rate <= 0)
        return NULL;
    if (result->unsent >
        (result->counts.sent + result->counts.send_errors + result->unsent) / UNSENT_PER)
        return "less than 99 % of what was due was sent: lower the rate, or raise -T or "
               "net.core.wmem_max";
    if (histogram_percentile(&result->lag, LAG_PPM) > LAG_MAX_NS)
        return "more than 1 % of the requests were sent over 1 ms late: lower the rate, raise -T, "
               "or free a processor";
    return NULL;
}

void verdict_judge(struct load_result *result)
{
    result->why_not = find_fault(result);
    result->kept_up = result->why_not == NULL;
}
