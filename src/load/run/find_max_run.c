#include "load/run/find_max_run.h"

#include "load/report/number_format.h"
#include "load/run/rate_search.h"
#include "load/run/result_verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NO_REPLY_MAX = 2, /* steps without any reply, which end the search */
    TIME_BYTES = 64,
};

static const uint64_t SECOND_NS = 1000000000;
/* How long a sender receives duplicates after its last reply, and needs to start. */
static const uint64_t LINGER_NS = 110 * 1000 * 1000;

/* ---- Output ---- */

/* Returns how long that many steps take: their duration and the wait for late replies, which is two
 * timeouts if requests are lost. */
static uint64_t steps_ns(const struct load_options *options, uint32_t steps, bool losing)
{
    uint64_t step_ns = options->duration_ns + options->omit_ns + LINGER_NS;
    return steps * (step_ns + (losing ? 2 * options->timeout_ns : 0));
}

/* "20 to 65 s", or minutes from two minutes on. */
static const char *format_time(const struct load_options *options,
                               const struct rate_search_left *left, char text[TIME_BYTES])
{
    uint64_t least_s = steps_ns(options, left->least, false) / SECOND_NS;
    uint64_t most_s = steps_ns(options, left->most, true) / SECOND_NS + 1;
    if (least_s < 120)
        snprintf(text, TIME_BYTES, "%" PRIu64 " to %" PRIu64 " s", least_s, most_s);
    else
        snprintf(text, TIME_BYTES, "%" PRIu64 " to %" PRIu64 " min", least_s / 60,
                 (most_s + 59) / 60);
    return text;
}

static void print_plan(const struct load_run_setting *setting, const struct rate_search *search)
{
    struct rate_search_left left = rate_search_steps_left(search);
    char text[TIME_BYTES], step[NUMBER_FORMAT_BYTES];
    if (!setting->options->text)
        return;
    printf("searching from %" PRIu32 "/s in steps of %s s: %" PRIu32 " to %" PRIu32
           " steps, %s; Ctrl-C ends it with the best rate so far\n",
           search->rate, number_format_seconds(setting->options->duration_ns, step), left.least,
           left.most, format_time(setting->options, &left, text));
    fflush(stdout);
}

/* Ends the line of a step with the time that is left. */
static void print_time_left(const struct load_run_setting *setting,
                            const struct rate_search *search, bool more)
{
    struct rate_search_left left = {0, 0};
    char text[TIME_BYTES];
    if (!setting->options->text)
        return;
    if (more)
        left = rate_search_steps_left(search);
    if (more)
        printf("; %s left", format_time(setting->options, &left, text));
    putchar('\n');
    fflush(stdout);
}

static void print_step(const struct load_run_setting *setting, const struct load_result *result,
                       enum rate_search_outcome outcome)
{
    const struct load_counts *counts = &result->counts;
    const char *const words[] = {
        [RATE_SEARCH_HELD] = result->kept_up ? "holds" : "holds, though the sender lagged",
        [RATE_SEARCH_FAILED] = "does not hold",
        [RATE_SEARCH_UNKNOWN] = "unknown: the sender fell behind",
        [RATE_SEARCH_UNSENT] = "unknown: the sender cannot send so much",
    };
    char p99[NUMBER_FORMAT_BYTES], percent[NUMBER_FORMAT_BYTES];
    if (!setting->options->text)
        return;
    number_format_percent(result_verdict_failed_count(counts), counts->sent + counts->send_errors,
                          percent);
    if (result->corrected.count > 0)
        number_format_us(histogram_percentile(&result->corrected, 990000), p99);
    printf("%10" PRIu32 "/s  sent %10" PRIu64 "  lost or wrong %7s %%  p99 %12s us  %s",
           setting->rate, counts->sent, percent, result->corrected.count > 0 ? p99 : "-",
           words[outcome]);
}

/* Keeps the better of two results in result and frees the other. */
static void keep_better(struct load_result *result, struct load_result *step, bool step_is_better)
{
    struct load_result other = step_is_better ? *result : *step;
    if (step_is_better)
        *result = *step;
    load_result_free(&other);
}

