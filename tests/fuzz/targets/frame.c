/* wire/frame: a parsed frame points into its datagram and is written as the same bytes. */
#include "target.h"

#include "wire/frame.h"

#include <string.h>

/* A hello is written as the same bytes, and no answer to it is longer. */
static void check_hello(const struct frame *hello, const uint8_t *bytes, size_t size)
{
    uint8_t out[FRAME_HELLO_BYTES_MAX], named[FRAME_NAMED_BYTES_MAX];
    bool frames = hello->flags & FRAME_HELLO_FRAMES;
    size_t written = hello->mac != NULL
                         ? frame_write_keyed_hello(out, frames, hello->cookie, hello->mac,
                                                   hello->body, hello->size)
                         : frame_write_hello(out, frames, hello->body, hello->size);
    must(written == size && memcmp(out, bytes, size) == 0);
    must(hello->size == 0 || device_name_check(hello->body, hello->size) == NULL);
    must(frame_write_named(named, FRAME_NAMED_GIVEN, hello->body, hello->size) <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct frame frame = frame_read(bytes, size);
    uint8_t out[FRAME_HELLO_BYTES_MAX];
    must((frame.type == FRAME_NONE) == !frame_has_magic(bytes, size));
    if (frame.type == FRAME_NONE || frame.type == FRAME_BAD)
        return 0;
    must(frame.body >= bytes + FRAME_HEAD_BYTES && frame.body + frame.size == bytes + size);
    must(frame.cookie == NULL || frame.mac != NULL ||
         frame.cookie + FRAME_COOKIE_BYTES == frame.body);
    must(frame.mac == NULL || (frame.cookie + FRAME_COOKIE_BYTES == frame.mac &&
                               frame.mac + FRAME_MAC_BYTES == frame.body));
    switch (frame.type) {
    case FRAME_CHALLENGE:
        memcpy(frame_write_challenge(out), frame.cookie, FRAME_COOKIE_BYTES);
        must(size == FRAME_CHALLENGE_BYTES && memcmp(out, bytes, size) == 0);
        break;
    case FRAME_ANSWER:
        must(memcmp(out, bytes, frame_write_answer_head(out, frame.cookie)) == 0);
        break;
    case FRAME_LEAVE:
        must(frame_write_leave(out, frame.cookie) == size && memcmp(out, bytes, size) == 0);
        break;
    case FRAME_PING:
        must(frame_write_ping(out, frame.body, frame.size) == size &&
             memcmp(out, bytes, size) == 0);
        must(frame_write_pong(out, &frame) == size && frame_read(out, size).type == FRAME_PONG);
        break;
    case FRAME_MESSAGE:
        must(memcmp(out, bytes, frame_write_message_head(out, frame.job, frame.leisure)) == 0);
        break;
    case FRAME_CONFIRM:
        must(frame_write_confirm(out, frame.job) == size && memcmp(out, bytes, size) == 0);
        break;
    case FRAME_HELLO:
        check_hello(&frame, bytes, size);
        break;
    case FRAME_NAMED:
        must(frame_write_named(out, frame.status, frame.body, frame.size) == size &&
             memcmp(out, bytes, size) == 0);
        break;
    default:
        must(frame.type == FRAME_PONG);
        break;
    }
    return 0;
}
