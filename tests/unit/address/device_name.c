/* Tests of address/device_name. */
#include "address/device_name.h"

#include "handover_fixture.h"

#include <criterion/criterion.h>

#include <string.h>

static const char *set(const char *text)
{
    struct device_name name;
    return device_name_set(&name, text, strlen(text));
}

Test(device_name, has_1_to_64_bytes)
{
    char longest[DEVICE_NAME_BYTES_MAX + 2];
    memset(longest, 'n', sizeof longest);
    struct device_name name = {.size = 9};
    cr_assert_str_eq(device_name_set(&name, "", 0), "the name is empty");
    cr_assert_str_eq(device_name_set(&name, longest, 65), "the name is longer than 64 bytes");
    cr_assert_eq(name.size, 9, "a name that is refused changes nothing");
    cr_assert_null(device_name_set(&name, longest, 64));
    cr_assert_eq(name.size, 64);
    cr_assert_arr_eq(name.bytes, longest, 64);
    cr_assert_null(set("a"));
    cr_assert_null(device_name_check("a", 1));
    cr_assert_str_eq(device_name_check(longest, 65), "the name is longer than 64 bytes");
}

Test(device_name, is_utf8_without_control_characters)
{
    static const char *const good[] = {
        "thermostat-17", "living room", "na\xc3\xafve", "\xf0\x9f\x9a\x97", "@", "\\", "~"};
    static const char *const control[] = {"a\nb", "\x1f", "\x7f", "a\xc2\x80", "\xc2\x9f"};
    static const char *const no_utf8[] = {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert_null(set(good[i]), "%zu", i);
    for (size_t i = 0; i < sizeof control / sizeof control[0]; i++)
        cr_assert_str_eq(set(control[i]), "the name contains a control character", "%zu", i);
    for (size_t i = 0; i < sizeof no_utf8 / sizeof no_utf8[0]; i++)
        cr_assert_str_eq(set(no_utf8[i]), "the name is not UTF-8", "%zu", i);
    struct device_name name;
    cr_assert_str_eq(device_name_set(&name, "a\0b", 3), "the name contains a control character");
}

Test(device_name, is_compared_byte_by_byte)
{
    struct device_name a = {1, "a"}, b = {1, "a?"}, longer = {2, "aa"}, other = {1, "A"};
    cr_assert(device_name_equal(&a, &b));
    cr_assert_not(device_name_equal(&a, &longer));
    cr_assert_not(device_name_equal(&a, &other));
}

Test(device_name, is_written_as_one_ascii_word_that_is_parsed_again)
{
    static const struct {
        const char *name, *text;
    } pairs[] = {
        {"thermostat-17", "thermostat-17"},
        {"living room", "living\\x20room"},
        {"K\xc3\xbc"
         "che",
         "K\\xc3\\xbcche"},
        {"a\\b\"c", "a\\\\b\\\"c"},
        {"=@~!", "=@~!"},
        {"-", "\\x2d"},
        {"a-", "a-"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct device_name name, again;
        char text[DEVICE_NAME_TEXT_BYTES];
        cr_assert_null(device_name_set(&name, pairs[i].name, strlen(pairs[i].name)));
        cr_assert_str_eq(device_name_format(&name, text), pairs[i].text);
        cr_assert_null(device_name_parse(&again, text));
        cr_assert(device_name_equal(&again, &name), "%s", text);
    }
}

Test(device_name, has_room_for_the_longest_form)
{
    struct device_name name, again;
    char bytes[DEVICE_NAME_BYTES_MAX], text[DEVICE_NAME_TEXT_BYTES];
    memset(bytes, ' ', sizeof bytes);
    cr_assert_null(device_name_set(&name, bytes, sizeof bytes));
    cr_assert_eq(strlen(device_name_format(&name, text)), DEVICE_NAME_TEXT_BYTES - 1);
    cr_assert_null(device_name_parse(&again, text));
    cr_assert(device_name_equal(&again, &name));
}

Test(device_name, is_not_parsed_from_what_is_no_name)
{
    struct device_name name;
    char text[100];
    memset(text, 'n', sizeof text);
    text[65] = '\0';
    cr_assert_str_eq(device_name_parse(&name, text), "the name is longer than 64 bytes");
    cr_assert_str_eq(device_name_parse(&name, ""), "the name is empty");
    cr_assert_str_eq(device_name_parse(&name, "\\x0a"), "the name contains a control character");
    cr_assert_str_eq(device_name_parse(&name, "\\xff"), "the name is not UTF-8");
    cr_assert_str_eq(device_name_parse(&name, "\\q"),
                     "the name has a backslash that begins no escape");
    cr_assert_null(device_name_parse(&name, "K\xc3\xbc"
                                            "che"),
                   "UTF-8 needs no escape");
}

Test(device_name, is_handed_over_as_it_is)
{
    struct device_name none = {.size = 0}, name;
    struct handover_writer writer = {.bytes = NULL};
    cr_assert_null(device_name_set(&name, "caf\xc3\xa9", 5));
    handover_begin(&writer, 1);
    device_name_hand_over(&name, &writer);
    device_name_hand_over(&none, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    struct device_name taken = device_name_take_over(&reader);
    cr_assert(device_name_equal(&taken, &name));
    cr_assert_eq(device_name_take_over(&reader).size, 0);
    cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
}

Test(device_name, is_not_taken_over_from_what_is_no_name)
{
    struct device_name wrong = {.size = 2, .bytes = "a\n"};
    struct handover_writer writer = {.bytes = NULL};
    handover_begin(&writer, 1);
    device_name_hand_over(&wrong, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(device_name_take_over(&reader).size, 0);
    cr_assert(reader.failed);
    handover_forget(&reader);
    handover_writer_free(&writer);
}
