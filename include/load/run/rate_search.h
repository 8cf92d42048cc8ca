#ifndef LOAD_RUN_RATE_SEARCH_H
#define LOAD_RUN_RATE_SEARCH_H

#include "load/run/load_run.h"

#include <stdbool.h>
#include <stdint.h>

/* The search for the highest rate that holds: doubled until one doesn't, then halfway between the
 * best that did and the least that didn't, until they are within a fiftieth.
 *
 * Other work on the machine makes a service lose what it would have answered, and a sender send
 * late; so one bad step isn't believed. A rate falls when two steps of it fell, and is past the
 * sender when three were tried and it neither held nor fell. And where all that was tried below the
 * least that didn't hold has held since, that one is tried again at the end.
 *
 * A rate of which the sender twice sent much less is not tried again, and what it did send is the
 * most that is still searched: to halve the way down from there would take many steps that tell
 * nothing of the service. */
enum rate_search_outcome {
    RATE_SEARCH_HELD,
    RATE_SEARCH_FELL,
    RATE_SEARCH_UNKNOWN, /* the sender fell behind, which tells nothing of the service */
    RATE_SEARCH_UNSENT,  /* and it sent less than nine tenths of the rate */
};

struct rate_search {
    uint32_t rate;         /* to be tried next */
    uint32_t best;         /* the highest that held, 0: none yet */
    uint32_t worst;        /* the lowest that didn't, above best; 0: none yet */
    bool past_sender;      /* worst: for the sender, not for the service */
    uint32_t tries, falls; /* of rate, which hasn't held so far */
    uint32_t held;         /* rates, since there is that worst */
    bool doubted;          /* worst has been tried again, which happens once in a search */
    uint32_t sent;         /* a second in the last step, told before RATE_SEARCH_UNSENT */
    uint32_t unsent;       /* tries of rate that were not sent */
    uint32_t ceiling;      /* the most that the sender can send, 0: not known yet */
};

void rate_search_begin(struct rate_search *search, uint32_t rate);

/* What came of search->rate. Whether there is another step to make. */
bool rate_search_go_on(struct rate_search *search, enum rate_search_outcome outcome);

/* How many steps are still to be made, the one of search->rate among them: at least, if each tells
 * what it shows the first time, and at most. */
struct rate_search_left {
    uint32_t least, most;
};
struct rate_search_left rate_search_steps_left(const struct rate_search *search);

/* What a step of that many nanoseconds has shown: a rate holds when all of it was sent in time and
 * no more than so many millionths were lost, wrong or refused, however late single ones were. */
enum rate_search_outcome rate_search_outcome_of(const struct load_result *result, uint64_t step_ns,
                                                uint32_t max_loss_ppm);

/* Runs step after step, each printed to stdout if the setting's options leave it to people; the
 * result is that of the best, or, if none held, of the last. As run_load; -ENODATA: at none of the
 * rates enough was answered; -ERANGE: the sender itself could send none of them. */
int rate_search_run(const struct run_setting *setting, struct load_result *result,
                    char error[RUN_ERROR_BYTES]);

#endif
