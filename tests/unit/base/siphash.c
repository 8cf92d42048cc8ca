/* Tests of base/siphash: SipHash-1-3, compared with published vectors and a second implementation.
 */
#include "base/siphash.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdlib.h>

/* SipHash-1-3 under the key 00 01 ... 0f of the inputs "", 00, 00 01, ..., 00 01 ... 3e: the table
 * of the Rust core library's own test (library/core/tests/hash/sip.rs, test_siphash_1_3). */
static const uint64_t published[64] = {
    UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x82cb9b024dc7d44d),
    UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0xcf75576088d38328), UINT64_C(0xdef9d52f49533b67),
    UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0xd3927d989bb11140), UINT64_C(0x369095118d299a8e),
    UINT64_C(0x25a48eb36c063de4), UINT64_C(0x79de85ee92ff097f), UINT64_C(0x70c118c1f94dc352),
    UINT64_C(0x78a384b157b4d9a2), UINT64_C(0x306f760c1229ffa7), UINT64_C(0x605aa111c0f95d34),
    UINT64_C(0xd320d86d2a519956), UINT64_C(0xcc4fdd1a7d908b66), UINT64_C(0x9cf2689063dbd80c),
    UINT64_C(0x8ffc389cb473e63e), UINT64_C(0xf21f9de58d297d1c), UINT64_C(0xc0dc2f46a6cce040),
    UINT64_C(0xb992abfe2b45f844), UINT64_C(0x7ffe7b9ba320872e), UINT64_C(0x525a0e7fdae6c123),
    UINT64_C(0xf464aeb267349c8c), UINT64_C(0x45cd5928705b0979), UINT64_C(0x3a3e35e3ca9913a5),
    UINT64_C(0xa91dc74e4ade3b35), UINT64_C(0xfb0bed02ef6cd00d), UINT64_C(0x88d93cb44ab1e1f4),
    UINT64_C(0x540f11d643c5e663), UINT64_C(0x2370dd1f8c21d1bc), UINT64_C(0x81157b6c16a7b60d),
    UINT64_C(0x4d54b9e57a8ff9bf), UINT64_C(0x759f12781f2a753e), UINT64_C(0xcea1a3bebf186b91),
    UINT64_C(0x2cf508d3ada26206), UINT64_C(0xb6101c2da3c33057), UINT64_C(0xb3f47496ae3a36a1),
    UINT64_C(0x626b57547b108392), UINT64_C(0xc1d2363299e41531), UINT64_C(0x667cc1923f1ad944),
    UINT64_C(0x65704ffec8138825), UINT64_C(0x24f280d1c28949a6), UINT64_C(0xc2ca1cedfaf8876b),
    UINT64_C(0xc2164bfc9f042196), UINT64_C(0xa16e9c9368b1d623), UINT64_C(0x49fb169c8b5114fd),
    UINT64_C(0x9f3143f8df074c46), UINT64_C(0xc6fdaf2412cc86b3), UINT64_C(0x7eaf49d10a52098f),
    UINT64_C(0x1cf313559d292f9a), UINT64_C(0xc44a30dda2f41f12), UINT64_C(0x36fae98943a71ed0),
    UINT64_C(0x318fb34c73f0bce6), UINT64_C(0xa27abf3670a7e980), UINT64_C(0xb4bcc0db243c6d75),
    UINT64_C(0x23f8d852fdb71513), UINT64_C(0x8f035f4da67d8a08), UINT64_C(0xd89cd0e5b7e8f148),
    UINT64_C(0xf6f4e6bcf7a644ee), UINT64_C(0xaec59ad80f1837f2), UINT64_C(0xc3b2f6154b6694e0),
    UINT64_C(0x9d199062b7bbb3a8),
};

static const struct siphash_key published_key = {
    .k0 = UINT64_C(0x0706050403020100),
    .k1 = UINT64_C(0x0f0e0d0c0b0a0908),
};

/* ---- a second implementation from the paper, byte by byte ---- */

