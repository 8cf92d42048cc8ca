#ifndef LOAD_RUN_PROGRESS_OUTPUT_H
#define LOAD_RUN_PROGRESS_OUTPUT_H

#include "load/report/load_result.h"

#include <stdbool.h>

/* Output during a run: a progress line on standard error, if it is a terminal, that is overwritten;
 * and a row on standard output for each interval of --interval, which is part of the report. */
struct progress_output {
    bool on_terminal;  /* standard error is a terminal */
    bool rows;         /* print each interval */
    bool line_shown;   /* a progress line is on the terminal */
    bool header_shown; /* the header of the rows is printed */
    uint64_t shown_ms; /* the interval end that the line shows */
};

/* Initializes the output. rows: print each interval. */
void progress_output_init(struct progress_output *progress, bool rows);

/* Prints an interval that has ended; total is the sum of all so far. */
void progress_output_interval(struct progress_output *progress,
                              const struct load_interval *interval,
                              const struct load_counts *total);

/* Erases the progress line. Call it before anything else is printed. */
void progress_output_clear(struct progress_output *progress);

#endif
