/* Tests of server/control/arguments/key_arguments: the words of a key before those of
 * confirmations. */
#include "server/control/arguments/key_arguments.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct key_arguments read;
static char wrong[KEY_WRONG_BYTES], line[512];

static const char *parse(const char *arguments)
{
    snprintf(line, sizeof line, "%s", arguments);
    return key_arguments_parse(&read, line, wrong);
}

Test(key_arguments, without_them_there_is_no_key)
{
    cr_assert_str_eq(parse("confirm 00"), "confirm 00");
    cr_assert_not(read.has_key);
    cr_assert_str_eq(parse(""), "");
    cr_assert_not(read.has_key);
    cr_assert_null(key_arguments_parse(&read, NULL, wrong));
    cr_assert_str_eq(wrong, "");
}

Test(key_arguments, are_the_stream_the_id_and_the_number_of_entries)
{
    cr_assert_str_eq(parse(" key=a:b:5-7 entries-added=12  to=::/0 00"), "to=::/0 00");
    cr_assert(read.has_key);
    cr_assert_eq(read.key.stream.size, 3);
    cr_assert_eq(read.key.id.ms, 5);
    cr_assert_eq(read.key.id.sequence, 7);
    cr_assert_eq(read.entries_added, 12);
    cr_assert_str_eq(parse("key=a:5 00"), "00");
    cr_assert_eq(read.key.id.sequence, 0);
    cr_assert_eq(read.entries_added, 0);
}

Test(key_arguments, that_are_wrong_are_refused_with_the_reason)
{
    cr_assert_null(parse("key=a 00"));
    cr_assert_str_eq(wrong, "bad key 'key=a': it has no colon between the stream and the id; give "
                            "STREAM:ID, as in key=orders:1700000000000-0");
    cr_assert_null(parse("key=:5 00"));
    cr_assert_null(parse("key=a:0-0 00"));
    cr_assert_null(parse("key=a:1 entries-added=x 00"));
    cr_assert_not_null(strstr(wrong, "bad number of entries"), "%s", wrong);
}
