#ifndef TERMINAL_SPARKLINE_H
#define TERMINAL_SPARKLINE_H

#include <stddef.h>
#include <stdint.h>

/* The recent values of one counter or gauge, one for each time step, scaled for a chart of one row.
 */

enum {
    SPARKLINE_STEPS = 300, /* steps that are kept: five minutes at one step per second */
    SPARKLINE_GAP = -1,    /* level of a column without any known value */
};

/* Initialize it with zeros. */
struct sparkline {
    uint64_t count; /* steps so far, including those no longer kept */
    uint64_t values[SPARKLINE_STEPS];
};

/* Add the value of one step, less than 2^63, or a step without a value. */
void sparkline_add(struct sparkline *line, uint64_t value);
void sparkline_add_gap(struct sparkline *line);

/* Fills in the levels of columns (at least 1), oldest first: 0 for the value 0, 1 or more for any
 * other, max (at least 2) for the highest mean, SPARKLINE_GAP where no value is known. Each column
 * is the mean of the same number of steps, and keeps its steps as time passes, so that the chart
 * moves to the left without changing its shape. Returns the highest mean. */
uint64_t sparkline_levels(const struct sparkline *line, int levels[], size_t columns, int max);

/* The same with the given number of steps (at least 1) in each column. */
uint64_t sparkline_levels_with_steps(const struct sparkline *line, size_t steps, int levels[],
                                     size_t columns, int max);

/* Return the number of steps per column with which the given columns hold all SPARKLINE_STEPS, or
 * all steps so far. */
size_t sparkline_steps_per_column(size_t columns);
size_t sparkline_steps_per_column_so_far(const struct sparkline *line, size_t columns);

#endif
