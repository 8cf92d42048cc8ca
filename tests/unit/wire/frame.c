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

enum { BODY_BYTES = 128 };

/* Parses a frame of this type with a body of size bytes: first, then fill in all others. */
static enum frame_type type_of_filled(uint8_t type, uint8_t first, uint8_t fill, size_t size)
{
    uint8_t bytes[FRAME_HEAD_BYTES + BODY_BYTES] = {0x00, 0x55, 0x44, 0x50, type};
    memset(bytes + FRAME_HEAD_BYTES, fill, size);
    if (size > 0)
        bytes[FRAME_HEAD_BYTES] = first;
    return type_of(bytes, FRAME_HEAD_BYTES + size);
}

static enum frame_type type_of_body(uint8_t type, size_t size)
{
    return type_of_filled(type, 0, 0, size);
}

/* Parses a hello with a name, without a key. */
static enum frame_type type_of_name(const char *name, size_t size)
{
    uint8_t bytes[FRAME_HEAD_BYTES + 1 + BODY_BYTES] = {0x00, 0x55, 0x44, 0x50, FRAME_HELLO, 1};
    memcpy(bytes + FRAME_HEAD_BYTES + 1, name, size);
    return type_of(bytes, FRAME_HEAD_BYTES + 1 + size);
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
        if (type < FRAME_CHALLENGE || type > FRAME_NAMED)
            cr_assert_eq(type_of_body((uint8_t)type, 16), FRAME_BAD, "type %u", type);
    }
}

