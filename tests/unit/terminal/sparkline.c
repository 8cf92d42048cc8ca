/* Tests of the scaled chart of recent values. */
#include "terminal/sparkline.h"

#include <criterion/criterion.h>

enum { COLUMNS = 60, STEPS = SPARKLINE_STEPS / COLUMNS, MAX = 8 };

static struct sparkline line;
static int levels[COLUMNS];

static uint64_t draw(void)
{
    return sparkline_levels(&line, levels, COLUMNS, MAX);
}

static void add(uint64_t value, int times)
{
    for (int i = 0; i < times; i++)
        sparkline_add(&line, value);
}

Test(sparkline, has_only_gaps_at_first)
{
    cr_expect_eq(draw(), 0);
    for (int i = 0; i < COLUMNS; i++)
        cr_expect_eq(levels[i], SPARKLINE_GAP);
}

Test(sparkline, has_the_highest_level_at_the_highest_mean_and_level_1_for_any_small_value)
{
    add(0, STEPS);
    add(1, STEPS);
    add(1000000, STEPS);
    cr_expect_eq(draw(), 1000000);
    cr_expect_eq(levels[COLUMNS - 3], 0);
    cr_expect_eq(levels[COLUMNS - 2], 1);
    cr_expect_eq(levels[COLUMNS - 1], MAX);
}

Test(sparkline, shows_the_mean_of_the_steps_of_a_column)
{
    add(10, STEPS - 1);
    add(60, 1);
    cr_expect_eq(draw(), 20);
    /* A column that has just begun, too. */
    add(40, 1);
    cr_expect_eq(draw(), 40);
    cr_expect_eq(levels[COLUMNS - 1], MAX);
}

Test(sparkline, distinguishes_a_gap_from_zero)
{
    add(5, STEPS);
    for (int i = 0; i < STEPS; i++)
        sparkline_add_gap(&line);
    add(5, 1);
    sparkline_add_gap(&line);
    cr_expect_eq(draw(), 5);
    cr_expect_eq(levels[COLUMNS - 3], MAX);
    cr_expect_eq(levels[COLUMNS - 2], SPARKLINE_GAP);
    cr_expect_eq(levels[COLUMNS - 1], MAX, "its known steps count");
}

Test(sparkline, keeps_the_steps_of_each_column_as_time_passes)
{
    for (int i = 0; i < 10 * SPARKLINE_STEPS; i++)
        sparkline_add(&line, (uint64_t)(i * 7 % 50 + 1));
    draw();
    int before[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        before[i] = levels[i];
    sparkline_add(&line, 1); /* a new column begins */
    draw();
    for (int i = 1; i < COLUMNS - 1; i++)
        cr_expect_eq(levels[i], before[i + 1], "column %d", i);
}

Test(sparkline, can_scale_to_the_steps_so_far)
{
    cr_expect_eq(sparkline_steps_per_column_so_far(&line, COLUMNS), 1);
    add(7, COLUMNS);
    cr_expect_eq(sparkline_steps_per_column_so_far(&line, COLUMNS), 1);
    cr_expect_eq(sparkline_levels_with_steps(&line, 1, levels, COLUMNS, MAX), 7);
    for (int i = 0; i < COLUMNS; i++)
        cr_expect_eq(levels[i], MAX, "column %d", i);
    add(7, 1);
    cr_expect_eq(sparkline_steps_per_column_so_far(&line, COLUMNS), 2);
    add(7, 10 * SPARKLINE_STEPS);
    cr_expect_eq(sparkline_steps_per_column_so_far(&line, COLUMNS), STEPS);
}

Test(sparkline, accepts_any_number_of_columns)
{
    add(3, 2 * SPARKLINE_STEPS);
    int many[2 * SPARKLINE_STEPS];
    for (size_t columns = 1; columns <= 2 * SPARKLINE_STEPS; columns++) {
        cr_expect_eq(sparkline_levels(&line, many, columns, MAX), 3);
        cr_expect_eq(many[columns - 1], MAX);
        if (columns > SPARKLINE_STEPS)
            cr_expect_eq(many[0], SPARKLINE_GAP, "older than the steps that are kept");
    }
    cr_expect_eq(sparkline_steps_per_column(60), 5);
    cr_expect_eq(sparkline_steps_per_column(61), 5);
    cr_expect_eq(sparkline_steps_per_column(500), 1);
}
