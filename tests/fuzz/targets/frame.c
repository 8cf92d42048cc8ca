/* wire/frame: a parsed frame points into its datagram and is written as the same bytes. */
#include "target.h"

#include "wire/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct frame frame = frame_read(bytes, size);
    uint8_t out[FRAME_ANSWER_HEAD_BYTES];
    must((frame.type == FRAME_NONE) == !frame_has_magic(bytes, size));
    if (frame.type == FRAME_NONE || frame.type == FRAME_BAD)
        return 0;
    must(frame.body >= bytes + FRAME_HEAD_BYTES && frame.body + frame.size == bytes + size);
    must(frame.cookie == NULL || frame.cookie + FRAME_COOKIE_BYTES == frame.body);
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
    default:
        break;
    }
    return 0;
}
