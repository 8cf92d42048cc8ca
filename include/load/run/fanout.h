#ifndef LOAD_RUN_FANOUT_H
#define LOAD_RUN_FANOUT_H

#include "load/run/load_run.h"

/* A fan-out: each client registers by one request, then the server broadcasts, and the copies are
 * counted. Parameters and result as run_load; the setting's own fanout is not used. What a
 * broadcast's copies are counted until is one timeout behind the server's word that it has sent
 * them, so that doubled ones are seen, too. */
int fanout_run(const struct run_setting *setting, struct load_result *result,
               char error[RUN_ERROR_BYTES]);

#endif
