#include "load/run/rate_search.h"

#include "load/run/result_verdict.h"
#include "load/send/send_schedule.h"

enum {
    /* Bounds that differ by 1 / PRECISION end the search: a finer one would mostly find how much
     * runs differ by chance. */
    PRECISION = 50,
    FAILURES = 2,
    TRIES = 3,
    UNSENT_TRIES = 2,
    UNSENT_PER = 10, /* a tenth of the rate is missing, more than a short stall explains */
    /* This number of lower rates must hold before a failed rate is tried again. If it is the real
     * limit, three of them hold in one of eight searches. */
    RETRY_AFTER = 3,
    IN_TIME_PER = 100, /* a hundredth of a step may be unsent, or sent after its end */
};

/* ---- The search ---- */

void rate_search_init(struct rate_search *search, uint32_t rate)
{
    *search = (struct rate_search){.rate = rate};
}

static void set_held(struct rate_search *search)
{
    if (search->rate == search->worst)
        search->worst = 0;
    search->best = search->rate;
    search->held++;
}

static void set_failed(struct rate_search *search)
{
    if (search->rate != search->worst)
        search->held = 0;
    search->worst = search->rate;
    search->past_sender = search->failures < FAILURES;
}

/* Returns the lowest rate above best that is known not to hold, or not to be sent. */
static uint32_t upper_bound_of(const struct rate_search *search)
{
    bool is_lower = search->past_sender && search->ceiling && search->ceiling < search->worst;
    return is_lower ? search->ceiling : search->worst;
}

/* Chooses the next rate. Returns false if there is none. */
static bool choose(struct rate_search *search)
{
    if (!search->worst) {
        if (search->best == SEND_SCHEDULE_RATE_MAX)
            return false;
        search->rate =
            search->best > SEND_SCHEDULE_RATE_MAX / 2 ? SEND_SCHEDULE_RATE_MAX : 2 * search->best;
        return true;
    }
    uint32_t upper = upper_bound_of(search);
    uint32_t between = upper > search->best ? upper - search->best : 0;
    if (between > 1 && between > upper / PRECISION) {
        search->rate = search->best + between / 2;
        return true;
    }
    if (search->past_sender && search->ceiling)
        return false;
    if (search->retried || search->held < RETRY_AFTER)
        return false;
    search->retried = true;
    search->rate = search->worst;
    return true;
}

bool rate_search_next(struct rate_search *search, enum rate_search_outcome outcome)
{
    if (outcome == RATE_SEARCH_HELD) {
        set_held(search);
    } else {
        search->tries++;
        search->failures += outcome == RATE_SEARCH_FAILED;
        search->unsent += outcome == RATE_SEARCH_UNSENT;
        if (outcome == RATE_SEARCH_UNSENT && search->sent > search->ceiling)
            search->ceiling = search->sent;
        /* A disturbed step may send less than an earlier one whose rate was sent in time. */
        if (search->ceiling && search->ceiling < search->best)
            search->ceiling = search->best;
        if (search->failures < FAILURES && search->unsent < UNSENT_TRIES && search->tries < TRIES)
            return true;
        set_failed(search);
        /* A single unsent step does not show what the sender can send. */
        if (search->unsent < UNSENT_TRIES)
            search->ceiling = 0;
    }
    search->tries = search->failures = search->unsent = 0;
    return choose(search);
}

/* Returns the number of steps to the end for a service with that limit, if each step at a rate
 * above it has the outcome `above`. */
static uint32_t steps_until_end(struct rate_search search, uint32_t limit,
                                enum rate_search_outcome above)
{
    uint32_t steps = 1;
    while (rate_search_next(&search, search.rate <= limit ? RATE_SEARCH_HELD : above))
        steps++;
    return steps;
}

struct rate_search_left rate_search_steps_left(const struct rate_search *search)
{
    struct rate_search_left left = {UINT32_MAX, 0};
    uint64_t end = search->worst ? search->worst : UINT64_C(2) * SEND_SCHEDULE_RATE_MAX;
    /* All limits of the service that the steps so far allow, at the precision of the search. */
    for (uint64_t limit = search->best; limit < end; limit += limit / PRECISION + 1) {
        uint32_t least = steps_until_end(*search, (uint32_t)limit, RATE_SEARCH_FAILED);
        uint32_t most = steps_until_end(*search, (uint32_t)limit, RATE_SEARCH_UNKNOWN);
        left.least = least < left.least ? least : left.least;
        left.most = most > left.most ? most : left.most;
    }
    return left;
}

/* ---- Outcomes ---- */

enum rate_search_outcome rate_search_outcome_of(const struct load_result *result, uint64_t step_ns,
                                                uint32_t max_loss_ppm)
{
    const struct load_counts *counts = &result->counts;
    uint64_t tried = counts->sent + counts->send_errors;
    bool in_time = result->unsent <= (tried + result->unsent) / IN_TIME_PER &&
                   result->duration_ns <= step_ns + step_ns / IN_TIME_PER;
    double allowed = max_loss_ppm / 1e6 * (double)tried;
    /* A late sender does not cause wrong replies. */
    if ((double)counts->wrong > allowed)
        return RATE_SEARCH_FAILED;
    enum rate_search_outcome unknown =
        result->achieved_rate < result->requested_rate * (UNSENT_PER - 1) / UNSENT_PER
            ? RATE_SEARCH_UNSENT
            : RATE_SEARCH_UNKNOWN;
    if (result_verdict_exceeds_loss(counts, max_loss_ppm) || counts->sent == 0)
        return result->kept_up ? RATE_SEARCH_FAILED : unknown;
    return in_time ? RATE_SEARCH_HELD : unknown;
}
