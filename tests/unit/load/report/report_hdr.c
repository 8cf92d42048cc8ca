/* Tests of the percentile table in HdrHistogram format. */
#include "load/report/report_hdr.h"

#include "load_report_fixture.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct table_row {
    double value, percentile, inverse;
    unsigned long total;
};

/* Reads a line of four words as plotters do. Returns false for comments and the heading. */
static bool read_row(const char *line, struct table_row *row)
{
    char inverse[32];
    if (*line == '\n')
        return false;
    if (sscanf(line, "%lf %lf %lu %31s", &row->value, &row->percentile, &row->total, inverse) != 4)
        return false;
    row->inverse = strtod(inverse, NULL);
    return true;
}

static const char *next_line(const char *line)
{
    line = strchr(line, '\n');
    return line ? line + 1 : "";
}

/* Reads a table and expects rising values. Returns its last row and the number of rows. */
static struct table_row expect_table(const char *text, size_t *count)
{
    struct table_row row, before = {-1, -1, 0, 0};
    *count = 0;
    for (const char *line = text; *line; line = next_line(line)) {
        if (!read_row(line, &row))
            continue;
        ++*count;
        cr_assert_geq(row.value, before.value);
        cr_assert_gt(row.percentile, before.percentile);
        cr_assert_geq(row.total, before.total);
        cr_assert_gt(row.inverse, before.inverse);
        if (isfinite(row.inverse))
            cr_assert_float_eq(row.inverse * (1 - row.percentile), 1, 0.006,
                               "%f is not 1 / (1 - %f)", row.inverse, row.percentile);
        before = row;
    }
    return before;
}

Test(report_hdr, rises_to_the_maximum_at_one)
{
    struct load_result result = report_sample();
    char *text = report_print(report_hdr, &result);
    size_t count;
    struct table_row last = expect_table(text, &count);
    cr_assert_gt(count, 40);
    cr_assert_float_eq(last.percentile, 1, 0);
    cr_assert_eq(last.total, result.corrected.count);
    cr_assert_float_eq(last.value, (double)result.corrected.max / 1e6, 1e-9);
    free(text);
    load_result_free(&result);
}

Test(report_hdr, has_the_percentiles_in_milliseconds)
{
    struct load_result result = report_sample();
    char *text = report_print(report_hdr, &result);
    struct table_row row;
    for (const char *line = text; *line; line = next_line(line)) {
        if (!read_row(line, &row) || row.percentile >= 1)
            continue;
        uint32_t ppm = (uint32_t)(row.percentile * 1e6 + 0.5);
        if (fabs(row.percentile * 1e6 - ppm) < 1e-6 && ppm > 0)
            cr_assert_float_eq(row.value,
                               (double)histogram_percentile(&result.corrected, ppm) / 1e6, 1e-9);
    }
    free(text);
    load_result_free(&result);
}

Test(report_hdr, has_the_heading_and_the_footer_of_the_format)
{
    struct load_result result = report_empty();
    histogram_add(&result.corrected, 1000000);
    histogram_add(&result.corrected, 3000000);
    char *text = report_print(report_hdr, &result);
    const char *heading = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
    cr_assert_eq(strncmp(text, heading, strlen(heading)), 0, "%s", text);
    cr_assert_not_null(strstr(text, "\n    3.000000 1.000000000000          2            inf\n"),
                       "%s", text);
    const char *footer = strstr(text, "#[Mean    =     2.000000, StdDeviation   =     ");
    cr_assert_not_null(footer, "%s", text);
    cr_assert_float_eq(strtod(strstr(footer, "tion   =") + 8, NULL), 1, 0.01);
    cr_assert_not_null(strstr(text, "]\n#[Max     =     3.000000, Total count    =            2]\n"
                                    "#[Buckets =           36, SubBuckets     =          128]\n"),
                       "%s", text);
    cr_assert_not_null(strstr(text, "in milliseconds"));
    free(text);
    load_result_free(&result);
}

Test(report_hdr, has_one_row_for_one_value)
{
    struct load_result result = report_empty();
    size_t count;
    histogram_add(&result.corrected, 5000);
    char *text = report_print(report_hdr, &result);
    struct table_row last = expect_table(text, &count);
    cr_assert_eq(count, 1);
    cr_assert_eq(last.total, 1);
    cr_assert_not_null(strstr(text, "StdDeviation   =     0.000000]"), "%s", text);
    free(text);
    load_result_free(&result);
}

Test(report_hdr, has_no_row_without_values)
{
    struct load_result result = report_empty();
    size_t count;
    char *text = report_print(report_hdr, &result);
    expect_table(text, &count);
    cr_assert_eq(count, 0);
    cr_assert_null(strcasestr(text, "nan"));
    cr_assert_not_null(strstr(text, "Total count    =            0]"));
    free(text);
    load_result_free(&result);
}

Test(report_hdr, returns_the_error_of_a_failed_write)
{
    report_expect_error(report_hdr);
}
