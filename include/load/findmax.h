#ifndef LOAD_FINDMAX_H
#define LOAD_FINDMAX_H

#include "load/run.h"

#include <stdbool.h>
#include <stdint.h>

/* The search for the highest rate that holds: doubled until one doesn't, then halfway between the
 * best that did and the least that didn't, until they are within a fiftieth. */
enum findmax_outcome {
    FINDMAX_HELD,
    FINDMAX_FELL,
    FINDMAX_UNKNOWN, /* the sender didn't keep up, which tells nothing of the service */
};

struct findmax {
    uint32_t rate;  /* to be tried next */
    bool again;     /* for the second time: after the first one nothing was known */
    uint32_t best;  /* the highest that held, 0: none yet */
    uint32_t worst; /* the lowest that didn't, above best; 0: none yet */
};

void findmax_begin(struct findmax *search, uint32_t rate);

/* What came of search->rate. Whether there is another one to try: what is unknown is tried once
 * more, and is then taken for a rate that doesn't hold. */
bool findmax_go_on(struct findmax *search, enum findmax_outcome outcome);

/* Runs step after step, each printed to stdout; the result is that of the best, or, if none held,
 * of the last. As run_load. */
int findmax_run(const struct run_setting *setting, struct load_result *result,
                char error[RUN_ERROR_BYTES]);

#endif
