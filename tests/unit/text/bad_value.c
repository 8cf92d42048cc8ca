/* Tests of text/bad_value: the message about an invalid value. */
#include "text/bad_value.h"

#include <criterion/criterion.h>
#include <string.h>

Test(bad_value, contains_the_escaped_value_and_the_reason)
{
    char text[512], value[400];
    cr_assert_str_eq(bad_value_message(text, sizeof text, "rate", "1\n", "not a number"),
                     "bad rate '1\\n': not a number");
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    bad_value_message(text, sizeof text, "rate", value, "too long");
    cr_assert_not_null(strstr(text, "...': too long"));
}
