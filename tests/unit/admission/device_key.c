/* Tests of admission/device_key: the vectors of docs/protocol.md, as Python's hmac has them. */
#include "admission/device_key.h"
#include "text/hex.h"

#include <criterion/criterion.h>

#include <string.h>

#define KEY_TEXT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct names_key the_key(void)
{
    struct names_key key;
    cr_assert_null(names_key_parse(&key, KEY_TEXT, strlen(KEY_TEXT)));
    return key;
}

static struct device_name named(const char *text)
{
    struct device_name name;
    cr_assert_null(device_name_set(&name, text, strlen(text)));
    return name;
}

static void the_cookie(uint8_t cookie[COOKIE_BYTES])
{
    for (int i = 0; i < COOKIE_BYTES; i++)
        cookie[i] = (uint8_t)(0xa0 + i);
}

Test(names_key, is_64_hexadecimal_digits_and_an_end_of_line)
{
    static const char with_cr[] = KEY_TEXT "\r\n", longer[] = KEY_TEXT "00", blank[] = " " KEY_TEXT,
                      two_ends[] = KEY_TEXT "\n\n";
    static const char *const wrong[] = {"", "\n", "00", longer, two_ends, with_cr, blank};
    struct names_key key;
    cr_assert_null(names_key_parse(&key, KEY_TEXT "\n", strlen(KEY_TEXT) + 1));
    for (int i = 0; i < DEVICE_KEY_BYTES; i++)
        cr_assert_eq(key.bytes[i], i);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_str_eq(names_key_parse(&key, wrong[i], strlen(wrong[i])),
                         "it does not have 64 hexadecimal digits", "%zu", i);
    char text[] = KEY_TEXT;
    text[63] = 'g';
    cr_assert_str_eq(names_key_parse(&key, text, 64),
                     "it has other characters than hexadecimal digits");
}

Test(device_key, is_the_hmac_of_the_name_under_the_key_of_the_file)
{
    struct names_key key = the_key();
    struct device_name name = named("thermostat-17");
    uint8_t device_key[DEVICE_KEY_BYTES];
    char hex[2 * DEVICE_KEY_BYTES + 1];
    device_key_derive(&key, &name, device_key);
    hex_encode(hex, device_key, sizeof device_key);
    cr_assert_str_eq(hex, "8670f453430e2a52e3478bce15425281c32281f8c2e71c2abb0d59fcc5c4d985");
}

Test(device_key, proves_a_name_by_a_code_over_cookie_and_name)
{
    struct names_key key = the_key();
    struct device_name name = named("thermostat-17");
    uint8_t device_key[DEVICE_KEY_BYTES], cookie[COOKIE_BYTES], mac[DEVICE_MAC_BYTES];
    char hex[2 * DEVICE_MAC_BYTES + 1];
    the_cookie(cookie);
    device_key_derive(&key, &name, device_key);
    device_key_mac(device_key, cookie, &name, mac);
    hex_encode(hex, mac, sizeof mac);
    cr_assert_str_eq(hex, "08fcee546311d183b82b728cafd274d7");
    cr_assert(device_key_is_proven(&key, cookie, &name, mac));
}

Test(device_key, proves_no_other_name_cookie_or_key)
{
    struct names_key key = the_key(), other_key = key;
    struct device_name name = named("thermostat-17"), other_name = named("thermostat-18"),
                       shorter = named("thermostat-1");
    uint8_t device_key[DEVICE_KEY_BYTES], cookie[COOKIE_BYTES], mac[DEVICE_MAC_BYTES];
    the_cookie(cookie);
    device_key_derive(&key, &name, device_key);
    device_key_mac(device_key, cookie, &name, mac);
    cr_assert_not(device_key_is_proven(&key, cookie, &other_name, mac));
    cr_assert_not(device_key_is_proven(&key, cookie, &shorter, mac));
    other_key.bytes[31] ^= 1;
    cr_assert_not(device_key_is_proven(&other_key, cookie, &name, mac));
    cookie[0] ^= 1;
    cr_assert_not(device_key_is_proven(&key, cookie, &name, mac));
    cookie[0] ^= 1;
    for (size_t bit = 0; bit < 8 * sizeof mac; bit++) {
        mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_not(device_key_is_proven(&key, cookie, &name, mac), "bit %zu", bit);
        mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