static uint64_t rotated(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void reference_rounds(uint64_t v[4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[1] = rotated(v[1], 13);
        v[1] ^= v[0];
        v[0] = rotated(v[0], 32);
        v[2] += v[3];
        v[3] = rotated(v[3], 16);
        v[3] ^= v[2];
        v[0] += v[3];
        v[3] = rotated(v[3], 21);
        v[3] ^= v[0];
        v[2] += v[1];
        v[1] = rotated(v[1], 17);
        v[1] ^= v[2];
        v[2] = rotated(v[2], 32);
    }
}

static uint64_t reference(struct siphash_key key, const uint8_t *bytes, size_t size)
{
    uint64_t v[4] = {key.k0, key.k1, key.k0, key.k1};
    const char *constants = "somepseudorandomlygeneratedbytes";
    for (size_t i = 0; i < 32; i++)
        v[i / 8] ^= (uint64_t)(uint8_t)constants[i] << (56 - 8 * (i % 8));
    size_t padded = (size / 8 + 1) * 8;
    uint64_t word = 0;
    for (size_t i = 0; i < padded; i++) {
        uint8_t byte = i < size ? bytes[i] : i == padded - 1 ? (uint8_t)(size % 256) : 0;
        word |= (uint64_t)byte << (8 * (i % 8));
        if (i % 8 != 7)
            continue;
        v[3] ^= word;
        reference_rounds(v, 1);
        v[0] ^= word;
        word = 0;
    }
    v[2] ^= 0xff;
    reference_rounds(v, 3);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- tests ---- */

Test(siphash, agrees_with_the_published_vectors)
{
    uint8_t input[64];
    for (size_t size = 0; size < 64; size++) {
        uint64_t hash = siphash13(&published_key, input, size);
        cr_assert_eq(hash, published[size], "%zu bytes: %016" PRIx64 " for %016" PRIx64, size, hash,
                     published[size]);
        input[size] = (uint8_t)size;
    }
}

Test(siphash, agrees_with_a_second_implementation_at_every_length_and_alignment)
{
    enum { LONGEST = 600 }; /* the length byte wraps twice */
    uint64_t random = 1;
    for (size_t size = 0; size <= LONGEST; size++) {
        struct siphash_key key = {.k0 = random * 3, .k1 = ~random};
        /* The exact size of the offset and the input, so that sanitizers find a byte too many. */
        size_t offset = size % 8;
        uint8_t *memory = malloc(offset + size + !size);
        cr_assert_not_null(memory);
        for (size_t i = 0; i < size; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            memory[offset + i] = (uint8_t)(random >> 56);
        }
        cr_assert_eq(siphash13(&key, memory + offset, size), reference(key, memory + offset, size),
                     "%zu bytes", size);
        free(memory);
    }
}

Test(siphash, depends_on_every_bit_of_key_and_input)
{
    uint8_t input[24] = {0};
    struct siphash_key key = published_key;
    uint64_t hash = siphash13(&key, input, sizeof input);
    for (size_t bit = 0; bit < 8 * sizeof input; bit++) {
        input[bit / 8] = (uint8_t)(1 << bit % 8);
        cr_assert_neq(siphash13(&key, input, sizeof input), hash, "bit %zu of the input", bit);
        input[bit / 8] = 0;
    }
    for (size_t bit = 0; bit < 128; bit++) {
        struct siphash_key other = published_key;
        *(bit < 64 ? &other.k0 : &other.k1) ^= UINT64_C(1) << bit % 64;
        cr_assert_neq(siphash13(&other, input, sizeof input), hash, "bit %zu of the key", bit);
    }
}

Test(siphash, distinguishes_inputs_that_differ_only_in_trailing_zeros)
{
    const uint8_t zeros[64] = {0};
    for (size_t a = 0; a <= sizeof zeros; a++)
        for (size_t b = 0; b < a; b++)
            cr_assert_neq(siphash13(&published_key, zeros, a), siphash13(&published_key, zeros, b),
                          "%zu and %zu zeros", a, b);
}
