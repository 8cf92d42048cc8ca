#ifndef LOAD_RUN_COLLECT_RESULT_H
#define LOAD_RUN_COLLECT_RESULT_H

#include "address/addr.h"
#include "load/options.h"
#include "load/report/load_result.h"
#include "load/send/sender_thread.h"

#include <stdint.h>

/* Makes the result of a run from its settings and from the summaries of its sender threads. */

enum { COLLECT_RESULT_ERROR_BYTES = 512 };

/* Writes the settings of the run to the result and empties its histograms. Returns 0, or -ENOMEM
 * with a message in error. */
int collect_result_describe(struct load_result *result, const struct load_options *options,
                            const struct addr *target, char error[COLLECT_RESULT_ERROR_BYTES]);

/* Adds the summaries of count senders, which have ended, and sets rates, replies and verdict. rate
 * is the requested one, 0: none. Returns 0, or -ENOMEM with a message in error. */
int collect_result_conclude(struct load_result *result, const struct load_options *options,
                            uint32_t rate, struct sender *const *senders, uint32_t count,
                            char error[COLLECT_RESULT_ERROR_BYTES]);

#endif
