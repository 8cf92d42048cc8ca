#ifndef LOAD_RUN_RESULT_VERDICT_H
#define LOAD_RUN_RESULT_VERDICT_H

#include "load/report/load_result.h"

#include <stdbool.h>
#include <stdint.h>

/* Decides whether the sender kept up with its schedule, so that the service was measured and not
 * the sender, and whether enough requests were answered. Sets kept_up, why_not, answered_enough and
 * why_too_few of a result whose other fields are complete. */
void result_verdict_set(struct load_result *result);

/* Returns the number of requests that failed: lost, wrong, or refused by the kernel. */
uint64_t result_verdict_failed_count(const struct load_counts *counts);

/* Returns whether more than max_loss_ppm parts per million of the requests failed. */
bool result_verdict_exceeds_loss(const struct load_counts *counts, uint32_t max_loss_ppm);

/* Returns the exit status of a measurement with that result: LOAD_UNANSWERED takes precedence over
 * LOAD_NOT_KEPT_UP. */
int result_verdict_exit_status(const struct load_result *result);

/* Sets rotation_known and rotation_even. expected is whether --expect was given; spread is the
 * difference between the counts of the most and the least frequent reply, which may be one plus
 * lost_replies if the rotation is even. */
void result_verdict_judge_rotation(struct load_result *result, bool expected, uint64_t spread,
                                   uint64_t lost_replies);

#endif
