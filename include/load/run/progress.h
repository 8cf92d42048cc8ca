#ifndef LOAD_RUN_PROGRESS_H
#define LOAD_RUN_PROGRESS_H

#include "load/report/load_result.h"

#include <stdbool.h>

/* What people see while a run goes on: one line that is written over, on a terminal alone; a line
 * for each step of --interval, which is part of the report; and complaints. */
struct progress {
    bool on_terminal; /* stderr is one */
    bool steps;       /* print each interval */
    bool shown;       /* a line stands there */
    bool headed;      /* the steps have their head */
    uint64_t shown_ms;
};

void progress_begin(struct progress *progress, bool steps);

/* An interval is over; all is what happened in total. */
void progress_interval(struct progress *progress, const struct load_interval *interval,
                       const struct load_counts *all);

/* Takes the line away, before anything else is printed. */
void progress_clear(struct progress *progress);

#endif
