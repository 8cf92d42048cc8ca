#include "net/offload/offload_message.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 1071, by the words' bytes in network byte order: the sum in memory's order has the same
 * bytes. */
static uint16_t sum_of(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    const uint8_t in_memory[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};
    uint16_t word;
    memcpy(&word, in_memory, sizeof word);
    return word;
}

Test(offload_message, has_its_bytes_and_their_sum)
{
    uint8_t bytes[OFFLOAD_MESSAGE_BYTES];
    struct offload_message message;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 201);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        memset(&message, 0xa5, sizeof message);
        cr_assert_eq(offload_message_set(&message, bytes, size), 0);
        cr_assert_eq(message.size, size);
        cr_assert_eq(message.sum, sum_of(bytes, size), "%zu bytes: %04x", size, message.sum);
        cr_assert_arr_eq(message.bytes, bytes, size);
        for (size_t i = size; i < sizeof message.bytes; i++)
            cr_assert_eq(message.bytes[i], 0);
    }
}

Test(offload_message, has_a_sum_of_16_bits_where_all_bits_are_set)
{
    uint8_t bytes[OFFLOAD_MESSAGE_BYTES];
    struct offload_message message;

    memset(bytes, 0xff, sizeof bytes);
    cr_assert_eq(offload_message_set(&message, bytes, sizeof bytes), 0);
    cr_assert_eq(message.sum, 0xffff);
    cr_assert_eq(offload_message_set(&message, bytes, 1), 0);
    cr_assert_eq(message.sum, sum_of(bytes, 1));
}

Test(offload_message, may_be_empty)
{
    struct offload_message message;

    cr_assert_eq(offload_message_set(&message, NULL, 0), 0);
    cr_assert_eq(message.size, 0);
    cr_assert_eq(message.sum, 0);
}

Test(offload_message, that_is_too_long_changes_nothing)
{
    static const uint8_t BYTES[OFFLOAD_MESSAGE_BYTES + 1];
    struct offload_message message, before;

    cr_assert_eq(offload_message_set(&message, (const uint8_t *)"toyota", 6), 0);
    before = message;
    cr_assert_eq(offload_message_set(&message, BYTES, sizeof BYTES), -EMSGSIZE);
    cr_assert_arr_eq(&message, &before, sizeof message);
}
