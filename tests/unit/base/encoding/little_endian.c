/* Tests of base/encoding/little_endian: the order of the bytes, and each size. */
#include "base/encoding/little_endian.h"

#include <criterion/criterion.h>

Test(little_endian, has_the_least_significant_byte_first)
{
    uint8_t bytes[8];
    little_endian_put(bytes, 8, UINT64_C(0x0123456789abcdef));
    cr_assert_arr_eq(bytes, ((uint8_t[]){0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01}), 8);
}

Test(little_endian, writes_only_the_bytes_of_its_size)
{
    for (size_t size = 0; size <= 8; size++) {
        uint8_t bytes[9] = {0};
        little_endian_put(bytes, size, UINT64_MAX);
        for (size_t i = 0; i < sizeof bytes; i++)
            cr_expect_eq(bytes[i], i < size ? 0xff : 0, "byte %zu of %zu", i, size);
    }
}

Test(little_endian, is_read_as_it_was_written)
{
    const uint64_t value = UINT64_C(0xfedcba9876543210);
    for (size_t size = 1; size <= 8; size++) {
        uint8_t bytes[8];
        little_endian_put(bytes, size, value);
        cr_expect_eq(little_endian_get(bytes, size), value & UINT64_MAX >> 8 * (8 - size),
                     "%zu bytes", size);
    }
}
