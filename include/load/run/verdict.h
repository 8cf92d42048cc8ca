#ifndef LOAD_RUN_VERDICT_H
#define LOAD_RUN_VERDICT_H

#include "load/report/load_result.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the sender kept up with its own schedule, so that what was measured is the service, and
 * whether enough was answered: sets kept_up, why_not, answered_enough and why_too_few of a result
 * that is complete but for them. */
void verdict_judge(struct load_result *result);

/* The requests of a measurement that may be lost, and were: lost, wrong, or refused by the kernel;
 * and whether those are more than so many millionths of all. */
uint64_t verdict_bad(const struct load_counts *counts);
bool verdict_is_too_bad(const struct load_counts *counts, uint32_t max_loss_ppm);

#endif
