#include "ctl/output/output_record.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *written;
static size_t written_size;

static FILE *out_open(void)
{
    FILE *out = open_memstream(&written, &written_size);
    cr_assert_not_null(out);
    return out;
}

static void out_expect(FILE *out, const char *text)
{
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(written, text);
    free(written);
}

static const struct output_field job_fields[] = {
    {"id", NULL, OUTPUT_NUMBER},
    {"targets", NULL, OUTPUT_NUMBER},
    {"state", NULL, OUTPUT_TEXT},
};

static const char *add_line(struct output_record *record, const char *key, const char *value)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", value);
    return output_record_add_line(record, key, copy);
}

static struct output_record full_job(void)
{
    struct output_record job = {.fields = job_fields, .count = 3};
    cr_assert_null(add_line(&job, "state", "done"));
    cr_assert_null(add_line(&job, "id", "7"));
    cr_assert_null(add_line(&job, "targets", "1000"));
    return job;
}

static void expect_printed(const struct output_record *record, enum output_format format,
                           const char *text)
{
    FILE *out = out_open();
    output_record_print(out, record, format);
    out_expect(out, text);
}

Test(output_record, has_the_same_values_in_every_format)
{
    struct output_record job = full_job();
    expect_printed(&job, OUTPUT_LINES, "id       7\ntargets  1000\nstate    done\n");
    expect_printed(&job, OUTPUT_ONE_LINE, "id 7  targets 1000  state done\n");
    expect_printed(&job, OUTPUT_JSON, "{\"id\":7,\"targets\":1000,\"state\":\"done\"}\n");
}

Test(output_record, notes_are_a_third_column)
{
    static const struct output_field fields[] = {{"received", "datagrams", OUTPUT_NUMBER},
                                                 {"left", "leaves", OUTPUT_NUMBER}};
    struct output_record record = {.fields = fields, .count = 2};
    add_line(&record, "received", "1234");
    add_line(&record, "left", "0");
    expect_printed(&record, OUTPUT_LINES, "received  1234  datagrams\nleft         0  leaves\n");
}

Test(output_record, an_empty_line_before_a_field_is_only_printed_in_lines)
{
    struct output_record job = full_job();
    job.blank_before = 2;
    expect_printed(&job, OUTPUT_LINES, "id       7\ntargets  1000\n\nstate    done\n");
    expect_printed(&job, OUTPUT_ONE_LINE, "id 7  targets 1000  state done\n");
    expect_printed(&job, OUTPUT_JSON, "{\"id\":7,\"targets\":1000,\"state\":\"done\"}\n");
}

Test(output_record, ignores_unknown_keys_and_finds_a_missing_value)
{
    struct output_record job = {.fields = job_fields, .count = 3};
    cr_expect_null(add_line(&job, "newer", "than we"));
    cr_expect_null(add_line(&job, "id", "7"));
    cr_expect_str_eq(output_record_find_missing(&job), "targets");
    job = full_job();
    cr_expect_null(output_record_find_missing(&job));
}

Test(output_record, rejects_invalid_values)
{
    struct output_record job = {.fields = job_fields, .count = 3};
    char longest[OUTPUT_VALUE_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    cr_expect_not_null(add_line(&job, "id", "-1"));
    cr_expect_not_null(add_line(&job, "id", "1e3"));
    cr_expect_not_null(add_line(&job, "id", ""));
    cr_expect_not_null(add_line(&job, "id", "18446744073709551616"));
    cr_expect_not_null(add_line(&job, "state", longest));
    longest[sizeof longest - 2] = '\0';
    cr_expect_null(add_line(&job, "state", longest));
}

Test(output_record, a_number_with_leading_zeros_is_valid_json)
{
    struct output_record job = full_job();
    add_line(&job, "id", "007");
    job.count = 1;
    expect_printed(&job, OUTPUT_JSON, "{\"id\":7}\n");
}
