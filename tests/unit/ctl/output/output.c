#include "ctl/output/output.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *made;
static size_t made_size;

static FILE *out_open(void)
{
    FILE *out = open_memstream(&made, &made_size);
    cr_assert_not_null(out);
    return out;
}

static void out_expect(FILE *out, const char *text)
{
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(made, text);
    free(made);
}

/* ---- Records ---- */

static const struct output_field job_fields[] = {
    {"id", NULL, OUTPUT_NUMBER},
    {"targets", NULL, OUTPUT_NUMBER},
    {"state", NULL, OUTPUT_TEXT},
};

static const char *feed(struct output_record *record, const char *key, const char *value)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", value);
    return output_record_line(record, key, copy);
}

static struct output_record full_job(void)
{
    struct output_record job = {.fields = job_fields, .count = 3};
    cr_assert_null(feed(&job, "state", "done"));
    cr_assert_null(feed(&job, "id", "7"));
    cr_assert_null(feed(&job, "targets", "1000"));
    return job;
}

static void expect_printed(const struct output_record *record, enum output_form form,
                           const char *text)
{
    FILE *out = out_open();
    output_record_print(out, record, form);
    out_expect(out, text);
}

Test(output, a_record_shows_the_same_figures_in_every_form)
{
    struct output_record job = full_job();
    expect_printed(&job, OUTPUT_LINES, "id       7\ntargets  1000\nstate    done\n");
    expect_printed(&job, OUTPUT_ONE_LINE, "id 7  targets 1000  state done\n");
    expect_printed(&job, OUTPUT_JSON, "{\"id\":7,\"targets\":1000,\"state\":\"done\"}\n");
}

Test(output, notes_are_a_third_column)
{
    static const struct output_field fields[] = {{"received", "datagrams", OUTPUT_NUMBER},
                                                 {"left", "leaves", OUTPUT_NUMBER}};
    struct output_record record = {.fields = fields, .count = 2};
    feed(&record, "received", "1234");
    feed(&record, "left", "0");
    expect_printed(&record, OUTPUT_LINES, "received  1234  datagrams\nleft         0  leaves\n");
}

Test(output, an_empty_line_sets_the_rest_of_a_record_apart_for_people_alone)
{
    struct output_record job = full_job();
    job.apart = 2;
    expect_printed(&job, OUTPUT_LINES, "id       7\ntargets  1000\n\nstate    done\n");
    expect_printed(&job, OUTPUT_ONE_LINE, "id 7  targets 1000  state done\n");
    expect_printed(&job, OUTPUT_JSON, "{\"id\":7,\"targets\":1000,\"state\":\"done\"}\n");
}

Test(output, a_record_passes_unknown_keys_over_and_names_what_it_lacks)
{
    struct output_record job = {.fields = job_fields, .count = 3};
    cr_expect_null(feed(&job, "newer", "than we"));
    cr_expect_null(feed(&job, "id", "7"));
    cr_expect_str_eq(output_record_missing(&job), "targets");
    job = full_job();
    cr_expect_null(output_record_missing(&job));
}

Test(output, a_record_refuses_values_that_make_no_sense)
{
    struct output_record job = {.fields = job_fields, .count = 3};
    char longest[OUTPUT_VALUE_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    cr_expect_not_null(feed(&job, "id", "-1"));
    cr_expect_not_null(feed(&job, "id", "1e3"));
    cr_expect_not_null(feed(&job, "id", ""));
    cr_expect_not_null(feed(&job, "id", "18446744073709551616"));
    cr_expect_not_null(feed(&job, "state", longest));
    longest[sizeof longest - 2] = '\0';
    cr_expect_null(feed(&job, "state", longest));
}

Test(output, a_number_with_zeros_in_front_is_valid_json)
{
    struct output_record job = full_job();
    feed(&job, "id", "007");
    job.count = 1;
    expect_printed(&job, OUTPUT_JSON, "{\"id\":7}\n");
}

/* ---- Tables ---- */

static const struct output_field client_fields[] = {
    {"address", "ADDRESS", OUTPUT_TEXT},
    {"idle_ms", "IDLE", OUTPUT_MILLISECONDS},
    {"age_s", "AGE", OUTPUT_SECONDS},
};

static struct output_table clients(FILE *out, bool json)
{
    return (struct output_table){
        .key = "client", .fields = client_fields, .count = 3, .json = json, .out = out};
}

static const char *add(struct output_table *table, const char *row)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", row);
    return output_table_line(table, "client", copy);
}

static void expect_table(struct output_table *table, const char *text)
{
    output_table_finish(table);
    output_table_free(table);
    out_expect(table->out, text);
}

Test(output, a_table_for_people_is_aligned_under_its_header)
{
    struct output_table table = clients(out_open(), false);
    cr_assert_null(add(&table, "10.0.0.1:5 1234 7"));
    cr_assert_null(add(&table, "[2001:db8::1]:40000 61005 3600"));
    cr_assert_null(add(&table, "10.0.0.2:5 0 0"));
    expect_table(&table, "ADDRESS                 IDLE    AGE\n"
                         "10.0.0.1:5            1.234s     7s\n"
                         "[2001:db8::1]:40000  61.005s  3600s\n"
                         "10.0.0.2:5            0.000s     0s\n");
}

Test(output, a_table_for_programs_has_the_same_figures)
{
    struct output_table table = clients(out_open(), true);
    cr_assert_null(add(&table, "10.0.0.1:5 1234 7"));
    cr_assert_null(add(&table, "10.0.0.2:5 0 0"));
    expect_table(&table, "[\n{\"address\":\"10.0.0.1:5\",\"idle_ms\":1234,\"age_s\":7},\n"
                         "{\"address\":\"10.0.0.2:5\",\"idle_ms\":0,\"age_s\":0}\n]\n");
}

