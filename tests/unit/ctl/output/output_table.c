#include "ctl/output/output_table.h"

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
    return output_table_add_line(table, "client", copy);
}

static void expect_table(struct output_table *table, const char *text)
{
    output_table_print(table);
    output_table_free(table);
    out_expect(table->out, text);
}

Test(output_table, text_is_aligned_under_the_header)
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

Test(output_table, json_has_the_same_values)
{
    struct output_table table = clients(out_open(), true);
    cr_assert_null(add(&table, "10.0.0.1:5 1234 7"));
    cr_assert_null(add(&table, "10.0.0.2:5 0 0"));
    expect_table(&table, "[\n{\"address\":\"10.0.0.1:5\",\"idle_ms\":1234,\"age_s\":7},\n"
                         "{\"address\":\"10.0.0.2:5\",\"idle_ms\":0,\"age_s\":0}\n]\n");
}

Test(output_table, prints_nothing_before_the_table_is_complete)
{
    for (int json = 0; json < 2; json++) {
        struct output_table table = clients(out_open(), json);
        cr_assert_null(add(&table, "10.0.0.1:5 1 1"));
        cr_expect_not_null(add(&table, "10.0.0.2:5 nonsense"));
        output_table_free(&table);
        out_expect(table.out, "");
    }
}

Test(output_table, keeps_the_order_and_the_text_of_a_long_table)
{
    enum { ROWS = 10000 };
    struct output_table table = clients(out_open(), true);
    char row[128];
    for (int i = 0; i < ROWS; i++) {
        snprintf(row, sizeof row, "10.0.%d.%d:%d %d 0", i / 256, i % 256, 1 + i * 7 % 65535, i);
        cr_assert_null(add(&table, row));
    }
    output_table_print(&table);
    output_table_free(&table);
    cr_assert_eq(fclose(table.out), 0);
    const char *at = written + 2;
    for (int i = 0; i < ROWS; i++) {
        int length = snprintf(row, sizeof row,
                              "{\"address\":\"10.0.%d.%d:%d\",\"idle_ms\":%d,\"age_s\":0}%s\n",
                              i / 256, i % 256, 1 + i * 7 % 65535, i, i + 1 < ROWS ? "," : "");
        cr_assert_eq(strncmp(at, row, (size_t)length), 0, "row %d: %.80s", i, at);
        at += length;
    }
    cr_expect_str_eq(at, "]\n");
    free(written);
}

Test(output_table, an_empty_table_is_a_header_or_an_empty_array)
{
    struct output_table table = clients(out_open(), false);
    expect_table(&table, "ADDRESS  IDLE  AGE\n");
    table = clients(out_open(), true);
    expect_table(&table, "[]\n");
}

Test(output_table, sorts_by_number_and_then_by_address)
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

Test(output_table, sorts_addresses_by_their_numbers)
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

Test(output_table, a_limit_applies_to_text_and_json)
{
    for (int json = 0; json < 2; json++) {
        struct output_table table = clients(out_open(), json);
        table.limit = 1;
        add(&table, "10.0.0.1:5 0 0");
        add(&table, "10.0.0.2:5 0 0");
        output_table_print(&table);
        output_table_free(&table);
        cr_assert_eq(fclose(table.out), 0);
        cr_expect_not_null(strstr(written, "10.0.0.1:5"));
        cr_expect_null(strstr(written, "10.0.0.2:5"));
        free(written);
    }
}

Test(output_table, ignores_other_keys_and_further_columns)
{
    struct output_table table = clients(out_open(), true);
    char other[] = "x y z";
    cr_expect_null(output_table_add_line(&table, "hint", other));
    cr_expect_null(add(&table, "10.0.0.1:5 0 0 newer columns"));
    expect_table(&table, "[\n{\"address\":\"10.0.0.1:5\",\"idle_ms\":0,\"age_s\":0}\n]\n");
}

Test(output_table, rejects_invalid_rows)
{
    struct output_table table = clients(out_open(), false);
    cr_expect_not_null(add(&table, ""));
    cr_expect_not_null(add(&table, "10.0.0.1:5 0"));
    cr_expect_not_null(add(&table, "10.0.0.1:5  0"));
    cr_expect_not_null(add(&table, "10.0.0.1:5 0 "));
    cr_expect_not_null(add(&table, "10.0.0.1:5 soon 0"));
    expect_table(&table, "ADDRESS  IDLE  AGE\n");
}

