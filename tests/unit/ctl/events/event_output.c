/* Tests of ctl/events/event_output: events for people and as JSON. */
#include "ctl/events/event_output.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH "1970-01-01T00:00:00.000Z"

static const char *wrong;

static char *print(bool json, const char *line)
{
    char *value = strdup(line), *written;
    size_t size;
    FILE *out = open_memstream(&written, &size);
    wrong = event_output_print(out, json, value);
    cr_assert_eq(fclose(out), 0);
    free(value);
    return written;
}

static void expect(bool json, const char *line, const char *expected)
{
    char *written = print(json, line);
    cr_expect_null(wrong, "%s", wrong);
    cr_expect_str_eq(written, expected);
    free(written);
}

Test(event_output, prints_an_event_of_a_client)
{
    static const char line[] = "0 refused address=192.0.2.1:4000 reason=full listener=unix:/a b";
    expect(false, line, EPOCH " refused 192.0.2.1:4000 reason=full listener=unix:/a b\n");
    expect(true, line,
           "{\"time\":\"" EPOCH "\",\"event\":\"refused\",\"address\":\"192.0.2.1:4000\","
           "\"reason\":\"full\",\"listener\":\"unix:/a b\"}\n");
}

Test(event_output, prints_the_counts_of_a_broadcast_as_numbers)
{
    static const char line[] = "0 job_ended id=7 state=done targets=2 sent=2";
    expect(false, line, EPOCH " job_ended id=7 state=done targets=2 sent=2\n");
    expect(true, line,
           "{\"time\":\"" EPOCH "\",\"event\":\"job_ended\",\"id\":7,\"state\":\"done\","
           "\"targets\":2,\"sent\":2}\n");
}

Test(event_output, prints_an_event_without_members)
{
    expect(false, "0 reloaded", EPOCH " reloaded\n");
    expect(true, "0 reloaded", "{\"time\":\"" EPOCH "\",\"event\":\"reloaded\"}\n");
}

Test(event_output, escapes_what_could_control_a_terminal)
{
    expect(false, "0 left address=\x1b[2j", EPOCH " left \\x1b[2j\n");
    char *written = print(true, "0 le\"ft address=\"");
    cr_expect_not_null(strstr(written, "\"event\":\"le\\\"ft\",\"address\":\"\\\"\""));
    free(written);
}

Test(event_output, says_what_is_wrong_with_a_line)
{
    static const char *const lines[] = {"", "0", "x left", "0 left address", "0 left a=b c"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (int json = 0; json < 2; json++) {
            char *written = print(json, lines[i]);
            cr_expect_not_null(wrong, "'%s'", lines[i]);
            free(written);
        }
    }
}

Test(event_output, prints_how_many_were_lost)
{
    char *written;
    size_t size;
    FILE *out = open_memstream(&written, &size);
    cr_assert_null(event_output_print_lost(out, true, "12"));
    cr_assert_null(event_output_print_lost(out, false, "3"));
    cr_assert_not_null(event_output_print_lost(out, false, "3x"));
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(written, "{\"lost\":12}\n"
                              "-- 3 lost: this program, or what reads its output, was too slow\n");
    free(written);
}
