/* Tests of base/crc32c: published vectors, parts, and what a checksum must find. */
#include "base/crc32c.h"

#include <criterion/criterion.h>

#include <string.h>

/* RFC 3720, appendix B.4. The RFC prints the bytes in the order in which they are sent, the lowest
 * one first. */
Test(crc32c, is_as_in_the_examples_of_rfc_3720)
{
    /* An iSCSI - SCSI Read (10) Command PDU. */
    static const uint8_t command[48] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    uint8_t bytes[32];
    memset(bytes, 0x00, sizeof bytes);
    cr_assert_eq(crc32c_add(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    cr_assert_eq(crc32c_add(0, bytes, sizeof bytes), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    cr_assert_eq(crc32c_add(0, bytes, sizeof bytes), 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    cr_assert_eq(crc32c_add(0, bytes, sizeof bytes), 0x113fdb5c);
    cr_assert_eq(crc32c_add(0, command, sizeof command), 0xd9963a56);
}

/* The check value of the catalogue of parametrised CRC algorithms: CRC-32/ISCSI. */
Test(crc32c, has_the_check_value_of_its_parameters)
{
    cr_assert_eq(crc32c_add(0, "123456789", 9), 0xe3069283);
}

Test(crc32c, of_no_bytes_is_what_it_was)
{
    cr_assert_eq(crc32c_add(0, NULL, 0), 0);
    cr_assert_eq(crc32c_add(0x12345678, NULL, 0), 0x12345678);
}

Test(crc32c, of_parts_is_that_of_the_whole)
{
    uint8_t bytes[100];
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    uint32_t whole = crc32c_add(0, bytes, sizeof bytes);
    for (size_t first = 0; first <= sizeof bytes; first++) {
        uint32_t crc = crc32c_add(0, bytes, first);
        cr_assert_eq(crc32c_add(crc, bytes + first, sizeof bytes - first), whole, "%zu", first);
    }
}

Test(crc32c, differs_after_each_change_of_one_or_two_bits)
{
    uint8_t bytes[24] = "a few bytes of a block";
    const int bits = 8 * (int)sizeof bytes;
    uint32_t before = crc32c_add(0, bytes, sizeof bytes);
    for (int a = 0; a < bits; a++) {
        bytes[a / 8] ^= (uint8_t)(1 << a % 8);
        cr_assert_neq(crc32c_add(0, bytes, sizeof bytes), before);
        for (int b = a + 1; b < bits; b++) {
            bytes[b / 8] ^= (uint8_t)(1 << b % 8);
            cr_assert_neq(crc32c_add(0, bytes, sizeof bytes), before);
            bytes[b / 8] ^= (uint8_t)(1 << b % 8);
        }
        bytes[a / 8] ^= (uint8_t)(1 << a % 8);
    }
}
