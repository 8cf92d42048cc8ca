/* The words of a command line that have a message confirmed. */
#include "server/control/arguments/confirm_arguments.h"

#include "server/broadcast/confirmation_rounds.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(confirm_arguments, .timeout = 60);

static struct confirm_arguments read;
static char wrong[CONFIRM_WRONG_BYTES], line[256];

static const char *parse(const char *text)
{
    strcpy(line, text);
    return confirm_arguments_parse(&read, line, wrong);
}

static void accepts(const char *text, const char *rest, bool confirms, uint32_t within_ms)
{
    cr_expect_str_eq(parse(text), rest, "%s", text);
    cr_expect_eq(read.confirms, confirms, "%s", text);
    cr_expect_eq(read.within_ms, within_ms, "%s", text);
}

static void refuses(const char *text, const char *message)
{
    cr_expect_null(parse(text), "%s", text);
    cr_expect_str_eq(wrong, message);
}

Test(confirm_arguments, may_be_missing)
{
    accepts("", "", false, 0);
    accepts(" \t6869", "6869", false, 0);
    accepts("confirmed 6869", "confirmed 6869", false, 0);
    accepts("within=1s confirm", "within=1s confirm", false, 0);
    cr_expect_null(confirm_arguments_parse(&read, NULL, wrong));
    cr_expect_str_eq(wrong, "");
}

Test(confirm_arguments, have_a_default_time)
{
    accepts("confirm", "", true, CONFIRMATION_WITHIN_DEFAULT_MS);
    accepts(" confirm\t to=::1 6869", "to=::1 6869", true, CONFIRMATION_WITHIN_DEFAULT_MS);
}

Test(confirm_arguments, have_a_time_from_one_second_to_one_hour)
{
    accepts("confirm within=1s 00", "00", true, 1000);
    accepts("confirm  within=90 00", "00", true, 90000);
    accepts("confirm within=1h", "", true, 3600000);
    refuses("confirm within=999ms 00",
            "bad time 'within=999ms': it is not from 1s to 1h; give a duration, as in within=30s");
    cr_expect_null(parse("confirm within=3601s"));
    cr_expect_null(parse("confirm within="));
    cr_expect_null(parse("confirm within=\x01x"));
    cr_expect_not_null(strstr(wrong, "; give a duration, as in within=30s"));
}
