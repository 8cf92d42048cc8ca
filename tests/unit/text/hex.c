/* Tests of text/hex: encoding and decoding. */
#include "text/hex.h"

#include <criterion/criterion.h>

Test(hex, digits_are_decoded_to_what_was_encoded_also_in_place)
{
    char hex[13];
    hex_encode(hex, "\x00\x01\x7f\x80\xab\xff", 6);
    cr_assert_str_eq(hex, "00017f80abff");
    cr_assert(hex_decode((uint8_t *)hex, hex, 12));
    cr_assert_arr_eq(hex, "\x00\x01\x7f\x80\xab\xff", 6);
    uint8_t upper[1];
    cr_assert(hex_decode(upper, "aF", 2));
    cr_assert_eq(upper[0], 0xaf);
    cr_assert(hex_decode(upper, "", 0));
}

Test(hex, an_odd_length_and_other_characters_are_refused)
{
    uint8_t out[2];
    cr_assert_not(hex_decode(out, "abc", 3));
    cr_assert_not(hex_decode(out, "0g", 2));
    cr_assert_not(hex_decode(out, "g0", 2));
    cr_assert_not(hex_decode(out, "0\0", 2));
    cr_assert_not(hex_decode(out, " 1", 2));
}
