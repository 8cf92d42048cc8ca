/* The sender's judgement of itself. */
#include "load/run/verdict.h"

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

/* ---- The answers ---- */

uint64_t verdict_bad(const struct load_counts *counts)
{
    return counts->lost + counts->wrong + counts->send_errors;
}

static bool is_above(uint64_t part, uint64_t whole, uint32_t ppm)
{
    return (double)part > ppm / 1e6 * (double)whole;
}

bool verdict_is_too_bad(const struct load_counts *counts, uint32_t max_loss_ppm)
{
    return is_above(verdict_bad(counts), counts->sent + counts->send_errors, max_loss_ppm);
}

static const char *find_silence(const struct load_counts *counts)
{
    if (counts->replied > 0)
        return NULL;
    if (counts->sent + counts->send_errors == 0)
        return "no request was sent: send longer (-l), or at a higher rate (-Q)";
    if (counts->wrong > 0)
        return "no reply was one of --expect: check what the service says";
    if (counts->refused > 0)
        return "refused: start the service, or check the address, the port and the firewall";
    if (counts->sent == 0)
        return "the kernel refused to send: check the address and the route to it";
    return "nothing was answered in time: check that the service runs there, or wait longer with "
           "-t";
}

static const char *find_lack(const struct load_result *result)
{
    const struct load_fanout *fanout = &result->fanout;
    const char *why = find_silence(&result->counts);
    if (why)
        return why;
    if (fanout->done && fanout->expected > 0 && fanout->targets == 0)
        return "the server had no client to broadcast to: look whether --control names its own "
               "socket";
    if (fanout->done && fanout->expected > 0 && fanout->received == 0)
        return "no copy of a broadcast came: look at udpctl stats";
    if (verdict_is_too_bad(&result->counts, result->max_loss_ppm))
        return "more was lost, wrong or refused than --max-loss allows: lower the rate, or look at "
               "the service";
    if (fanout->done && is_above(fanout->missing, fanout->expected, result->max_loss_ppm))
        return "more copies are missing than --max-loss allows: look at udpctl stats";
    return NULL;
}

void verdict_judge(struct load_result *result)
{
    result->why_not = find_fault(result);
    result->kept_up = result->why_not == NULL;
    result->why_too_few = find_lack(result);
    result->answered_enough = result->why_too_few == NULL;
}
