/* How much a service can take. */
#include "load/run/rate_search.h"

#include "load/report/number_text.h"
#include "load/run/verdict.h"
#include "load/send/send_schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* Two neighbouring steps measure no finer: runs of some seconds vary so much. */
    PRECISION = 50,
    FALLS = 2,
    TRIES = 3,
    UNSENT_TRIES = 2,
    UNSENT_PER = 10, /* a tenth of the rate is missing, which no short stall explains */
    /* A limit that is hit by chance stands above three rates that hold once in eight searches. */
    DOUBTFUL = 3,
    SILENT_MAX = 2,
    IN_TIME_PER = 100, /* a hundredth of a step may be missing, or come behind its end */
    TIME_BYTES = 64,
};

static const uint64_t SECOND_NS = 1000000000;
/* What a sender listens for duplicates behind its last answer, and takes to begin. */
static const uint64_t LISTEN_NS = 110 * 1000 * 1000;

/* ---- The search ---- */

void rate_search_begin(struct rate_search *search, uint32_t rate)
{
    *search = (struct rate_search){.rate = rate};
}

static void hold(struct rate_search *search)
{
    if (search->rate == search->worst)
        search->worst = 0;
    search->best = search->rate;
    search->held++;
}

static void fall(struct rate_search *search)
{
    if (search->rate != search->worst)
        search->held = 0;
    search->worst = search->rate;
    search->past_sender = search->falls < FALLS;
}

/* The least rate above best that is known not to hold, or to be sent. */
static uint32_t upper_of(const struct rate_search *search)
{
    bool is_lower = search->past_sender && search->ceiling && search->ceiling < search->worst;
    return is_lower ? search->ceiling : search->worst;
}

/* Chooses the next rate; false if there is none. */
static bool choose(struct rate_search *search)
{
    if (!search->worst) {
        if (search->best == SCHEDULE_RATE_MAX)
            return false;
        search->rate = search->best > SCHEDULE_RATE_MAX / 2 ? SCHEDULE_RATE_MAX : 2 * search->best;
        return true;
    }
    uint32_t upper = upper_of(search);
    uint32_t between = upper > search->best ? upper - search->best : 0;
    if (between > 1 && between > upper / PRECISION) {
        search->rate = search->best + between / 2;
        return true;
    }
    if (search->past_sender && search->ceiling)
        return false;
    if (search->doubted || search->held < DOUBTFUL)
        return false;
    search->doubted = true;
    search->rate = search->worst;
    return true;
}

bool rate_search_go_on(struct rate_search *search, enum rate_search_outcome outcome)
{
    if (outcome == RATE_SEARCH_HELD) {
        hold(search);
    } else {
        search->tries++;
        search->falls += outcome == RATE_SEARCH_FELL;
        search->unsent += outcome == RATE_SEARCH_UNSENT;
        if (outcome == RATE_SEARCH_UNSENT && search->sent > search->ceiling)
            search->ceiling = search->sent;
        /* A disturbed step sends less than one before it, whose rate was sent in time. */
        if (search->ceiling && search->ceiling < search->best)
            search->ceiling = search->best;
        if (search->falls < FALLS && search->unsent < UNSENT_TRIES && search->tries < TRIES)
            return true;
        fall(search);
        /* Of what was sent after all, a single step says nothing. */
        if (search->unsent < UNSENT_TRIES)
            search->ceiling = 0;
    }
    search->tries = search->falls = search->unsent = 0;
    return choose(search);
}

/* Steps until the end where a service takes limit, and each of them shows its outcome only when it
 * is made so often for a rate that doesn't hold. */
static uint32_t steps_until_end(struct rate_search search, uint32_t limit,
                                enum rate_search_outcome above)
{
    uint32_t steps = 1;
    while (rate_search_go_on(&search, search.rate <= limit ? RATE_SEARCH_HELD : above))
        steps++;
    return steps;
}

struct rate_search_left rate_search_steps_left(const struct rate_search *search)
{
    struct rate_search_left left = {UINT32_MAX, 0};
    uint64_t end = search->worst ? search->worst : UINT64_C(2) * SCHEDULE_RATE_MAX;
    /* Limits of the service that the steps so far allow, as far apart as they can be told. */
    for (uint64_t limit = search->best; limit < end; limit += limit / PRECISION + 1) {
        uint32_t least = steps_until_end(*search, (uint32_t)limit, RATE_SEARCH_FELL);
        uint32_t most = steps_until_end(*search, (uint32_t)limit, RATE_SEARCH_UNKNOWN);
        left.least = least < left.least ? least : left.least;
        left.most = most > left.most ? most : left.most;
    }
    return left;
}

/* ---- Its steps ---- */

enum rate_search_outcome rate_search_outcome_of(const struct load_result *result, uint64_t step_ns,
                                                uint32_t max_loss_ppm)
{
    const struct load_counts *counts = &result->counts;
    uint64_t tried = counts->sent + counts->send_errors;
    bool in_time = result->unsent <= (tried + result->unsent) / IN_TIME_PER &&
                   result->duration_ns <= step_ns + step_ns / IN_TIME_PER;
    double allowed = max_loss_ppm / 1e6 * (double)tried;
    /* No lateness makes a service answer wrongly. */
    if ((double)counts->wrong > allowed)
        return RATE_SEARCH_FELL;
    enum rate_search_outcome unknown =
        result->achieved_rate < result->requested_rate * (UNSENT_PER - 1) / UNSENT_PER
            ? RATE_SEARCH_UNSENT
            : RATE_SEARCH_UNKNOWN;
    if (verdict_is_too_bad(counts, max_loss_ppm) || counts->sent == 0)
        return result->kept_up ? RATE_SEARCH_FELL : unknown;
    return in_time ? RATE_SEARCH_HELD : unknown;
}

