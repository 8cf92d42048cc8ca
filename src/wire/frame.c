#include "wire/frame.h"

#include <endian.h>
#include <string.h>

static const uint8_t MAGIC[4] = {0x00, 0x55, 0x44, 0x50};

static const struct frame BAD = {.type = FRAME_BAD};

_Static_assert((int)FRAME_REPLY_BYTES_MAX >= (int)FRAME_CHALLENGE_BYTES &&
                   (int)FRAME_REPLY_BYTES_MAX >= (int)FRAME_PONG_BYTES_MAX &&
                   (int)FRAME_REPLY_BYTES_MAX >= (int)FRAME_NAMED_BYTES_MAX,
               "FRAME_REPLY_BYTES_MAX is the longest frame with which a server answers");

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

static uint64_t read_job(const uint8_t *body)
{
    uint64_t job;
    memcpy(&job, body, sizeof job);
    return be64toh(job);
}

static struct frame read_message(const uint8_t *body, size_t size)
{
    enum { HEAD_BYTES = FRAME_MESSAGE_HEAD_BYTES - FRAME_HEAD_BYTES };
    if (size < HEAD_BYTES)
        return BAD;
    return (struct frame){
        .type = FRAME_MESSAGE,
        .job = read_job(body),
        .leisure = body[FRAME_JOB_BYTES],
        .body = body + HEAD_BYTES,
        .size = size - HEAD_BYTES,
    };
}

static struct frame read_confirm(const uint8_t *body, size_t size)
{
    if (size != FRAME_JOB_BYTES)
        return BAD;
    return (struct frame){.type = FRAME_CONFIRM, .job = read_job(body), .body = body + size};
}

static struct frame read_hello(const uint8_t *body, size_t size)
{
    struct frame frame = {.type = FRAME_HELLO};
    if (size == 0 || (body[0] & ~(FRAME_HELLO_FRAMES | FRAME_HELLO_KEYED)) != 0)
        return BAD;
    frame.flags = *body++;
    size--;
    bool keyed = frame.flags & FRAME_HELLO_KEYED;
    if (keyed) {
        if (size < FRAME_COOKIE_BYTES + FRAME_MAC_BYTES)
            return BAD;
        frame.cookie = body;
        frame.mac = body + FRAME_COOKIE_BYTES;
        body += FRAME_COOKIE_BYTES + FRAME_MAC_BYTES;
        size -= FRAME_COOKIE_BYTES + FRAME_MAC_BYTES;
    }
    if ((size > 0 || keyed) && device_name_check(body, size) != NULL)
        return BAD;
    frame.body = body;
    frame.size = size;
    return frame;
}

static struct frame read_named(const uint8_t *body, size_t size)
{
    if (size == 0 || (size > 1 && device_name_check(body + 1, size - 1) != NULL))
        return BAD;
    return (struct frame){
        .type = FRAME_NAMED, .status = body[0], .body = body + 1, .size = size - 1};
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
    case FRAME_MESSAGE:
        return read_message(body, size);
    case FRAME_CONFIRM:
        return read_confirm(body, size);
    case FRAME_HELLO:
        return read_hello(body, size);
    case FRAME_NAMED:
        return read_named(body, size);
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

size_t frame_write_message_head(uint8_t out[FRAME_MESSAGE_HEAD_BYTES], uint64_t job,
                                uint8_t leisure)
{
    job = htobe64(job);
    size_t size = write_frame(out, FRAME_MESSAGE, &job, sizeof job);
    out[size] = leisure;
    return size + 1;
}

size_t frame_write_confirm(uint8_t out[FRAME_CONFIRM_BYTES], uint64_t job)
{
    job = htobe64(job);
    return write_frame(out, FRAME_CONFIRM, &job, sizeof job);
}

/* Appends bytes to a frame of length bytes. Returns the new length. */
static size_t append(uint8_t *out, size_t length, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(out + length, bytes, size);
    return length + size;
}

size_t frame_write_hello(uint8_t out[FRAME_HELLO_BYTES_MAX], bool frames, const void *name,
                         size_t size)
{
    const uint8_t flags = frames ? FRAME_HELLO_FRAMES : 0;
    return append(out, write_frame(out, FRAME_HELLO, &flags, sizeof flags), name, size);
}

size_t frame_write_keyed_hello(uint8_t out[FRAME_HELLO_BYTES_MAX], bool frames,
                               const uint8_t cookie[FRAME_COOKIE_BYTES],
                               const uint8_t mac[FRAME_MAC_BYTES], const void *name, size_t size)
{
    const uint8_t flags = FRAME_HELLO_KEYED | (frames ? FRAME_HELLO_FRAMES : 0);
    size_t length = write_frame(out, FRAME_HELLO, &flags, sizeof flags);
    length = append(out, length, cookie, FRAME_COOKIE_BYTES);
    length = append(out, length, mac, FRAME_MAC_BYTES);
    return append(out, length, name, size);
}

size_t frame_write_named(uint8_t out[FRAME_NAMED_BYTES_MAX], enum frame_named_status status,
                         const void *name, size_t size)
{
    const uint8_t byte = (uint8_t)status;
    return append(out, write_frame(out, FRAME_NAMED, &byte, sizeof byte), name, size);
}