Test(output, nothing_of_a_table_is_printed_before_all_of_it_has_come)
{
    for (int json = 0; json < 2; json++) {
        struct output_table table = clients(out_open(), json);
        cr_assert_null(add(&table, "10.0.0.1:5 1 1"));
        cr_expect_not_null(add(&table, "10.0.0.2:5 nonsense"));
        output_table_free(&table);
        out_expect(table.out, "");
    }
}

Test(output, a_long_table_comes_out_as_it_went_in)
{
    enum { ROWS = 10000 };
    struct output_table table = clients(out_open(), true);
    char row[128];
    for (int i = 0; i < ROWS; i++) {
        snprintf(row, sizeof row, "10.0.%d.%d:%d %d 0", i / 256, i % 256, 1 + i * 7 % 65535, i);
        cr_assert_null(add(&table, row));
    }
    output_table_finish(&table);
    output_table_free(&table);
    cr_assert_eq(fclose(table.out), 0);
    const char *at = made + 2;
    for (int i = 0; i < ROWS; i++) {
        int length = snprintf(row, sizeof row,
                              "{\"address\":\"10.0.%d.%d:%d\",\"idle_ms\":%d,\"age_s\":0}%s\n",
                              i / 256, i % 256, 1 + i * 7 % 65535, i, i + 1 < ROWS ? "," : "");
        cr_assert_eq(strncmp(at, row, (size_t)length), 0, "row %d: %.80s", i, at);
        at += length;
    }
    cr_expect_str_eq(at, "]\n");
    free(made);
}

Test(output, an_empty_table_is_a_header_or_an_empty_array)
{
    struct output_table table = clients(out_open(), false);
    expect_table(&table, "ADDRESS  IDLE  AGE\n");
    table = clients(out_open(), true);
    expect_table(&table, "[]\n");
}

Test(output, sorts_by_number_and_then_by_address)
{
    struct output_table table = clients(out_open(), false);
    table.sorted = true;
    table.sort_by = 1;
    add(&table, "10.0.0.9:5 100 1");
    add(&table, "10.0.0.10:5 20 1");
    add(&table, "10.0.0.2:5 100 1");
    expect_table(&table, "ADDRESS        IDLE  AGE\n"
                         "10.0.0.10:5  0.020s   1s\n"
                         "10.0.0.2:5   0.100s   1s\n"
                         "10.0.0.9:5   0.100s   1s\n");
}

Test(output, sorts_addresses_by_their_numbers)
{
    struct output_table table = clients(out_open(), true);
    table.sorted = true;
    add(&table, "[::1]:1 1 1");
    add(&table, "10.0.0.10:5 2 1");
    add(&table, "10.0.0.9:40 3 1");
    add(&table, "10.0.0.9:5 4 1");
    table.limit = 3;
    expect_table(&table, "[\n{\"address\":\"10.0.0.9:5\",\"idle_ms\":4,\"age_s\":1},\n"
                         "{\"address\":\"10.0.0.9:40\",\"idle_ms\":3,\"age_s\":1},\n"
                         "{\"address\":\"10.0.0.10:5\",\"idle_ms\":2,\"age_s\":1}\n]\n");
}

Test(output, a_limit_cuts_whatever_the_form)
{
    for (int json = 0; json < 2; json++) {
        struct output_table table = clients(out_open(), json);
        table.limit = 1;
        add(&table, "10.0.0.1:5 0 0");
        add(&table, "10.0.0.2:5 0 0");
        output_table_finish(&table);
        output_table_free(&table);
        cr_assert_eq(fclose(table.out), 0);
        cr_expect_not_null(strstr(made, "10.0.0.1:5"));
        cr_expect_null(strstr(made, "10.0.0.2:5"));
        free(made);
    }
}

Test(output, a_table_passes_other_keys_over_and_newer_columns)
{
    struct output_table table = clients(out_open(), true);
    char other[] = "x y z";
    cr_expect_null(output_table_line(&table, "hint", other));
    cr_expect_null(add(&table, "10.0.0.1:5 0 0 newer columns"));
    expect_table(&table, "[\n{\"address\":\"10.0.0.1:5\",\"idle_ms\":0,\"age_s\":0}\n]\n");
}

Test(output, a_table_refuses_rows_that_make_no_sense)
{
    struct output_table table = clients(out_open(), false);
    cr_expect_not_null(add(&table, ""));
    cr_expect_not_null(add(&table, "10.0.0.1:5 0"));
    cr_expect_not_null(add(&table, "10.0.0.1:5  0"));
    cr_expect_not_null(add(&table, "10.0.0.1:5 0 "));
    cr_expect_not_null(add(&table, "10.0.0.1:5 soon 0"));
    expect_table(&table, "ADDRESS  IDLE  AGE\n");
}

Test(output, keeps_a_hundred_thousand_rows)
{
    struct output_table table = clients(out_open(), true);
    table.sorted = true;
    table.sort_by = 1;
    char row[64];
    for (int i = 100000; i > 0; i--) {
        snprintf(row, sizeof row, "10.0.%d.%d:5 %d 0", i % 256, i / 256 % 256, i);
        cr_assert_null(add(&table, row));
    }
    output_table_finish(&table);
    cr_expect_eq(table.row_count, 100000);
    output_table_free(&table);
    cr_assert_eq(fclose(table.out), 0);
    cr_expect_not_null(strstr(made, "[\n{\"address\":\"10.0.1.0:5\",\"idle_ms\":1,"));
    free(made);
}