Test(output_table, keeps_a_hundred_thousand_rows)
{
    struct output_table table = clients(out_open(), true);
    table.sorted = true;
    table.sort_by = 1;
    char row[64];
    for (int i = 100000; i > 0; i--) {
        snprintf(row, sizeof row, "10.0.%d.%d:5 %d 0", i % 256, i / 256 % 256, i);
        cr_assert_null(add(&table, row));
    }
    output_table_print(&table);
    cr_expect_eq(table.row_count, 100000);
    output_table_free(&table);
    cr_assert_eq(fclose(table.out), 0);
    cr_expect_not_null(strstr(written, "[\n{\"address\":\"10.0.1.0:5\",\"idle_ms\":1,"));
    free(written);
}

/* ---- the optional last column ---- */

static const struct output_field job_fields[] = {
    {"id", "ID", OUTPUT_NUMBER},
    {"selector", "SELECTOR", OUTPUT_OPTIONAL_TEXT},
};

static void add_jobs(struct output_table *table, FILE *out, bool json)
{
    *table = (struct output_table){
        .key = "client", .fields = job_fields, .count = 2, .json = json, .out = out};
    cr_assert_null(add(table, "1"));
    cr_assert_null(add(table, "2 -"));
    cr_assert_null(add(table, "3 to=::1 further"));
    cr_assert_not_null(add(table, ""));
    cr_assert_not_null(add(table, "4 "));
}

Test(output_table, an_optional_text_may_be_absent_and_is_then_empty_in_json)
{
    struct output_table table;
    add_jobs(&table, out_open(), true);
    expect_table(&table, "[\n{\"id\":1,\"selector\":\"\"},\n{\"id\":2,\"selector\":\"\"},\n"
                         "{\"id\":3,\"selector\":\"to=::1\"}\n]\n");
}

Test(output_table, an_optional_text_that_is_absent_is_a_dash_for_people)
{
    struct output_table table;
    add_jobs(&table, out_open(), false);
    expect_table(&table, "ID  SELECTOR\n 1  -\n 2  -\n 3  to=::1\n");
}

/* ---- pairs at the end of a line ---- */

static const struct output_field confirmed_fields[] = {
    {"id", "ID", OUTPUT_NUMBER},
    {"selector", "SELECTOR", OUTPUT_OPTIONAL_TEXT},
    {"confirmations", "CONFIRMATIONS", OUTPUT_PAIRS},
};

static void add_confirmed_jobs(struct output_table *table, FILE *out, bool json)
{
    *table = (struct output_table){
        .key = "client", .fields = confirmed_fields, .count = 3, .json = json, .out = out};
    cr_assert_null(add(table, "1"));
    cr_assert_null(add(table, "2 -"));
    cr_assert_null(add(table, "3 to=::1 silent=1 rounds=5"));
    cr_assert_not_null(add(table, "4 - silent"));
    cr_assert_not_null(add(table, "5 - silent=x"));
    cr_assert_not_null(add(table, "6 - silent=1 x"));
    cr_assert_not_null(add(table, "7 - "));
}

Test(output_table, pairs_are_members_of_their_own_in_json)
{
    struct output_table table;
    add_confirmed_jobs(&table, out_open(), true);
    expect_table(&table, "[\n{\"id\":1,\"selector\":\"\"},\n{\"id\":2,\"selector\":\"\"},\n"
                         "{\"id\":3,\"selector\":\"to=::1\",\"silent\":1,\"rounds\":5}\n]\n");
}

Test(output_table, pairs_are_the_last_column_for_people)
{
    struct output_table table;
    add_confirmed_jobs(&table, out_open(), false);
    expect_table(&table, "ID  SELECTOR  CONFIRMATIONS\n 1  -         -\n 2  -         -\n"
                         " 3  to=::1    silent=1 rounds=5\n");
}

Test(output_table, pairs_that_no_row_has_make_no_column)
{
    struct output_table table = {
        .key = "client", .fields = confirmed_fields, .count = 3, .out = out_open()};
    cr_assert_null(add(&table, "1"));
    cr_assert_null(add(&table, "2 to=::1"));
    expect_table(&table, "ID  SELECTOR\n 1  -\n 2  to=::1\n");
}
