#ifndef LOAD_RUN_RATE_SEARCH_H
#define LOAD_RUN_RATE_SEARCH_H

#include "load/report/load_result.h"

#include <stdbool.h>
#include <stdint.h>

/* The search for the highest rate that a service holds, as a state machine: it chooses the rate of
 * the next step from the outcomes of the steps before. The rate is doubled until one fails; then
 * the search bisects between the highest rate that held and the lowest that did not, until they
 * differ by 2 % or less.
 *
 * Other work on the machine can make a service lose requests, or a sender send late, so one bad
 * step decides nothing. A rate fails when two steps at it failed. It is above the sender's limit
 * when three steps at it neither held nor failed. If every rate that was tried since below the
 * lowest failed rate has held, the failed rate is tried again at the end.
 *
 * If the sender twice sends less than nine tenths of a rate, that rate is not tried again; the
 * highest rate that it did send becomes the upper bound. Bisecting from the failed rate down
 * instead would take many steps that measure the sender and not the service. */
enum rate_search_outcome {
    RATE_SEARCH_HELD,
    RATE_SEARCH_FAILED,
    RATE_SEARCH_UNKNOWN, /* the sender fell behind; nothing is known of the service */
    RATE_SEARCH_UNSENT,  /* the same, and it sent less than nine tenths of the rate */
};

/* Rates are requests per second. */
struct rate_search {
    uint32_t rate;            /* of the next step */
    uint32_t best;            /* the highest that held; 0: none yet */
    uint32_t worst;           /* the lowest above best that did not hold; 0: none yet */
    bool past_sender;         /* worst is the sender's limit, not the service's */
    uint32_t tries, failures; /* of rate, which has not held so far */
    uint32_t held;            /* rates that held since worst was set */
    bool retried;             /* worst has been tried again, which happens once in a search */
    uint32_t sent;            /* rate sent in the last step; set before RATE_SEARCH_UNSENT */
    uint32_t unsent;          /* tries of rate that were not sent */
    uint32_t ceiling;         /* the highest rate that the sender can send; 0: not known yet */
};

/* Begins a search with a first step at that rate. */
void rate_search_init(struct rate_search *search, uint32_t rate);

/* Takes the outcome of a step at search->rate and sets the next rate. Returns whether there is
 * another step. */
bool rate_search_next(struct rate_search *search, enum rate_search_outcome outcome);

/* Returns how many steps are still to be made, including the one at search->rate: the least, if the
 * first step at each rate is decisive, and the most. */
struct rate_search_left {
    uint32_t least, most;
};
struct rate_search_left rate_search_steps_left(const struct rate_search *search);

/* Returns the outcome of a step of step_ns: a rate holds when all of it was sent in time and at
 * most max_loss_ppm parts per million of the requests failed, even if single requests were sent
 * late. */
enum rate_search_outcome rate_search_outcome_of(const struct load_result *result, uint64_t step_ns,
                                                uint32_t max_loss_ppm);

#endif
