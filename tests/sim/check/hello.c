#include "sim/check/hello.h"

#include "sim/check/names.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum {
    HEAD_BYTES = 5,
    NAME_BYTES_MAX = 64,
    KEY_BYTES = 32, /* a cookie and a MAC */
    WANTS_FRAMES = 1,
    IS_KEYED = 2,
};

/* The length of the UTF-8 sequence that begins there, or 0: by the ranges of the second byte in
 * table 3-7 of the Unicode standard. */
static size_t sequence_length(const uint8_t *text, size_t size)
{
    uint8_t first = text[0], least = 0x80, most = 0xbf;
    size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (first < 0x80)
        return 1;
    if (length == 0 || length > size)
        return 0;
    least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : least;
    most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : most;
    if (text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return length;
}

static bool is_name(const uint8_t *name, size_t size)
{
    if (size > NAME_BYTES_MAX)
        return false;
    for (size_t at = 0, length; at < size; at += length) {
        length = sequence_length(name + at, size - at);
        bool is_control = name[at] < ' ' || name[at] == 0x7f ||
                          (length == 2 && name[at] == 0xc2 && name[at + 1] < 0xa0);
        if (length == 0 || is_control)
            return false;
    }
    return true;
}

bool hello_is_valid(const uint8_t *body, size_t size)
{
    if (size == 0 || body[0] > (WANTS_FRAMES | IS_KEYED))
        return false;
    if ((body[0] & IS_KEYED) == 0)
        return is_name(body + 1, size - 1);
    return size > 1 + KEY_BYTES && is_name(body + 1 + KEY_BYTES, size - 1 - KEY_BYTES);
}

static enum chance either(enum chance a, enum chance b)
{
    return a == b ? a : MAYBE;
}

bool hello_may_be_limited(void)
{
    return settings.rate_pps != 0 || (settings_change && next_settings.rate_pps != 0);
}

void hello_received(struct model_entry *entry, const uint8_t *bytes, size_t size, bool stays_sure,
                    bool is_possible, enum chance registers)
{
    if (registers == NO)
        return;
    if (model_frame_of(bytes, size) == FRAME_IS_HELLO) {
        enum chance wanted = bytes[HEAD_BYTES] & WANTS_FRAMES ? YES : NO;
        enum chance challenged = names_challenge(entry, bytes, size);
        bool is_certain = registers == YES && !hello_may_be_limited() && challenged == NO;
        names_received(entry, bytes, size, registers);
        if (challenged == YES)
            return;
        enum chance frames = is_certain ? wanted : either(entry->frames, wanted);
        if (frames != entry->frames)
            entry->frames_since_ms = event_queue_now_ms();
        entry->frames = frames;
    } else if (!stays_sure) {
        /* It joins, or it may: then it has not asked. */
        entry->frames = is_possible ? either(entry->frames, NO) : NO;
    }
}

void hello_answer(const uint8_t *request, size_t request_size, size_t size)
{
    if (model_frame_of(request, request_size) != FRAME_IS_HELLO)
        broken_promise("only a hello is answered by a named", "%zu bytes were", request_size);
    if (size > request_size || broken_now("named", 2))
        broken_promise("a named is not longer than its hello", "%zu bytes got %zu", request_size,
                       size);
}

void hello_answered(const struct model_entry *entry)
{
    if (event_queue_now_ms() > entry->may_until_ms + MODEL_SLOP_MS)
        broken_promise("only the hello of a registered client is answered",
                       "source %" PRIu32 " was registered until %" PRIu64 " ms at most",
                       entry->number, entry->may_until_ms);
}

void hello_check(const struct model_entry *entry, bool frames)
{
    frames ^= broken_now("asked", 500);
    if (entry->frames != MAYBE && frames != (entry->frames == YES))
        broken_promise("a client gets frames if and only if it has asked since it joined",
                       "source %" PRIu32 " %s", entry->number, frames ? "does" : "does not");
}
