/* The payload of a message in a command line. */
#include "server/control/arguments/hex_payload.h"

#include "config/config.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

static void expect_bytes(const char *hex, const char *bytes, size_t size)
{
    char text[64];
    size_t decoded;
    strcpy(text, hex);
    cr_assert(hex_payload_decode(text, &decoded), "%s", hex);
    cr_assert_eq(decoded, size, "%s", hex);
    cr_assert_arr_eq(text, bytes, size, "%s", hex);
}

Test(hex_payload, is_digits_in_either_case_or_a_dash)
{
    expect_bytes("00fF0a", "\x00\xff\x0a", 3);
    expect_bytes("-", "", 0);
}

Test(hex_payload, is_refused_if_it_is_missing_or_has_another_form)
{
    static const char *const wrong[] = {"", "0", "0g", "--", "00 00", " 00"};
    char text[64];
    size_t size;
    cr_assert_not(hex_payload_decode(NULL, &size));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        strcpy(text, wrong[i]);
        cr_assert_not(hex_payload_decode(text, &size), "'%s'", wrong[i]);
    }
}

Test(hex_payload, has_at_most_the_bytes_of_a_message)
{
    static char text[2 * (CONFIG_MESSAGE_BYTES_MAX + 1) + 1];
    size_t size;
    memset(text, 'a', sizeof text - 1);
    cr_assert_not(hex_payload_decode(text, &size));
    memset(text, 'a', sizeof text - 1);
    text[2 * CONFIG_MESSAGE_BYTES_MAX] = '\0';
    cr_assert(hex_payload_decode(text, &size));
    cr_assert_eq(size, CONFIG_MESSAGE_BYTES_MAX);
}