Test(frame, has_the_length_of_its_type)
{
    for (size_t size = 0; size <= BODY_BYTES; size++) {
        cr_assert_eq(type_of_body(1, size), size == 16 ? FRAME_CHALLENGE : FRAME_BAD);
        cr_assert_eq(type_of_body(2, size), size >= 16 ? FRAME_ANSWER : FRAME_BAD);
        cr_assert_eq(type_of_body(3, size), size == 0 || size == 16 ? FRAME_LEAVE : FRAME_BAD);
        cr_assert_eq(type_of_body(4, size), size <= 16 ? FRAME_PING : FRAME_BAD);
        cr_assert_eq(type_of_body(5, size), size <= 16 ? FRAME_PONG : FRAME_BAD);
        cr_assert_eq(type_of_body(6, size), size >= 9 ? FRAME_MESSAGE : FRAME_BAD);
        cr_assert_eq(type_of_body(7, size), size == 8 ? FRAME_CONFIRM : FRAME_BAD);
        cr_assert_eq(type_of_filled(8, 0, 'x', size),
                     size >= 1 && size <= 65 ? FRAME_HELLO : FRAME_BAD);
        cr_assert_eq(type_of_filled(8, 2, 'x', size),
                     size >= 34 && size <= 97 ? FRAME_HELLO : FRAME_BAD);
        cr_assert_eq(type_of_filled(9, 0, 'x', size),
                     size >= 1 && size <= 65 ? FRAME_NAMED : FRAME_BAD);
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

Test(frame, message_has_the_job_in_big_endian_the_leisure_and_the_payload)
{
    uint8_t bytes[FRAME_MESSAGE_HEAD_BYTES + 4];
    size_t head = frame_write_message_head(bytes, UINT64_C(0x0102030405060708), 15);
    cr_assert_eq(head, FRAME_MESSAGE_HEAD_BYTES);
    cr_assert_eq(head, 14);
    memcpy(bytes + head, "news", 4);
    cr_assert_arr_eq(bytes, "\x00\x55\x44\x50\x06\1\2\3\4\5\6\7\x08\x0fnews", 18);
    struct frame frame = frame_read(bytes, 18);
    cr_assert_eq(frame.type, FRAME_MESSAGE);
    cr_assert_eq(frame.job, UINT64_C(0x0102030405060708));
    cr_assert_eq(frame.leisure, 15);
    cr_assert_eq(frame.size, 4);
    cr_assert_arr_eq(frame.body, "news", 4);
    cr_assert_eq(frame_read(bytes, 14).size, 0);
}

Test(frame, confirm_has_the_job_in_big_endian)
{
    static const uint64_t jobs[] = {0, 1, UINT64_C(0x0102030405060708), UINT64_MAX};
    uint8_t bytes[FRAME_CONFIRM_BYTES];
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        cr_assert_eq(frame_write_confirm(bytes, jobs[i]), 13);
        struct frame frame = frame_read(bytes, 13);
        cr_assert_eq(frame.type, FRAME_CONFIRM);
        cr_assert_eq(frame.job, jobs[i]);
        cr_assert_eq(frame.size, 0);
    }
    frame_write_confirm(bytes, jobs[2]);
    cr_assert_arr_eq(bytes, "\x00\x55\x44\x50\x07\1\2\3\4\5\6\7\x08", 13);
}

Test(frame, hello_has_flags_and_a_name_or_none)
{
    uint8_t bytes[FRAME_HELLO_BYTES_MAX];
    cr_assert_eq(frame_write_hello(bytes, false, NULL, 0), 6);
    cr_assert_arr_eq(bytes, "\x00\x55\x44\x50\x08\x00", 6);
    struct frame frame = frame_read(bytes, 6);
    cr_assert_eq(frame.flags, 0);
    cr_assert_eq(frame.size, 0);
    cr_assert_eq(frame_write_hello(bytes, true, "lamp", 4), 10);
    cr_assert_arr_eq(bytes, "\x00\x55\x44\x50\x08\x01lamp", 10);
    frame = frame_read(bytes, 10);
    cr_assert_eq(frame.type, FRAME_HELLO);
    cr_assert_eq(frame.flags, FRAME_HELLO_FRAMES);
    cr_assert_null(frame.cookie);
    cr_assert_null(frame.mac);
    cr_assert_eq(frame.size, 4);
    cr_assert_arr_eq(frame.body, "lamp", 4);
}

Test(frame, keyed_hello_has_a_cookie_and_a_mac_before_the_name)
{
    static const uint8_t mac[FRAME_MAC_BYTES] = "ABCDEFGHIJKLMNOP";
    uint8_t bytes[FRAME_HELLO_BYTES_MAX];
    for (int frames = 0; frames < 2; frames++) {
        cr_assert_eq(frame_write_keyed_hello(bytes, frames, cookie, mac, "lamp", 4), 42);
        struct frame frame = frame_read(bytes, 42);
        cr_assert_eq(frame.type, FRAME_HELLO);
        cr_assert_eq(frame.flags, FRAME_HELLO_KEYED | (frames ? FRAME_HELLO_FRAMES : 0));
        cr_assert_arr_eq(frame.cookie, cookie, sizeof cookie);
        cr_assert_arr_eq(frame.mac, mac, sizeof mac);
        cr_assert_eq(frame.size, 4);
        cr_assert_arr_eq(frame.body, "lamp", 4);
    }
    cr_assert_arr_eq(bytes, "\x00\x55\x44\x50\x08\x03", 6);
}

Test(frame, hello_with_an_unknown_flag_is_bad)
{
    for (unsigned flags = 0; flags < 256; flags++)
        cr_assert_eq(type_of_filled(FRAME_HELLO, (uint8_t)flags, 'x', 40),
                     flags < 4 ? FRAME_HELLO : FRAME_BAD, "flags %u", flags);
}

Test(frame, named_has_a_status_and_a_name_or_none)
{
    uint8_t bytes[FRAME_NAMED_BYTES_MAX];
    cr_assert_eq(frame_write_named(bytes, FRAME_NAMED_UNUSED, NULL, 0), 6);
    cr_assert_arr_eq(bytes, "\x00\x55\x44\x50\x09\x00", 6);
    cr_assert_eq(frame_read(bytes, 6).size, 0);
    cr_assert_eq(frame_write_named(bytes, FRAME_NAMED_WRONG_MODE, "lamp", 4), 10);
    struct frame frame = frame_read(bytes, 10);
    cr_assert_eq(frame.type, FRAME_NAMED);
    cr_assert_eq(frame.status, 5);
    cr_assert_eq(frame.size, 4);
    cr_assert_arr_eq(frame.body, "lamp", 4);
}

Test(frame, name_is_utf8_without_control_characters)
{
    static const char *const good[] = {
        " ", "~", "lamp 7", "\xc3\xa4", "\xc2\xa0", "\xe6\xbc\xa2", "\xf0\x9f\x92\xa1"};
    static const char *const bad[] = {"\x01",     "a\nb",         "\x1f", "\x7f",
                                      "\xc2\x80", "\xc2\x9f",     "\xff", "a\xc3",
                                      "\xc0\x80", "\xed\xa0\x80", "\x80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert_eq(type_of_name(good[i], strlen(good[i])), FRAME_HELLO, "good name %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(type_of_name(bad[i], strlen(bad[i])), FRAME_BAD, "bad name %zu", i);
    cr_assert_eq(type_of_name("a\0b", 3), FRAME_BAD);
    cr_assert_eq(type_of_name("", 0), FRAME_HELLO, "but a hello needs none");
}

Test(frame, points_into_the_datagram_for_any_bytes)
{
    struct prng prng;
    prng_init(&prng, 5);
    for (int round = 0; round < 100000; round++) {
        size_t size = prng_next(&prng) % 110;
        uint8_t *bytes =
            malloc(size + !size); /* of the exact size, so that sanitizers find a byte too many */
        for (size_t i = 0; i < size; i++)
            bytes[i] = round % 2 ? 'x' : (uint8_t)prng_next(&prng); /* a valid name, or any bytes */
        uint8_t head[FRAME_HEAD_BYTES] = {0, 0x55, 0x44, 0x50, (uint8_t)(prng_next(&prng) % 11)};
        memcpy(bytes, head, size < sizeof head ? size : sizeof head);
        if (size > sizeof head)
            bytes[sizeof head] = (uint8_t)(prng_next(&prng) % 5); /* the flags of a hello */
        struct frame frame = frame_read(bytes, size);
        if (frame.type != FRAME_NONE && frame.type != FRAME_BAD) {
            cr_assert_leq((size_t)(frame.body - bytes) + frame.size, size);
            if (frame.cookie != NULL)
                cr_assert(frame.cookie >= bytes + FRAME_HEAD_BYTES &&
                          frame.cookie + FRAME_COOKIE_BYTES <= frame.body);
            if (frame.mac != NULL)
                cr_assert(frame.mac == frame.cookie + FRAME_COOKIE_BYTES &&
                          frame.mac + FRAME_MAC_BYTES == frame.body);
        }
        free(bytes);
    }
}
