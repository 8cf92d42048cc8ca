/* How much a service can take. */
#include "load/findmax.h"

#include "core/schedule.h"
#include "load/figures.h"
#include "load/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* Two neighbouring steps measure no finer: runs of some seconds vary so much. */
    PRECISION = 50,
    FALLS = 2,
    TRIES = 3,
    /* A limit that is hit by chance stands above three rates that hold once in eight searches. */
    DOUBTFUL = 3,
    SILENT_MAX = 2,
    IN_TIME_PER = 100, /* a hundredth of a step may be missing, or come behind its end */
};

/* ---- The search ---- */

void findmax_begin(struct findmax *search, uint32_t rate)
{
    *search = (struct findmax){.rate = rate};
}

static void hold(struct findmax *search)
{
    if (search->rate == search->worst)
        search->worst = 0;
    search->best = search->rate;
    search->held++;
}

static void fall(struct findmax *search)
{
    if (search->rate != search->worst)
        search->held = 0;
    search->worst = search->rate;
    search->past_sender = search->falls < FALLS;
}

/* Chooses the next rate; false if there is none. */
static bool choose(struct findmax *search)
{
    if (!search->worst) {
        if (search->best == SCHEDULE_RATE_MAX)
            return false;
        search->rate = search->best > SCHEDULE_RATE_MAX / 2 ? SCHEDULE_RATE_MAX : 2 * search->best;
        return true;
    }
    uint32_t between = search->worst - search->best;
    if (between > 1 && between > search->worst / PRECISION) {
        search->rate = search->best + between / 2;
        return true;
    }
    if (search->doubted || search->held < DOUBTFUL)
        return false;
    search->doubted = true;
    search->rate = search->worst;
    return true;
}

bool findmax_go_on(struct findmax *search, enum findmax_outcome outcome)
{
    if (outcome == FINDMAX_HELD) {
        hold(search);
    } else {
        search->tries++;
        search->falls += outcome == FINDMAX_FELL;
        if (search->falls < FALLS && search->tries < TRIES)
            return true;
        fall(search);
    }
    search->tries = search->falls = 0;
    return choose(search);
}

/* ---- Its steps ---- */

enum findmax_outcome findmax_outcome_of(const struct load_result *result, uint64_t step_ns,
                                        uint32_t max_loss_ppm)
{
    const struct load_counts *counts = &result->counts;
    uint64_t tried = counts->sent + counts->send_errors;
    bool in_time = result->unsent <= (tried + result->unsent) / IN_TIME_PER &&
                   result->duration_ns <= step_ns + step_ns / IN_TIME_PER;
    double allowed = max_loss_ppm / 1e6 * (double)tried;
    /* No lateness makes a service answer wrongly. */
    if ((double)counts->wrong > allowed)
        return FINDMAX_FELL;
    if (verdict_is_too_bad(counts, max_loss_ppm) || counts->sent == 0)
        return result->kept_up ? FINDMAX_FELL : FINDMAX_UNKNOWN;
    return in_time ? FINDMAX_HELD : FINDMAX_UNKNOWN;
}

static void print_step(const struct run_setting *setting, const struct load_result *result,
                       enum findmax_outcome outcome)
{
    const struct load_counts *counts = &result->counts;
    const char *const words[] = {
        [FINDMAX_HELD] = result->kept_up ? "holds" : "holds, though the sender lagged",
        [FINDMAX_FELL] = "doesn't hold",
        [FINDMAX_UNKNOWN] = "unknown: the sender fell behind",
    };
    char p99[FIGURE_BYTES], percent[FIGURE_BYTES];
    if (!setting->options->text)
        return;
    figure_percent(verdict_bad(counts), counts->sent + counts->send_errors, percent);
    if (result->corrected.count > 0)
        figure_us(histogram_percentile(&result->corrected, 990000), p99);
    printf("%10" PRIu32 "/s  sent %10" PRIu64 "  lost or wrong %7s %%  p99 %12s us  %s\n",
           setting->rate, counts->sent, percent, result->corrected.count > 0 ? p99 : "-",
           words[outcome]);
    fflush(stdout);
}

/* The better of two stays in result, the other one is freed. */
static void keep_better(struct load_result *result, struct load_result *step, bool step_is_better)
{
    struct load_result other = step_is_better ? *result : *step;
    if (step_is_better)
        *result = *step;
    load_result_free(&other);
}

/* What the search as a whole has found. Where it was the sender that ended it, the best step's
 * verdict would say too much. */
static void conclude(struct load_result *result, const struct findmax *search)
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
    if (result->find_max.limit == LOAD_LIMIT_SENDER && result->kept_up) {
        result->kept_up = false;
        result->why_not = "above the highest rate that holds it fell behind, so the service may "
                          "take more: raise -T, or free a processor";
    }
}

/* However high the rate, a service answers the first ones. */
static bool is_silent(const struct load_result *step)
{
    return step->counts.replied + step->counts.wrong == 0;
}

static int fail_to_find(const struct findmax *search, uint32_t silent, char error[RUN_ERROR_BYTES])
{
    if (silent == SILENT_MAX)
        snprintf(error, RUN_ERROR_BYTES,
                 "finding the highest rate: nothing was answered at all, in %d steps; look whether "
                 "the service runs",
                 SILENT_MAX);
    else
        snprintf(error, RUN_ERROR_BYTES,
                 search->past_sender
                     ? "finding the highest rate: none was measured, down to %" PRIu32
                       "/s: the sender itself fell behind; free a processor, or lower -c or -T"
                     : "finding the highest rate: none that was tried holds, down to %" PRIu32
                       "/s; begin lower with -Q, or allow more with --max-loss",
                 search->worst);
    return silent < SILENT_MAX && search->past_sender ? -ERANGE : -ENODATA;
}

int findmax_run(const struct run_setting *setting, struct load_result *result,
                char error[RUN_ERROR_BYTES])
{
    const struct load_options *options = setting->options;
    struct run_setting with_rate = *setting;
    struct findmax search;
    struct load_result *step = malloc(sizeof *step);
    uint32_t silent = 0;
    bool more = true;
    int failed = 0;

    *result = (struct load_result){.exact = true};
    if (!step) {
        snprintf(error, RUN_ERROR_BYTES, "cannot begin: memory is short; free some, or lower -c");
        return -ENOMEM;
    }
    findmax_begin(&search, setting->rate);
    while (more && !failed) {
        with_rate.rate = search.rate;
        failed = run_load(&with_rate, step, error);
        more = !failed && !step->stopped_early;
        enum findmax_outcome outcome = FINDMAX_UNKNOWN;
        if (more) {
            outcome = findmax_outcome_of(step, options->duration_ns, options->max_loss_ppm);
            print_step(&with_rate, step, outcome);
            silent = is_silent(step) ? silent + 1 : 0;
        }
        keep_better(result, step, outcome == FINDMAX_HELD || search.best == 0);
        more = more && (silent < SILENT_MAX || search.best > 0) && findmax_go_on(&search, outcome);
    }
    free(step);
    result->stopped_early = setting->stage->interrupts > 0;
    if (failed)
        return failed;
    if (search.best > 0)
        conclude(result, &search);
    return search.best > 0 || result->stopped_early ? 0 : fail_to_find(&search, silent, error);
}
