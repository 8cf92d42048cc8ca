/* How much a service can take. */
#include "load/findmax.h"

#include "core/schedule.h"
#include "load/figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PRECISION = 50
}; /* two neighbouring steps measure no finer: runs of some seconds vary so much */

void findmax_begin(struct findmax *search, uint32_t rate)
{
    *search = (struct findmax){.rate = rate};
}

bool findmax_go_on(struct findmax *search, enum findmax_outcome outcome)
{
    search->again = outcome == FINDMAX_UNKNOWN && !search->again;
    if (search->again)
        return true;
    if (outcome == FINDMAX_HELD)
        search->best = search->rate;
    else
        search->worst = search->rate;
    if (!search->worst) {
        if (search->best == SCHEDULE_RATE_MAX)
            return false;
        search->rate = search->best > SCHEDULE_RATE_MAX / 2 ? SCHEDULE_RATE_MAX : 2 * search->best;
        return true;
    }
    uint32_t between = search->worst - search->best;
    if (between <= 1 || between <= search->worst / PRECISION)
        return false;
    search->rate = search->best + between / 2;
    return true;
}

static enum findmax_outcome outcome_of(const struct run_setting *setting,
                                       const struct load_result *result)
{
    const struct load_counts *counts = &result->counts;
    uint64_t bad = counts->lost + counts->wrong + counts->send_errors;
    double allowed = setting->options->max_loss_ppm / 1e6 * (double)counts->sent;
    if (!result->kept_up)
        return FINDMAX_UNKNOWN;
    return counts->sent > 0 && (double)bad <= allowed ? FINDMAX_HELD : FINDMAX_FELL;
}

static void print_step(const struct run_setting *setting, const struct load_result *result,
                       enum findmax_outcome outcome)
{
    static const char *const words[] = {
        [FINDMAX_HELD] = "holds",
        [FINDMAX_FELL] = "doesn't hold",
        [FINDMAX_UNKNOWN] = "the sender didn't keep up",
    };
    char p99[FIGURE_BYTES], percent[FIGURE_BYTES];
    printf("%10" PRIu32 "/s  sent %10" PRIu64 "  lost %s %%  p99 %s us  %s\n", setting->rate,
           result->counts.sent, figure_percent(result->counts.lost, result->counts.sent, percent),
           figure_us(histogram_percentile(&result->corrected, 990000), p99), words[outcome]);
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

int findmax_run(const struct run_setting *setting, struct load_result *result,
                char error[RUN_ERROR_BYTES])
{
    struct run_setting with_rate = *setting;
    struct findmax search;
    struct load_result *step = malloc(sizeof *step);
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
        enum findmax_outcome outcome = more ? outcome_of(&with_rate, step) : FINDMAX_UNKNOWN;
        if (more)
            print_step(&with_rate, step, outcome);
        keep_better(result, step, outcome == FINDMAX_HELD || search.best == 0);
        more = more && findmax_go_on(&search, outcome);
    }
    free(step);
    result->stopped_early = setting->stage->interrupts > 0;
    if (!failed && search.best == 0 && !result->stopped_early) {
        snprintf(error, RUN_ERROR_BYTES,
                 "finding the highest rate: no rate that was tried holds, down to %" PRIu32
                 "/s; begin lower with -Q, or allow more with --max-loss",
                 search.worst);
        failed = -ERANGE;
    }
    return failed;
}
