/* Tests of base/sha256, compared with published vectors. */
#include "base/sha256.h"
#include "text/hex.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const char *digest_of(const void *bytes, size_t size)
{
    static char hex[2 * SHA256_BYTES + 1];
    struct sha256 sha;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&sha);
    sha256_add(&sha, bytes, size);
    sha256_finish(&sha, digest);
    hex_encode(hex, digest, sizeof digest);
    return hex;
}

/* The examples of FIPS 180-4 that NIST publishes ("Descriptions of SHA-256, SHA-384, and SHA-512",
 * section 2), with the empty message and the 896-bit one of the CAVP test set. */
Test(sha256, agrees_with_the_published_vectors)
{
    static const struct {
        const char *message, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        cr_assert_str_eq(digest_of(vectors[i].message, strlen(vectors[i].message)),
                         vectors[i].digest, "%s", vectors[i].message);
}

Test(sha256, agrees_with_the_published_vector_of_a_million_times_a)
{
    enum { SIZE = 1000000 };
    char *message = malloc(SIZE);
    memset(message, 'a', SIZE);
    cr_assert_str_eq(digest_of(message, SIZE),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(message);
}

/* The padding takes one block or two, by the size: the digest of the digests of 00 01 ... of each
 * size from 0 to 199, as Python's hashlib has it. */
Test(sha256, pads_a_message_of_any_size)
{
    struct sha256 all;
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    sha256_init(&all);
    for (size_t size = 0; size < 200; size++) {
        /* The exact size of the message, so that sanitizers find a byte too many. */
        uint8_t *message = malloc(size + !size);
        struct sha256 sha;
        for (size_t i = 0; i < size; i++)
            message[i] = (uint8_t)i;
        sha256_init(&sha);
        sha256_add(&sha, message, size);
        sha256_finish(&sha, digest);
        sha256_add(&all, digest, sizeof digest);
        free(message);
    }
    sha256_finish(&all, digest);
    hex_encode(hex, digest, sizeof digest);
    cr_assert_str_eq(hex, "ba7b0fcea7d10c06b855b43d2b4dce1e3e842fff6be0acefb0faf4f2dd05bb47");
}

Test(sha256, takes_a_message_in_parts_of_any_size)
{
    uint8_t message[200], whole[SHA256_BYTES], parts[SHA256_BYTES];
    struct sha256 sha;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(7 * i);
    sha256_init(&sha);
    sha256_add(&sha, message, sizeof message);
    sha256_finish(&sha, whole);
    for (size_t part = 1; part < sizeof message; part++) {
        sha256_init(&sha);
        for (size_t at = 0; at < sizeof message; at += part)
            sha256_add(&sha, message + at, sizeof message - at < part ? sizeof message - at : part);
        sha256_add(&sha, NULL, 0);
        sha256_finish(&sha, parts);
        cr_assert_arr_eq(parts, whole, sizeof whole, "parts of %zu bytes", part);
    }
}
