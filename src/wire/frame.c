#include "wire/frame.h"

#include <string.h>

static const uint8_t MAGIC[4] = {0x00, 0x55, 0x44, 0x50};

static const struct frame BAD = {.type = FRAME_BAD};

_Static_assert((int)FRAME_BYTES_MAX >= (int)FRAME_CHALLENGE_BYTES &&
                   (int)FRAME_BYTES_MAX >= (int)FRAME_PONG_BYTES_MAX,
               "FRAME_BYTES_MAX is the longest frame that a server sends");

/* Parses a frame whose body begins with a cookie. */
static struct frame read_cookie(enum frame_type type, const uint8_t *body, size_t size)
{
    if (size < FRAME_COOKIE_BYTES)
        return BAD;
    return (struct frame){
        .type = type,
        .cookie = body,
        .body = body + FRAME_COOKIE_BYTES,
        .size = size - FRAME_COOKIE_BYTES,
    };
}

struct frame frame_read(const uint8_t *bytes, size_t size)
{
    if (!frame_has_magic(bytes, size))
        return (struct frame){.type = FRAME_NONE};
    if (size < FRAME_HEAD_BYTES)
        return BAD;

    uint8_t type = bytes[sizeof MAGIC];
    const uint8_t *body = bytes + FRAME_HEAD_BYTES;
    size -= FRAME_HEAD_BYTES;
    struct frame frame = {.type = type, .body = body, .size = size};
    switch (type) {
    case FRAME_ANSWER:
        frame = read_cookie(FRAME_ANSWER, body, size);
        return frame_has_magic(frame.body, frame.size) ? BAD : frame;
    case FRAME_CHALLENGE:
        return size == FRAME_COOKIE_BYTES ? read_cookie(FRAME_CHALLENGE, body, size) : BAD;
    case FRAME_LEAVE:
        if (size == 0)
            return frame;
        return size == FRAME_COOKIE_BYTES ? read_cookie(FRAME_LEAVE, body, size) : BAD;
    case FRAME_PING:
    case FRAME_PONG:
        return size <= FRAME_NONCE_BYTES_MAX ? frame : BAD;
    default:
        return BAD;
    }
}

static size_t write_frame(uint8_t *out, enum frame_type type, const void *body, size_t size)
{
    memcpy(out, MAGIC, sizeof MAGIC);
    out[sizeof MAGIC] = (uint8_t)type;
    if (size > 0)
        memcpy(out + FRAME_HEAD_BYTES, body, size);
    return FRAME_HEAD_BYTES + size;
}

uint8_t *frame_write_challenge(uint8_t out[FRAME_CHALLENGE_BYTES])
{
    return out + write_frame(out, FRAME_CHALLENGE, NULL, 0);
}

size_t frame_write_ping(uint8_t out[FRAME_PONG_BYTES_MAX], const void *nonce, size_t size)
{
    return write_frame(out, FRAME_PING, nonce, size);
}

size_t frame_write_pong(uint8_t out[FRAME_PONG_BYTES_MAX], const struct frame *ping)
{
    return write_frame(out, FRAME_PONG, ping->body, ping->size);
}

size_t frame_write_leave(uint8_t out[FRAME_CHALLENGE_BYTES], const uint8_t *cookie)
{
    if (cookie == NULL)
        return write_frame(out, FRAME_LEAVE, "", 0);
    return write_frame(out, FRAME_LEAVE, cookie, FRAME_COOKIE_BYTES);
}

size_t frame_write_answer_head(uint8_t out[FRAME_ANSWER_HEAD_BYTES],
                               const uint8_t cookie[FRAME_COOKIE_BYTES])
{
    return write_frame(out, FRAME_ANSWER, cookie, FRAME_COOKIE_BYTES);
}
