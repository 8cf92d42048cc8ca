#ifndef LOAD_RUN_FIND_MAX_RUN_H
#define LOAD_RUN_FIND_MAX_RUN_H

#include "load/run/load_run.h"

/* The --find-max measurement: makes the runs that load/run/rate_search asks for, and prints each on
 * standard output if the options leave that to text. The result is that of the highest rate that
 * held, or of the last run if none held. Parameters as of load_run_once. Returns as it does; and
 * -ENODATA: at none of the rates enough was answered; -ERANGE: the sender could send none of them.
 */
int find_max_run(const struct load_run_setting *setting, struct load_result *result,
                 char error[LOAD_RUN_ERROR_BYTES]);

#endif
