/* Tests of wire/frame: frames parsed and written. */
#include "wire/frame.h"

#include "base/prng.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const uint8_t cookie[FRAME_COOKIE_BYTES] = "0123456789abcdef";

static enum frame_type type_of(const void *bytes, size_t size)
{
    return frame_read(bytes, size).type;
}

/* Parses a frame of this type with a body of size bytes. */
static enum frame_type type_of_body(uint8_t type, size_t size)
{
    uint8_t bytes[FRAME_HEAD_BYTES + 64] = {0x00, 0x55, 0x44, 0x50, type};
    return type_of(bytes, FRAME_HEAD_BYTES + size);
}

Test(frame, is_none_without_the_magic_bytes)
{
    cr_assert_eq(type_of("", 0), FRAME_NONE);
    cr_assert_eq(type_of("hi", 2), FRAME_NONE);
    cr_assert_eq(type_of("\0UD", 3), FRAME_NONE);
    cr_assert_eq(type_of("\0UDQ\4", 5), FRAME_NONE);
    cr_assert_eq(type_of(" \0UDP\4", 6), FRAME_NONE);
}

Test(frame, is_bad_with_an_unknown_type)
{
    cr_assert_eq(type_of("\0UDP", 4), FRAME_BAD);
    for (unsigned type = 0; type < 256; type++) {
        if (type < FRAME_CHALLENGE || type > FRAME_PONG)
            cr_assert_eq(type_of_body((uint8_t)type, 16), FRAME_BAD, "type %u", type);
    }
}

Test(frame, has_the_length_of_its_type)
{
    for (size_t size = 0; size <= 64; size++) {
        cr_assert_eq(type_of_body(1, size), size == 16 ? FRAME_CHALLENGE : FRAME_BAD);
        cr_assert_eq(type_of_body(2, size), size >= 16 ? FRAME_ANSWER : FRAME_BAD);
        cr_assert_eq(type_of_body(3, size), size == 0 || size == 16 ? FRAME_LEAVE : FRAME_BAD);
        cr_assert_eq(type_of_body(4, size), size <= 16 ? FRAME_PING : FRAME_BAD);
        cr_assert_eq(type_of_body(5, size), size <= 16 ? FRAME_PONG : FRAME_BAD);
    }
}

Test(frame, challenge_has_the_documented_bytes)
{
    uint8_t bytes[FRAME_CHALLENGE_BYTES];
    memcpy(frame_write_challenge(bytes), cookie, sizeof cookie);
    cr_assert_arr_eq(bytes,
                     "\x00\x55\x44\x50\x01"
                     "0123456789abcdef",
                     21);
    struct frame frame = frame_read(bytes, sizeof bytes);
    cr_assert_arr_eq(frame.cookie, cookie, sizeof cookie);
    cr_assert_eq(frame.size, 0);
}

Test(frame, answer_carries_the_cookie_and_the_request_even_an_empty_one)
{
    uint8_t bytes[FRAME_ANSWER_HEAD_BYTES + 2];
    size_t head = frame_write_answer_head(bytes, cookie);
    memcpy(bytes + head, "hi", 2);
    struct frame frame = frame_read(bytes, head + 2);
    cr_assert_eq(frame.type, FRAME_ANSWER);
    cr_assert_arr_eq(frame.cookie, cookie, sizeof cookie);
    cr_assert_eq(frame.size, 2);
    cr_assert_arr_eq(frame.body, "hi", 2);
    cr_assert_eq(frame_read(bytes, head).size, 0);
}

Test(frame, answer_that_contains_a_frame_is_bad)
{
    uint8_t bytes[FRAME_ANSWER_HEAD_BYTES + FRAME_CHALLENGE_BYTES];
    size_t head = frame_write_answer_head(bytes, cookie);
    memcpy(frame_write_challenge(bytes + head), cookie, sizeof cookie);
    cr_assert_eq(type_of(bytes, sizeof bytes), FRAME_BAD);
    cr_assert_eq(type_of(bytes, head + 4), FRAME_BAD);
    cr_assert_eq(type_of(bytes, head + 3), FRAME_ANSWER);
}

Test(frame, leave_has_a_cookie_or_none)
{
    uint8_t bytes[FRAME_CHALLENGE_BYTES];
    cr_assert_eq(frame_write_leave(bytes, NULL), 5);
    cr_assert_null(frame_read(bytes, 5).cookie);
    cr_assert_eq(frame_write_leave(bytes, cookie), 21);
    cr_assert_arr_eq(frame_read(bytes, 21).cookie, cookie, sizeof cookie);
}

Test(frame, pong_has_exactly_the_nonce_of_its_ping)
{
    uint8_t ping[FRAME_PONG_BYTES_MAX], pong[FRAME_PONG_BYTES_MAX];
    for (size_t size = 0; size <= FRAME_NONCE_BYTES_MAX; size++) {
        size_t pinged = frame_write_ping(ping, cookie, size);
        struct frame frame = frame_read(ping, pinged);
        cr_assert_eq(frame.type, FRAME_PING);
        cr_assert_eq(frame_write_pong(pong, &frame), pinged);
        frame = frame_read(pong, pinged);
        cr_assert_eq(frame.type, FRAME_PONG);
        cr_assert_eq(frame.size, size);
        if (size > 0)
            cr_assert_arr_eq(frame.body, cookie, size);
    }
}

Test(frame, points_into_the_datagram_for_any_bytes)
{
    struct prng prng;
    prng_init(&prng, 5);
    for (int round = 0; round < 100000; round++) {
        size_t size = prng_next(&prng) % 48;
        uint8_t *bytes =
            malloc(size + !size); /* of the exact size, so that sanitizers find a byte too many */
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)prng_next(&prng);
        uint8_t head[FRAME_HEAD_BYTES] = {0, 0x55, 0x44, 0x50, (uint8_t)(prng_next(&prng) % 7)};
        memcpy(bytes, head, size < sizeof head ? size : sizeof head);
        struct frame frame = frame_read(bytes, size);
        if (frame.type != FRAME_NONE && frame.type != FRAME_BAD) {
            cr_assert_leq((size_t)(frame.body - bytes) + frame.size, size);
            if (frame.cookie != NULL)
                cr_assert(frame.cookie == bytes + FRAME_HEAD_BYTES &&
                          size >= FRAME_ANSWER_HEAD_BYTES);
        }
        free(bytes);
    }
}
