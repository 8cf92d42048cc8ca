#ifndef LOAD_RUN_FANOUT_H
#define LOAD_RUN_FANOUT_H

#include "load/run/load_run.h"

/* The --fanout measurement: registers each client by one request, has the server broadcast, and
 * counts the copies. Copies are counted until one timeout after the server reported that it has
 * sent them, so that duplicates are counted, too. With --confirm the clients say hello after they
 * have registered, and confirm the broadcasts, which then end as the server decides. Parameters and
 * result are those of load_run_once; setting->fanout is ignored. */
int fanout_run(const struct load_run_setting *setting, struct load_result *result,
               char error[LOAD_RUN_ERROR_BYTES]);

#endif
