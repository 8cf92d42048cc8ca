#ifndef LOAD_VERDICT_H
#define LOAD_VERDICT_H

#include "load/result.h"

/* Whether the sender kept up with its own schedule, so that what was measured is the service: sets
 * kept_up and why_not of a result that is complete but for them. */
void verdict_judge(struct load_result *result);

#endif
