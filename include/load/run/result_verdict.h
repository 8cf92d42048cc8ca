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

#endif