/* How long that many steps take: each its time and the listening behind it, which lasts two
 * timeouts where something is lost. */
static uint64_t time_ns(const struct load_options *options, uint32_t steps, bool losing)
{
    uint64_t step_ns = options->duration_ns + options->omit_ns + LISTEN_NS;
    return steps * (step_ns + (losing ? 2 * options->timeout_ns : 0));
}

/* "20 to 65 s": whole seconds are enough, and minutes from two of them on. */
static const char *time_text(const struct load_options *options,
                             const struct rate_search_left *left, char text[TIME_BYTES])
{
    uint64_t least_s = time_ns(options, left->least, false) / SECOND_NS;
    uint64_t most_s = time_ns(options, left->most, true) / SECOND_NS + 1;
    if (least_s < 120)
        snprintf(text, TIME_BYTES, "%" PRIu64 " to %" PRIu64 " s", least_s, most_s);
    else
        snprintf(text, TIME_BYTES, "%" PRIu64 " to %" PRIu64 " min", least_s / 60,
                 (most_s + 59) / 60);
    return text;
}

static void print_plan(const struct run_setting *setting, const struct rate_search *search)
{
    struct rate_search_left left = rate_search_steps_left(search);
    char text[TIME_BYTES], step[NUMBER_TEXT_BYTES];
    if (!setting->options->text)
        return;
    printf("searching from %" PRIu32 "/s in steps of %s s: %" PRIu32 " to %" PRIu32
           " of them, %s; Ctrl-C ends it with the best so far\n",
           search->rate, number_text_seconds(setting->options->duration_ns, step), left.least,
           left.most, time_text(setting->options, &left, text));
    fflush(stdout);
}

/* Behind the step that was printed. */
static void print_rest(const struct run_setting *setting, const struct rate_search *search,
                       bool more)
{
    struct rate_search_left left = {0, 0};
    char text[TIME_BYTES];
    if (!setting->options->text)
        return;
    if (more)
        left = rate_search_steps_left(search);
    if (more)
        printf("; %s left", time_text(setting->options, &left, text));
    putchar('\n');
    fflush(stdout);
}

static void print_step(const struct run_setting *setting, const struct load_result *result,
                       enum rate_search_outcome outcome)
{
    const struct load_counts *counts = &result->counts;
    const char *const words[] = {
        [RATE_SEARCH_HELD] = result->kept_up ? "holds" : "holds, though the sender lagged",
        [RATE_SEARCH_FELL] = "doesn't hold",
        [RATE_SEARCH_UNKNOWN] = "unknown: the sender fell behind",
        [RATE_SEARCH_UNSENT] = "unknown: the sender can't send so much",
    };
    char p99[NUMBER_TEXT_BYTES], percent[NUMBER_TEXT_BYTES];
    if (!setting->options->text)
        return;
    number_text_percent(verdict_bad(counts), counts->sent + counts->send_errors, percent);
    if (result->corrected.count > 0)
        number_text_us(histogram_percentile(&result->corrected, 990000), p99);
    printf("%10" PRIu32 "/s  sent %10" PRIu64 "  lost or wrong %7s %%  p99 %12s us  %s",
           setting->rate, counts->sent, percent, result->corrected.count > 0 ? p99 : "-",
           words[outcome]);
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
        result->why_not = "above the highest rate that holds it fell behind, so the service may "
                          "take more: raise -T, or free a processor";
    }
}

/* However high the rate, a service answers the first ones. */
static bool is_silent(const struct load_result *step)
{
    return step->counts.replied + step->counts.wrong == 0;
}

static int fail_to_find(const struct rate_search *search, uint32_t silent,
                        char error[RUN_ERROR_BYTES])
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

int rate_search_run(const struct run_setting *setting, struct load_result *result,
                    char error[RUN_ERROR_BYTES])
{
    const struct load_options *options = setting->options;
    struct run_setting with_rate = *setting;
    struct rate_search search;
    struct load_result *step = malloc(sizeof *step);
    uint32_t silent = 0;
    bool more = true;
    int failed = 0;

    *result = (struct load_result){.exact = true};
    if (!step) {
        snprintf(error, RUN_ERROR_BYTES, "cannot begin: memory is short; free some, or lower -c");
        return -ENOMEM;
    }
    rate_search_begin(&search, setting->rate);
    print_plan(setting, &search);
    while (more && !failed) {
        with_rate.rate = search.rate;
        failed = run_load(&with_rate, step, error);
        more = !failed && !step->stopped_early;
        enum rate_search_outcome outcome = RATE_SEARCH_UNKNOWN;
        if (more) {
            outcome = rate_search_outcome_of(step, options->duration_ns, options->max_loss_ppm);
            print_step(&with_rate, step, outcome);
            silent = is_silent(step) ? silent + 1 : 0;
        }
        bool stepped = more;
        search.sent = (uint32_t)step->achieved_rate;
        keep_better(result, step, outcome == RATE_SEARCH_HELD || search.best == 0);
        more =
            more && (silent < SILENT_MAX || search.best > 0) && rate_search_go_on(&search, outcome);
        if (stepped)
            print_rest(setting, &search, more);
    }
    free(step);
    result->stopped_early = setting->stage->interrupts > 0;
    if (failed)
        return failed;
    if (search.best > 0)
        conclude(result, &search);
    return search.best > 0 || result->stopped_early ? 0 : fail_to_find(&search, silent, error);
}
