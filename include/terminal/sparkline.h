#ifndef TERMINAL_SPARKLINE_H
#define TERMINAL_SPARKLINE_H

#include <stddef.h>
#include <stdint.h>

/* The recent past of one figure, a value for each step of time, for a diagram of one row. */

enum {
    SPARKLINE_STEPS = 300, /* that are remembered: five minutes of seconds */
    SPARKLINE_GAP = -1,    /* a column of which nothing is known */
};

struct sparkline {
    uint64_t count; /* steps so far, forgotten ones too; all zero at the beginning */
    uint64_t values[SPARKLINE_STEPS];
};

/* Adds the value of a step, less than 2^63; or a step without one. */
void sparkline_add(struct sparkline *line, uint64_t value);
void sparkline_add_gap(struct sparkline *line);

/* Fills in columns (at least 1) of levels, oldest first, from 0 (nothing at all) by the mean of
 * their steps to max (at least 2) for the highest; SPARKLINE_GAP where nothing is known. A column
 * has the same number of steps as the others, and keeps them as time goes on, so that the diagram
 * moves and doesn't shimmer. Any value but 0 has a level of 1 at least. Returns the highest mean.
 */
uint64_t sparkline_levels(const struct sparkline *line, int levels[], size_t columns, int max);

/* The same with so many steps (at least 1) in each column, however many columns that fills. */
uint64_t sparkline_levels_by(const struct sparkline *line, size_t steps, int levels[],
                             size_t columns, int max);

/* How many steps stand in a column if so many columns hold all that is remembered, at most; and if
 * they hold what there is so far. */
size_t sparkline_steps_of_column(size_t columns);
size_t sparkline_steps_so_far(const struct sparkline *line, size_t columns);

#endif