/* Sets the result of the search. If the sender's limit ended it, the verdict of the best step does
 * not hold for the search: the sender did not keep up. */
static void conclude(struct load_result *result, const struct rate_search *search)
{
    result->find_max = (struct load_find_max){
        .done = true,
        .highest = search->best,
        .failed = search->worst,
        .limit = result->stopped_early ? LOAD_LIMIT_STOPPED
                 : !search->worst      ? LOAD_LIMIT_SCHEDULE
                 : search->past_sender ? LOAD_LIMIT_SENDER
                                       : LOAD_LIMIT_SERVICE,
    };
    if (result->find_max.limit == LOAD_LIMIT_SENDER)
        result->find_max.sender_max = search->ceiling;
    if (result->find_max.limit == LOAD_LIMIT_SENDER && result->kept_up) {
        result->kept_up = false;
        result->why_not = "it fell behind above the highest rate that holds, so the service may "
                          "take more: raise -T, or free a processor";
    }
}

/* At any rate, a running service answers at least the first requests. */
static bool has_no_reply(const struct load_result *step)
{
    return step->counts.replied + step->counts.wrong == 0;
}

static int report_failure(const struct rate_search *search, uint32_t without_reply,
                          char error[LOAD_RUN_ERROR_BYTES])
{
    if (without_reply == NO_REPLY_MAX)
        snprintf(error, LOAD_RUN_ERROR_BYTES,
                 "finding the highest rate: no request was answered in %d steps; check that "
                 "the service runs",
                 NO_REPLY_MAX);
    else
        snprintf(error, LOAD_RUN_ERROR_BYTES,
                 search->past_sender
                     ? "finding the highest rate: none was measured, down to %" PRIu32
                       "/s: the sender itself fell behind; free a processor, or lower -c or -T"
                     : "finding the highest rate: no rate that was tried holds, down to %" PRIu32
                       "/s; start lower with -Q, or allow more with --max-loss",
                 search->worst);
    return without_reply < NO_REPLY_MAX && search->past_sender ? -ERANGE : -ENODATA;
}

int find_max_run(const struct load_run_setting *setting, struct load_result *result,
                 char error[LOAD_RUN_ERROR_BYTES])
{
    const struct load_options *options = setting->options;
    struct load_run_setting with_rate = *setting;
    struct rate_search search;
    struct load_result *step = malloc(sizeof *step);
    uint32_t without_reply = 0;
    bool more = true;
    int failed = 0;

    *result = (struct load_result){.exact = true};
    if (!step) {
        snprintf(error, LOAD_RUN_ERROR_BYTES,
                 "cannot begin: not enough memory; free some, or lower -c");
        return -ENOMEM;
    }
    rate_search_init(&search, setting->rate);
    print_plan(setting, &search);
    while (more && !failed) {
        with_rate.rate = search.rate;
        failed = load_run_once(&with_rate, step, error);
        more = !failed && !step->stopped_early;
        enum rate_search_outcome outcome = RATE_SEARCH_UNKNOWN;
        if (more) {
            outcome = rate_search_outcome_of(step, options->duration_ns, options->max_loss_ppm);
            print_step(&with_rate, step, outcome);
            without_reply = has_no_reply(step) ? without_reply + 1 : 0;
        }
        bool printed = more;
        search.sent = (uint32_t)step->achieved_rate;
        keep_better(result, step, outcome == RATE_SEARCH_HELD || search.best == 0);
        more = more && (without_reply < NO_REPLY_MAX || search.best > 0) &&
               rate_search_next(&search, outcome);
        if (printed)
            print_time_left(setting, &search, more);
    }
    free(step);
    result->stopped_early = setting->main_loop->interrupts > 0;
    if (failed)
        return failed;
    if (search.best > 0)
        conclude(result, &search);
    return search.best > 0 || result->stopped_early ? 0
                                                    : report_failure(&search, without_reply, error);
}
