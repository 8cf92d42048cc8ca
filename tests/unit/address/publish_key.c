/* Tests of address/publish_key: ids of entries, and keys in both forms. */
#include "address/publish_key.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct entry_id id_of(const char *text)
{
    struct entry_id id = {.ms = 99};
    const char *wrong = entry_id_parse(&id, text);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return id;
}

static void expect_order(const char *less, const char *greater)
{
    struct entry_id a = id_of(less), b = id_of(greater);
    cr_assert_lt(entry_id_compare(&a, &b), 0, "%s %s", less, greater);
    cr_assert_gt(entry_id_compare(&b, &a), 0, "%s %s", less, greater);
}

Test(publish_key, ids_are_ordered_by_milliseconds_and_then_by_sequence)
{
    expect_order("0-1", "1-0");
    expect_order("1-9", "2-0");
    expect_order("1-9", "1-10");
    expect_order("9", "10");
    expect_order("5-18446744073709551615", "6");
    expect_order("4294967295-0", "4294967296-0");
    struct entry_id a = id_of("7"), b = id_of("7-0");
    cr_assert_eq(entry_id_compare(&a, &b), 0, "a number is that of milliseconds");
}

Test(publish_key, an_id_has_64_bits_in_each_number)
{
    char text[ENTRY_ID_TEXT_BYTES];
    struct entry_id id = id_of("18446744073709551615-18446744073709551615");
    cr_assert_str_eq(entry_id_format(&id, text), "18446744073709551615-18446744073709551615");
    cr_assert_not_null(entry_id_parse(&id, "18446744073709551616-0"));
    cr_assert_not_null(entry_id_parse(&id, "0-18446744073709551616"));
}

Test(publish_key, what_is_no_id_is_refused_and_changes_nothing)
{
    static const char *const wrong[] = {"",
                                        "-",
                                        "1-",
                                        "-1",
                                        "1-2-3",
                                        "+1",
                                        "x",
                                        "0-0",
                                        "0",
                                        " 1",
                                        "1 ",
                                        "$",
                                        "1.5",
                                        "1-*",
                                        "0x1",
                                        "1-+",
                                        "111111111111111111111"};
    struct entry_id id = {.ms = 3, .sequence = 4};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not_null(entry_id_parse(&id, wrong[i]), "'%s'", wrong[i]);
    cr_assert_eq(id.ms, 3);
    cr_assert_eq(id.sequence, 4);
}

Test(publish_key, is_divided_at_the_last_colon)
{
    struct publish_key key;
    char text[PUBLISH_KEY_TEXT_BYTES];
    cr_assert_null(publish_key_parse(&key, "plant:7:alarms:1700000000000-3"));
    cr_assert_eq(key.stream.size, strlen("plant:7:alarms"));
    cr_assert_eq(key.id.ms, 1700000000000);
    cr_assert_eq(key.id.sequence, 3);
    cr_assert_str_eq(publish_key_format(&key, text), "plant:7:alarms:1700000000000-3");
}

Test(publish_key, has_a_name_by_the_rules_of_devices)
{
    struct publish_key key;
    char name[80], text[100];
    memset(name, 'n', 65);
    name[65] = '\0';
    cr_assert_not_null(publish_key_parse(&key, "orders"));
    cr_assert_not_null(publish_key_parse(&key, ":5"));
    snprintf(text, sizeof text, "%s:5", name);
    cr_assert_not_null(publish_key_set(&key, text), "65 bytes");
    cr_assert_null(publish_key_set(&key, text + 1), "64 bytes");
    cr_assert_not_null(publish_key_set(&key, "tab\there:5"));
}

Test(publish_key, is_set_from_bytes_and_parsed_from_a_word)
{
    struct publish_key set, parsed;
    char text[PUBLISH_KEY_TEXT_BYTES];
    cr_assert_null(publish_key_set(&set, "new orders\\x41:5"));
    cr_assert_str_eq(publish_key_format(&set, text), "new\\x20orders\\\\x41:5-0");
    cr_assert_null(publish_key_parse(&parsed, text));
    cr_assert(publish_key_equal(&set, &parsed));
    parsed.id.sequence = 1;
    cr_assert_not(publish_key_equal(&set, &parsed));
    cr_assert_null(publish_key_parse(&parsed, "other:5"));
    cr_assert_not(publish_key_equal(&set, &parsed));
}
