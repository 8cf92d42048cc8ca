#include "load/run/collect_result.h"

#include "load/run/result_verdict.h"
#include "os/process/clock.h"
#include "os/process/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HOST_BYTES = 256 };

int collect_result_describe(struct load_result *result, const struct load_options *options,
                            const struct addr *target, char error[COLLECT_RESULT_ERROR_BYTES])
{
    char address[ADDR_TEXT_BYTES], host[HOST_BYTES];

    histogram_init(&result->corrected);
    histogram_init(&result->raw);
    histogram_init(&result->lag);
    result->command = options->command ? strdup(options->command) : NULL;
    result->target = strdup(addr_format(target, address));
    result->host = strdup(host_describe(host, sizeof host));
    clock_wall_text(result->started);
    result->clients = options->clients;
    result->threads = options->threads;
    result->timeout_ns = options->timeout_ns;
    result->max_loss_ppm = options->max_loss_ppm;
    if (result->command && result->target && result->host)
        return 0;
    snprintf(error, COLLECT_RESULT_ERROR_BYTES,
             "cannot begin: not enough memory; free some, or lower -c");
    return -ENOMEM;
}

/* Adds the replies of all senders. */
static int set_replies(struct load_result *result, const struct load_options *options,
                       struct sender *const *senders, uint32_t count, uint64_t lost_replies,
                       char error[COLLECT_RESULT_ERROR_BYTES])
{
    struct reply_counts *all = reply_counts_new(options->expected, options->expected_count);
    int failed = all ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < count && !failed; i++)
        reply_counts_merge(all, sender_summary(senders[i]).replies);
    if (!failed)
        failed = reply_counts_report(all, result);
    if (!failed)
        result_verdict_judge_rotation(result, options->expected_count > 0, reply_counts_spread(all),
                                      lost_replies);
    reply_counts_free(all);
    if (failed)
        snprintf(error, COLLECT_RESULT_ERROR_BYTES, "cannot report: not enough memory; free some");
    return failed;
}

static void set_rates(struct load_result *result, uint32_t requested)
{
    double seconds = (double)result->duration_ns / 1e9;
    result->requested_rate = requested;
    result->achieved_rate = seconds > 0 ? (double)result->counts.sent / seconds : 0;
    result->answered_rate = seconds > 0 ? (double)result->counts.replied / seconds : 0;
}

int collect_result_conclude(struct load_result *result, const struct load_options *options,
                            uint32_t rate, struct sender *const *senders, uint32_t count,
                            char error[COLLECT_RESULT_ERROR_BYTES])
{
    uint64_t lost_replies = result->counts.lost + result->counts.wrong;

    result->exact = true;
    for (uint32_t i = 0; i < count; i++) {
        struct sender_summary summary = sender_summary(senders[i]);
        histogram_merge(&result->raw, summary.raw);
        histogram_merge(&result->lag, summary.lag);
        result->exact &= summary.exact;
        result->unsent += summary.unsent;
        /* Near the end of the warm-up the server may have handled requests in another order. */
        lost_replies += summary.open_before;
        if (summary.sending_ns > result->duration_ns)
            result->duration_ns = summary.sending_ns;
        double share = summary.sending_ns ? (double)summary.cpu_ns / (double)summary.sending_ns : 0;
        result->cpu_share = share > result->cpu_share ? share : result->cpu_share;
    }
    result->cpu_share = result->cpu_share < 1 ? result->cpu_share : 1;
    set_rates(result, rate);
    result_verdict_set(result);
    return set_replies(result, options, senders, count, lost_replies, error);
}
