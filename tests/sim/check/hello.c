#include "sim/check/hello.h"

#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
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

static uint64_t late_until_ms; /* names may take places for longer than usual until then */
static uint64_t claims;        /* hellos with a name that may have reached the table of names */

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

/* The size of the name in the body of a valid hello. */
static size_t name_size(const uint8_t *body, size_t size)
{
    return size - 1 - (body[0] & IS_KEYED ? KEY_BYTES : 0);
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
        bool is_certain = registers == YES && !hello_may_be_limited();
        enum chance frames = is_certain ? wanted : either(entry->frames, wanted);
        if (frames != entry->frames)
            entry->frames_since_ms = event_queue_now_ms();
        entry->frames = frames;
        if (setup.names_max > 0 && name_size(bytes + HEAD_BYTES, size - HEAD_BYTES) > 0) {
            entry->may_have_name = true;
            entry->open_claims++;
            claims++;
        }
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

uint64_t hello_claims(void)
{
    return claims;
}

void hello_reset(void)
{
    claims = late_until_ms = 0;
}

/* ---- the places of names ---- */

enum {
    /* From the end of a client to that of its name, and from a decision to its answer: names of
     * clients that have expired are checked each second, and a thread that is not run for 3 s is
     * late, as is the other one that has to answer it. */
    NAME_SLOP_MS = 8000,
};

static void end_name(struct model_entry *entry)
{
    if (entry->name_until_ms == UINT64_MAX)
        entry->name_until_ms = event_queue_now_ms();
}

void hello_left(struct model_entry *entry)
{
    entry->frames = NO;
    entry->open_claims = 0;
    end_name(entry);
}

void hello_names_are_late(uint64_t ms)
{
    uint64_t until_ms = event_queue_now_ms() + ms + NAME_SLOP_MS;
    late_until_ms = until_ms > late_until_ms ? until_ms : late_until_ms;
}

/* Whether its name may have taken a place when a claim was decided that is answered now. */
static bool may_have_place(const struct model_entry *entry, uint64_t now_ms)
{
    if (now_ms > entry->may_until_ms + NAME_SLOP_MS)
        return false;
    return entry->open_claims > 0 || entry->name_until_ms == UINT64_MAX ||
           (entry->name_until_ms != 0 && now_ms <= entry->name_until_ms + NAME_SLOP_MS);
}

static void check_refused(struct model_entry *entry)
{
    uint64_t now_ms = event_queue_now_ms();
    uint32_t taken = 0;
    if (entry->open_claims == 0)
        end_name(entry);
    for (uint32_t number = 1; number <= model_count(); number++)
        taken += number != entry->number && may_have_place(model_entry(number), now_ms);
    if ((taken < setup.names_max && now_ms > late_until_ms) || broken_now("place", 2))
        broken_promise("a name is refused only if names-max clients have one",
                       "source %" PRIu32 " was refused with %" PRIu32 " of %" PRIu32
                       " names at most",
                       entry->number, taken, setup.names_max);
}

/* The client that had the name has lost it; but if both answers came at nearly the same time, their
 * order says nothing. */
static void record_given(struct model_entry *entry, const uint8_t *name, size_t size)
{
    uint64_t now_ms = event_queue_now_ms();
    uint64_t hash = hash_bytes(name, size, 0);
    for (uint32_t number = 1; number <= model_count(); number++) {
        struct model_entry *other = model_entry(number);
        if (other != entry && other->name == hash && other->named_ms + NAME_SLOP_MS < now_ms)
            end_name(other);
    }
    entry->name = hash;
    entry->named_ms = now_ms;
    entry->name_until_ms = UINT64_MAX;
}

/* Status 1 and a name, or status 2 without one: the server trusts clients. */
void hello_claim_answered(struct model_entry *entry, const uint8_t *bytes, size_t size)
{
    bool is_given = bytes[HEAD_BYTES] == 1 && size > HEAD_BYTES + 1 &&
                    is_name(bytes + HEAD_BYTES + 1, size - HEAD_BYTES - 1);
    bool is_refused = bytes[HEAD_BYTES] == 2 && size == HEAD_BYTES + 1;
    if (!entry->may_have_name || broken_now("name", 2))
        broken_promise("only a client that has asked for a name gets one",
                       "source %" PRIu32 " has not asked", entry->number);
    if (!is_given && !is_refused)
        broken_promise("a name is given or refused", "status %d came with %zu bytes",
                       bytes[HEAD_BYTES], size);
    hello_answered(entry);
    entry->open_claims -= entry->open_claims > 0;
    if (is_given)
        record_given(entry, bytes + HEAD_BYTES + 1, size - HEAD_BYTES - 1);
    else
        check_refused(entry);
}

void hello_check(const struct model_entry *entry, bool frames)
{
    frames ^= broken_now("asked", 500);
    if (entry->frames != MAYBE && frames != (entry->frames == YES))
        broken_promise("a client gets frames if and only if it has asked since it joined",
                       "source %" PRIu32 " %s", entry->number, frames ? "does" : "does not");
}
