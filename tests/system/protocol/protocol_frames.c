/* The test vectors of docs/protocol.md: wire/frame reads and writes them as the page states. */

#include "harness.h"
#include "protocol_page.h"

#include "admission/device_key.h"
#include "wire/frame.h"

#include <string.h>

TestSuite(system_protocol_frames, .fini = harness_end, .timeout = 60);

static const uint8_t COOKIE[FRAME_COOKIE_BYTES] = "0123456789abcdef"; /* those of the page */
/* That of the name lamp-7 under the key 00 01 02 ... 1f, as openssl computes it, too. */
static const uint8_t MAC[FRAME_MAC_BYTES] = {0x5a, 0xca, 0xf3, 0xba, 0xb9, 0xbb, 0x15, 0x39,
                                             0x15, 0x5e, 0x95, 0x91, 0xb1, 0xa9, 0xf3, 0x3d};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The type that a vector's name states. */
static enum frame_type type_named(const char *name)
{
    static const struct {
        const char *start;
        enum frame_type type;
    } types[] = {
        {"request", FRAME_NONE},  {"bad-", FRAME_BAD},        {"challenge", FRAME_CHALLENGE},
        {"answer", FRAME_ANSWER}, {"leave", FRAME_LEAVE},     {"ping", FRAME_PING},
        {"pong", FRAME_PONG},     {"message", FRAME_MESSAGE}, {"confirm", FRAME_CONFIRM},
        {"hello", FRAME_HELLO},   {"named", FRAME_NAMED},
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (starts_with(name, types[i].start))
            return types[i].type;
    harness_fail("expected the name '%s' to begin with a type", name);
}

Test(system_protocol_frames, the_frame_reader_finds_the_type_of_each_vector)
{
    struct page_vector vectors[PAGE_VECTORS_MAX];
    size_t count = page_vectors(vectors);

    for (size_t i = 0; i < count; i++) {
        const struct page_bytes *bytes = &vectors[i].bytes;
        struct frame frame = frame_read(bytes->data, bytes->size);
        harness_equal(vectors[i].name, frame.type, type_named(vectors[i].name));
        if (frame.cookie != NULL)
            expect(memcmp(frame.cookie, COOKIE, sizeof COOKIE) == 0, "expected the cookie in %s",
                   vectors[i].name);
        if (frame.mac != NULL)
            expect(memcmp(frame.mac, MAC, sizeof MAC) == 0, "expected the MAC in %s",
                   vectors[i].name);
    }
}

Test(system_protocol_frames, the_keyed_hello_proves_its_name_under_the_key_of_the_page)
{
    struct page_vector vectors[PAGE_VECTORS_MAX];
    size_t count = page_vectors(vectors);
    struct names_key key;
    int proven = 0;

    for (int i = 0; i < DEVICE_KEY_BYTES; i++)
        key.bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < count; i++) {
        struct frame frame = frame_read(vectors[i].bytes.data, vectors[i].bytes.size);
        struct device_name name;
        if (frame.type != FRAME_HELLO || frame.mac == NULL)
            continue;
        expect(device_name_set(&name, frame.body, frame.size) == NULL, "expected a name");
        expect(device_key_is_proven(&key, frame.cookie, &name, frame.mac),
               "expected the MAC of %s to be right", vectors[i].name);
        proven++;
    }
    harness_equal("keyed hellos", proven, 1);
}

static size_t write_hello(const struct frame *hello, uint8_t out[PAGE_BYTES_MAX])
{
    bool frames = hello->flags & FRAME_HELLO_FRAMES;

    if (hello->mac != NULL)
        return frame_write_keyed_hello(out, frames, COOKIE, MAC, hello->body, hello->size);
    return frame_write_hello(out, frames, hello->body, hello->size);
}

/* Writes a frame that was read from a vector. Returns its size. */
static size_t write_again(const struct frame *frame, uint8_t out[PAGE_BYTES_MAX])
{
    struct frame ping = *frame;
    size_t size;

    switch (frame->type) {
    case FRAME_CHALLENGE:
        memcpy(frame_write_challenge(out), COOKIE, sizeof COOKIE);
        return FRAME_CHALLENGE_BYTES;
    case FRAME_ANSWER:
        size = frame_write_answer_head(out, COOKIE);
        memcpy(out + size, frame->body, frame->size);
        return size + frame->size;
    case FRAME_LEAVE:
        return frame_write_leave(out, frame->cookie != NULL ? COOKIE : NULL);
    case FRAME_PING:
        return frame_write_ping(out, frame->body, frame->size);
    case FRAME_PONG:
        return frame_write_pong(out, &ping);
    case FRAME_MESSAGE:
        size = frame_write_message_head(out, frame->job, frame->leisure);
        memcpy(out + size, frame->body, frame->size);
        return size + frame->size;
    case FRAME_CONFIRM:
        return frame_write_confirm(out, frame->job);
    case FRAME_HELLO:
        return write_hello(frame, out);
    case FRAME_NAMED:
        return frame_write_named(out, frame->status, frame->body, frame->size);
    default:
        return 0;
    }
}

Test(system_protocol_frames, the_frame_writer_reproduces_each_vector)
{
    struct page_vector vectors[PAGE_VECTORS_MAX];
    size_t count = page_vectors(vectors);

    for (size_t i = 0; i < count; i++) {
        const struct page_bytes *bytes = &vectors[i].bytes;
        struct frame frame = frame_read(bytes->data, bytes->size);
        uint8_t out[PAGE_BYTES_MAX];
        if (frame.type == FRAME_NONE || frame.type == FRAME_BAD)
            continue;
        harness_equal(vectors[i].name, (int64_t)write_again(&frame, out), (int64_t)bytes->size);
        expect(memcmp(out, bytes->data, bytes->size) == 0, "expected the bytes of %s",
               vectors[i].name);
    }
}

/* A new type of frame must be documented on the page. */
Test(system_protocol_frames, each_type_that_the_frame_reader_knows_has_a_vector)
{
    struct page_vector vectors[PAGE_VECTORS_MAX];
    size_t count = page_vectors(vectors);
    bool on_page[256] = {[FRAME_NONE] = true, [FRAME_BAD] = true};

    for (size_t i = 0; i < count; i++)
        on_page[frame_read(vectors[i].bytes.data, vectors[i].bytes.size).type] = true;
    for (unsigned type = 0; type < 256; type++) {
        uint8_t bytes[FRAME_HEAD_BYTES + 64] = {0x00, 0x55, 0x44, 0x50, (uint8_t)type};
        for (size_t size = FRAME_HEAD_BYTES; size <= sizeof bytes; size++) {
            enum frame_type read = frame_read(bytes, size).type;
            expect(read < 256 && on_page[read], "expected a vector of type %02x", type);
        }
    }
}
