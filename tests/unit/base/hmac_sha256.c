/* Tests of base/hmac_sha256, compared with the vectors of RFC 4231. */
#include "base/hmac_sha256.h"
#include "text/hex.h"

#include <criterion/criterion.h>

#include <string.h>

/* RFC 4231, section 4.2 to 4.8. A key or message that repeats one byte is given as that byte. */
static const struct vector {
    const char *key;
    size_t key_bytes;
    const char *message;
    size_t message_bytes;
    const char *mac;
} VECTORS[] = {
    {"\x0b", 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 4, "what do ya want for nothing?", 28,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"\xaa", 20, "\xdd", 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
     "\x18\x19",
     25, "\xcd", 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"\x0c", 20, "Test With Truncation", 20, "a3b6167473100ee06e0c796c2955552b"},
    {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"\xaa", 131,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     152, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void fill(uint8_t *out, const char *bytes, size_t size)
{
    if (strlen(bytes) == 1)
        memset(out, bytes[0], size);
    else
        memcpy(out, bytes, size);
}

Test(hmac_sha256, agrees_with_the_vectors_of_rfc_4231)
{
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        const struct vector *vector = &VECTORS[i];
        uint8_t key[160], message[160], mac[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        struct hmac_sha256 hmac;
        fill(key, vector->key, vector->key_bytes);
        fill(message, vector->message, vector->message_bytes);
        hmac_sha256_init(&hmac, key, vector->key_bytes);
        hmac_sha256_add(&hmac, message, vector->message_bytes);
        hmac_sha256_finish(&hmac, mac);
        hex_encode(hex, mac, strlen(vector->mac) / 2);
        cr_assert_str_eq(hex, vector->mac, "test case %zu", i + 1);
    }
}

Test(hmac_sha256, takes_a_message_in_parts)
{
    uint8_t whole[SHA256_BYTES], parts[SHA256_BYTES];
    struct hmac_sha256 hmac;
    hmac_sha256_init(&hmac, "key", 3);
    hmac_sha256_add(&hmac, "cookie and name", 15);
    hmac_sha256_finish(&hmac, whole);
    hmac_sha256_init(&hmac, "key", 3);
    hmac_sha256_add(&hmac, "cookie ", 7);
    hmac_sha256_add(&hmac, NULL, 0);
    hmac_sha256_add(&hmac, "and name", 8);
    hmac_sha256_finish(&hmac, parts);
    cr_assert_arr_eq(parts, whole, sizeof whole);
}

Test(hmac_sha256, compares_each_bit_of_two_codes)
{
    uint8_t a[16] = {1, 2, 3}, b[16] = {1, 2, 3};
    cr_assert(hmac_sha256_equal(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_not(hmac_sha256_equal(a, b, sizeof a), "bit %zu", bit);
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    b[15] = 1;
    cr_assert(hmac_sha256_equal(a, b, 15), "the bytes after the size do not count");
}
