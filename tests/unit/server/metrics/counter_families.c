/* Tests of server/metrics/counter_families: the metrics of the counters. */
#include "server/metrics/counter_families.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(counter_families, each_counter_but_the_sum_is_in_a_metric)
{
    char name[COUNTER_FAMILIES_NAME_BYTES];
    cr_expect_null(counter_families_name(0, name));
    for (size_t i = 1; i < STATS_COUNT; i++)
        cr_expect_not_null(counter_families_name(i, name), "%s", stats_name(i));
}

Test(counter_families, no_two_counters_have_the_same_name)
{
    char names[STATS_COUNT][COUNTER_FAMILIES_NAME_BYTES];
    for (size_t i = 1; i < STATS_COUNT; i++)
        for (size_t j = 1; counter_families_name(i, names[i]) != NULL && j < i; j++)
            cr_expect_str_neq(names[i], names[j]);
}

static struct text_buffer written(void)
{
    struct text_buffer text = {.bytes = NULL};
    struct stats stats;
    for (size_t i = 0; i < STATS_COUNT; i++)
        stats_set(&stats, i, 1000 + i);
    counter_families_add(&text, &stats);
    text_buffer_add_bytes(&text, "", 1);
    return text;
}

Test(counter_families, each_counter_is_written_with_its_value)
{
    struct text_buffer text = written();
    char name[COUNTER_FAMILIES_NAME_BYTES], line[COUNTER_FAMILIES_NAME_BYTES + 24];
    for (size_t i = 1; i < STATS_COUNT; i++) {
        snprintf(line, sizeof line, "\n%s %zu\n", counter_families_name(i, name), 1000 + i);
        cr_expect_not_null(strstr(text.bytes, line), "%s", line);
    }
    text_buffer_free(&text);
}

Test(counter_families, each_metric_has_one_help_and_one_type_before_its_samples)
{
    struct text_buffer text = written();
    char metric[64] = "";
    for (char *line = strtok(text.bytes, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char begun[64], type[16], help[8];
        if (sscanf(line, "# HELP %63s %7s", begun, help) == 2) {
            cr_expect_str_neq(begun, metric);
            strcpy(metric, begun);
        } else if (sscanf(line, "# TYPE %63s %15s", begun, type) == 2) {
            cr_expect_str_eq(begun, metric);
            cr_expect_str_eq(type, "counter");
        } else {
            cr_expect_eq(strncmp(line, metric, strlen(metric)), 0, "%s", line);
            cr_expect_str_eq(metric + strlen(metric) - strlen("_total"), "_total");
        }
    }
    text_buffer_free(&text);
}
