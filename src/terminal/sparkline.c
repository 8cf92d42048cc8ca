#include "terminal/sparkline.h"

static const uint64_t GAP = UINT64_MAX;

void sparkline_add(struct sparkline *line, uint64_t value)
{
    line->values[line->count++ % SPARKLINE_STEPS] = value;
}

void sparkline_add_gap(struct sparkline *line)
{
    sparkline_add(line, GAP);
}

size_t sparkline_steps_per_column(size_t columns)
{
    return (SPARKLINE_STEPS + columns - 1) / columns;
}

/* Returns the mean of the known values of the steps from begin on; GAP if none is known. */
static uint64_t mean(const struct sparkline *line, uint64_t begin, uint64_t steps)
{
    uint64_t sum = 0, known = 0;
    for (uint64_t i = begin; i < begin + steps && i < line->count; i++) {
        if (i + SPARKLINE_STEPS < line->count || line->values[i % SPARKLINE_STEPS] == GAP)
            continue;
        sum += line->values[i % SPARKLINE_STEPS];
        known++;
    }
    return known > 0 ? sum / known : GAP;
}

size_t sparkline_steps_per_column_so_far(const struct sparkline *line, size_t columns)
{
    uint64_t count = line->count < SPARKLINE_STEPS ? line->count : SPARKLINE_STEPS;
    size_t steps = (size_t)(count + columns - 1) / columns;
    return steps > 0 ? steps : 1;
}

uint64_t sparkline_levels(const struct sparkline *line, int levels[], size_t columns, int max)
{
    return sparkline_levels_with_steps(line, sparkline_steps_per_column(columns), levels, columns,
                                       max);
}

uint64_t sparkline_levels_with_steps(const struct sparkline *line, size_t steps, int levels[],
                                     size_t columns, int max)
{
    uint64_t highest = 0;
    /* Each column begins at a multiple of its number of steps, counted from the first step. */
    uint64_t last = line->count > 0 ? (line->count - 1) / steps : 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < columns; i++) {
            uint64_t back = columns - 1 - i;
            uint64_t value = back <= last ? mean(line, (last - back) * steps, steps) : GAP;
            if (value == GAP)
                levels[i] = SPARKLINE_GAP;
            else if (pass == 0)
                highest = value > highest ? value : highest;
            else if (value == 0)
                levels[i] = 0;
            else
                levels[i] = 1 + (int)((double)value / (double)highest * (max - 1));
        }
    }
    return highest;
}
