#ifndef LOAD_RUN_FIND_MAX_RUN_H
#define LOAD_RUN_FIND_MAX_RUN_H

#include "load/run/load_run.h"

/* The --find-max measurement: makes the runs that load/run/rate_search asks for, and prints each on
 * standard output unless a report is written there. The result is that of the highest rate that
 * held, or of the last run if none held. Parameters are those of load_run_once. Returns as
 * load_run_once does, or -ENODATA: too little was answered at every rate; or -ERANGE: the sender
 * could not send at any of the rates. */
int find_max_run(const struct load_run_setting *setting, struct load_result *result,
                 char error[LOAD_RUN_ERROR_BYTES]);

#endif
