#include "load/run/result_verdict.h"

#include "load/options.h"

#include <stddef.h>

enum {
    /* The limit of the schedule lag's 99th percentile: the time that a kernel needs to run a thread
       on a processor that others use, too (a scheduling tick is 1 to 4 ms). The corrected latency
       includes a larger lag, but that would be the sender's latency, not the service's. */
    LAG_MAX_NS = 1000 * 1000,
    LAG_PPM = 990000,
    UNSENT_PER = 100, /* at most one of this many due requests may be unsent */
};

static const char *find_sender_fault(const struct load_result *result)
{
    if (result->counts.own_drops > 0)
        return "the kernel dropped datagrams at the sender's own sockets: raise "
               "net.core.rmem_max, or lower the rate";
    if (result->requested_rate <= 0)
        return NULL;
    if (result->unsent >
        (result->counts.sent + result->counts.send_errors + result->unsent) / UNSENT_PER)
        return "less than 99 % of the due requests were sent: lower the rate, or raise -T or "
               "net.core.wmem_max";
    if (histogram_percentile(&result->lag, LAG_PPM) > LAG_MAX_NS)
        return "more than 1 % of the requests were sent over 1 ms late: lower the rate, raise -T, "
               "or free a processor";
    return NULL;
}

/* ---- Replies ---- */

uint64_t result_verdict_failed_count(const struct load_counts *counts)
{
    return counts->lost + counts->wrong + counts->send_errors;
}

static bool is_above(uint64_t part, uint64_t whole, uint32_t ppm)
{
    return (double)part > ppm / 1e6 * (double)whole;
}

bool result_verdict_exceeds_loss(const struct load_counts *counts, uint32_t max_loss_ppm)
{
    return is_above(result_verdict_failed_count(counts), counts->sent + counts->send_errors,
                    max_loss_ppm);
}

static const char *find_no_reply(const struct load_counts *counts)
{
    if (counts->replied > 0)
        return NULL;
    if (counts->sent + counts->send_errors == 0)
        return "no request was sent: send longer (-l), or at a higher rate (-Q)";
    if (counts->wrong > 0)
        return "no reply was one of --expect: check the replies of the service";
    if (counts->refused > 0)
        return "refused: start the service, or check the address, the port and the firewall";
    if (counts->sent == 0)
        return "the kernel refused to send: check the address and the route to it";
    return "nothing was answered in time: check that the service runs there, or wait longer with "
           "-t";
}

static const char *find_unconfirmed(const struct load_result *result)
{
    const struct load_confirm *confirm = &result->fanout.confirm;
    if (!confirm->done)
        return NULL;
    if (confirm->clients == 0)
        return "no hello was answered: the server knows no confirmed broadcasts, or look at udpctl "
               "stats";
    if (confirm->confirmed == 0)
        return "no client confirmed a broadcast: look at udpctl jobs, or lower --drop";
    if (confirm->seen_twice > 0)
        return "clients would have shown a message twice: look at udpctl jobs";
    if (is_above(confirm->silent, confirm->clients, result->max_loss_ppm))
        return "more clients did not confirm than --max-loss allows: look at udpctl jobs";
    return NULL;
}

static const char *find_too_few(const struct load_result *result)
{
    const struct load_fanout *fanout = &result->fanout;
    const char *why = find_no_reply(&result->counts);
    if (why)
        return why;
    if (fanout->done && fanout->expected > 0 && fanout->targets == 0)
        return "the server had no client to broadcast to: check whether --control names its own "
               "socket";
    if (fanout->done && fanout->expected > 0 && fanout->received == 0)
        return "no copy of a broadcast was received: look at udpctl stats";
    if (result_verdict_exceeds_loss(&result->counts, result->max_loss_ppm))
        return "more requests were lost, wrong or refused than --max-loss allows: lower the rate, "
               "or look at "
               "the service";
    if (fanout->done && is_above(fanout->missing, fanout->expected, result->max_loss_ppm))
        return "more copies are missing than --max-loss allows: look at udpctl stats";
    return find_unconfirmed(result);
}

void result_verdict_set(struct load_result *result)
{
    result->why_not = find_sender_fault(result);
    result->kept_up = result->why_not == NULL;
    result->why_too_few = find_too_few(result);
    result->answered_enough = result->why_too_few == NULL;
}

int result_verdict_exit_status(const struct load_result *result)
{
    if (!result->answered_enough)
        return LOAD_UNANSWERED;
    return result->kept_up ? LOAD_DONE : LOAD_NOT_KEPT_UP;
}

void result_verdict_judge_rotation(struct load_result *result, bool expected, uint64_t spread,
                                   uint64_t lost_replies)
{
    result->rotation_known = expected && result->counts.replied > 0;
    result->rotation_even = spread <= 1 + lost_replies;
}
