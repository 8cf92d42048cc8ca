/* Tests of state/state_block: numbers in a block, its limits, and each kind of damage. */
#include "state/state_block.h"

#include <criterion/criterion.h>

#include <string.h>

static uint8_t bytes[STATE_BLOCK_BYTES_MAX + 1];

static size_t make_block(void)
{
    struct state_writer writer;
    state_block_begin(&writer, bytes, sizeof bytes, STATE_BLOCK_CLIENTS);
    state_put8(&writer, 0x12);
    state_put16(&writer, 0x3456);
    state_put32(&writer, 0x789abcde);
    state_put64(&writer, UINT64_C(0x0123456789abcdef));
    state_put_bytes(&writer, "text", 4);
    state_put_bytes(&writer, NULL, 0);
    cr_assert_not(writer.overflowed);
    return state_block_end(&writer);
}

Test(state_block, is_little_endian_and_begins_with_type_length_and_checksum)
{
    static const uint8_t expected[] = {2,    19,   0,    0,    0,    0,    0,    0,    0x12,
                                       0x56, 0x34, 0xde, 0xbc, 0x9a, 0x78, 0xef, 0xcd, 0xab,
                                       0x89, 0x67, 0x45, 0x23, 0x01, 't',  'e',  'x',  't'};
    cr_assert_eq(make_block(), sizeof expected);
    memset(bytes + 4, 0, 4);
    cr_assert_arr_eq(bytes, expected, sizeof expected);
}

Test(state_block, is_read_as_it_was_written)
{
    struct state_reader body;
    uint8_t type;
    size_t size = make_block();
    cr_assert_null(state_block_read(bytes, size, &type, &body));
    cr_assert_eq(type, STATE_BLOCK_CLIENTS);
    cr_assert_eq(state_get8(&body), 0x12);
    cr_assert_eq(state_get16(&body), 0x3456);
    cr_assert_eq(state_get32(&body), 0x789abcde);
    cr_assert_eq(state_get64(&body), UINT64_C(0x0123456789abcdef));
    cr_assert_arr_eq(state_get_bytes(&body, 4), "text", 4);
    cr_assert_not(body.failed);
    cr_assert_eq(body.at, body.size);
}

Test(state_block, a_read_beyond_the_end_fails_and_so_do_all_later_ones)
{
    struct state_reader body;
    uint8_t type;
    size_t size = make_block();
    cr_assert_null(state_block_read(bytes, size, &type, &body));
    cr_assert_not_null(state_get_bytes(&body, 18));
    cr_assert_eq(state_get16(&body), 0);
    cr_assert(body.failed);
    cr_assert_eq(state_get8(&body), 0, "one byte is left, but a read has failed");
    cr_assert_null(state_get_bytes(&body, 0));
    body.failed = false;
    cr_assert_null(state_get_bytes(&body, SIZE_MAX));
    cr_assert(body.failed);
}

Test(state_block, has_the_size_that_its_head_says)
{
    size_t size = make_block(), found;
    cr_assert_null(state_block_size(bytes, &found));
    cr_assert_eq(found, size);
}

Test(state_block, a_value_that_does_not_fit_is_not_written_and_no_later_one)
{
    struct state_writer writer;
    uint8_t small[STATE_BLOCK_HEAD_BYTES + 5];
    memset(small, 0xee, sizeof small);
    state_block_begin(&writer, small, sizeof small - 1, STATE_BLOCK_END);
    state_put16(&writer, 1);
    state_put32(&writer, 2);
    cr_assert(writer.overflowed);
    state_put8(&writer, 3);
    cr_assert_eq(writer.size, STATE_BLOCK_HEAD_BYTES + 2);
    cr_assert_eq(small[STATE_BLOCK_HEAD_BYTES + 2], 0xee);
    cr_assert_eq(small[sizeof small - 1], 0xee);
}

/* Makes a block with as many bytes as there is room for. */
static void make_longest(size_t room)
{
    struct state_writer writer;
    state_block_begin(&writer, bytes, room, STATE_BLOCK_END);
    while (!writer.overflowed)
        state_put8(&writer, 7);
    cr_assert_eq(state_block_end(&writer), room);
}

Test(state_block, the_longest_one_is_read_and_a_longer_one_refused)
{
    struct state_reader body;
    uint8_t type;
    size_t size;
    make_longest(STATE_BLOCK_BYTES_MAX);
    cr_assert_null(state_block_size(bytes, &size));
    cr_assert_eq(size, STATE_BLOCK_BYTES_MAX);
    cr_assert_null(state_block_read(bytes, size, &type, &body));
    cr_assert_eq(body.size, STATE_BLOCK_BYTES_MAX - STATE_BLOCK_HEAD_BYTES);
    make_longest(STATE_BLOCK_BYTES_MAX + 1);
    cr_assert_str_eq(state_block_size(bytes, &size),
                     "a block of it is damaged: its length is impossible");
    memset(bytes + 1, 0xff, 3);
    cr_assert_not_null(state_block_size(bytes, &size));
}

Test(state_block, without_a_body_is_read)
{
    struct state_reader body;
    struct state_writer writer;
    uint8_t type;
    size_t size;
    state_block_begin(&writer, bytes, STATE_BLOCK_HEAD_BYTES, STATE_BLOCK_END);
    cr_assert_eq(state_block_end(&writer), STATE_BLOCK_HEAD_BYTES);
    cr_assert_null(state_block_size(bytes, &size));
    cr_assert_eq(size, STATE_BLOCK_HEAD_BYTES);
    cr_assert_null(state_block_read(bytes, size, &type, &body));
    cr_assert_eq(body.size, 0);
}

Test(state_block, each_bit_is_checked)
{
    struct state_reader body;
    uint8_t type;
    size_t size = make_block();
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_str_eq(state_block_read(bytes, size, &type, &body),
                         "a block of it is damaged: its checksum is wrong", "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
