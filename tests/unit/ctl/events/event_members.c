/* Members NAME=VALUE of lines of the control protocol. */
#include "ctl/events/event_members.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(event_members, .timeout = 60);

static const char *wrong;

/* Returns the members as JSON. */
static const char *json(const char *members, const char *last)
{
    static char text[512];
    char line[256];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    snprintf(line, sizeof line, "%s", members);
    wrong = event_members_print_json(out, "", line, last);
    fclose(out);
    return text;
}

Test(event_members, numbers_are_numbers_and_other_values_are_strings)
{
    cr_expect_str_eq(json("id=7 state=done sent=0 address=127.0.0.1:4000", "reason"),
                     "\"id\":7,\"state\":\"done\",\"sent\":0,\"address\":\"127.0.0.1:4000\"");
    cr_expect_null(wrong);
    cr_expect_str_eq(json("a=-1 b= c=18446744073709551616 d=18446744073709551615", "reason"),
                     "\"a\":\"-1\",\"b\":\"\",\"c\":\"18446744073709551616\","
                     "\"d\":18446744073709551615");
    cr_expect_null(wrong);
}

Test(event_members, the_last_value_takes_the_rest_with_its_blanks)
{
    cr_expect_str_eq(json("sent=0 reason=the send buffer = full, \"x\"", "reason"),
                     "\"sent\":0,\"reason\":\"the send buffer = full, \\\"x\\\"\"");
    cr_expect_null(wrong);
}

Test(event_members, bytes_of_a_value_cannot_end_the_json)
{
    cr_expect_str_eq(json("a=\"}\\\x01", "reason"), "\"a\":\"\\\"}\\\\\\u0001\"");
    cr_expect_null(wrong);
}

Test(event_members, a_word_without_a_value_is_wrong)
{
    json("word", "reason");
    cr_expect_str_eq(wrong, "a member is not NAME=VALUE");
    json("", "reason");
    cr_expect_str_eq(wrong, "a member is not NAME=VALUE");
    json("a=1 ", "reason");
    cr_expect_str_eq(wrong, "a member is not NAME=VALUE");
}

Test(event_members, the_first_is_preceded_by_what_the_caller_wants)
{
    char line[] = "a=1 b=2", text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    cr_expect_null(event_members_print_json(out, ";", line, "b"));
    fclose(out);
    cr_expect_str_eq(text, ";\"a\":1,\"b\":2");
}
