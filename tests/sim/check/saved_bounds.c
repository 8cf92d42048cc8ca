#include "sim/check/saved_bounds.h"

#include "sim/check/saved.h"
#include "sim/core/event_queue.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"

#include <string.h>

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- the model's entries ---- */

void saved_entry_begin(struct model_entry *entry)
{
    bool is_sure = model_is_sure(entry), is_possible = model_is_possible(entry);
    entry->saved.until_least_ms = is_sure ? entry->sure_until_ms : 0;
    entry->saved.until_most_ms = is_possible ? entry->may_until_ms : 0;
    entry->saved.last_least_ms = entry->renewed_ms;
    entry->saved.received_least = entry->received_least;
    entry->saved.received_most = entry->received_most;
    entry->saved.joined_least_ms = entry->joined_least_ms;
    entry->saved.frames = entry->frames;
}

/* How many datagrams it has sent since it joined. */
static void count(struct model_entry *entry, enum chance known, enum chance registers)
{
    if (registers == NO)
        return;
    if (known != YES)
        entry->received_least = 1;
    else if (registers == YES)
        entry->received_least++;
    entry->received_most = known == NO ? 1 : entry->received_most + 1;
}

void saved_applied(struct model_entry *entry, enum chance known, enum chance registers)
{
    uint64_t now_ms = event_queue_now_ms();
    count(entry, known, registers);
    if (registers != NO && known == NO)
        entry->joined_least_ms = (int64_t)now_ms;
    if (registers != NO && known != YES)
        entry->joined_most_ms = (int64_t)now_ms + MODEL_SLOP_MS;
    if (entry->sure_until_ms < entry->saved.until_least_ms)
        entry->saved.until_least_ms = entry->sure_until_ms;
    if (entry->may_until_ms > entry->saved.until_most_ms)
        entry->saved.until_most_ms = entry->may_until_ms;
    if (entry->received_most > entry->saved.received_most)
        entry->saved.received_most = entry->received_most;
    if (entry->frames != entry->saved.frames)
        entry->saved.frames = MAYBE;
}

static const char *listener_text(int number)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (setup.listeners[i].number == number)
            return setup.listeners[i].text;
    return "";
}

bool saved_entry_end(const struct model_entry *entry, const struct saved_times *times,
                     struct saved_record *record)
{
    if ((int64_t)entry->saved.until_most_ms < times->begin_ms)
        return false;
    bool is_sure = entry->saved.until_least_ms != 0 && model_is_sure(entry) &&
                   (int64_t)entry->sure_since_ms + MODEL_SLOP_MS <= times->begin_ms;
    *record = (struct saved_record){
        .source = entry->source,
        .listener = listener_text(entry->listener),
        .is_sure = is_sure,
        .proven = entry->proven,
        .has_cookie = entry->has_cookie,
        .until_least_ms = (int64_t)entry->saved.until_least_ms,
        .until_most_ms = (int64_t)entry->saved.until_most_ms,
        .last_least_ms = is_sure ? (int64_t)entry->saved.last_least_ms : 0,
        .last_most_ms = (int64_t)entry->registered_ms,
        .joined_least_ms = is_sure ? entry->saved.joined_least_ms : INT64_MIN / 4,
        .joined_most_ms = entry->joined_most_ms,
        .received_least = is_sure ? entry->saved.received_least : 1,
        .received_most = is_sure ? entry->saved.received_most : UINT32_MAX,
        .frames = is_sure ? entry->saved.frames : MAYBE,
        .has_local = is_sure && entry->saved.has_local &&
                     (int64_t)entry->registered_ms + MODEL_SLOP_MS < times->begin_ms,
        .local = entry->saved.local,
    };
    memcpy(record->claimed_ms, entry->claimed_ms, sizeof record->claimed_ms);
    return true;
}

/* ---- at the next start ---- */

/* The time between the copy, at t, and the start, at r, is r - t in the same boot. In another one
 * it is by the wall clock: r - t and its leap, and 0 at least. So a moment m of before was at the
 * start (t - m) or (r - m + leap) ago, whichever is more. */
struct saved_rest saved_rest_of(const struct saved_record *record, const struct saved_times *times,
                                uint64_t read_ms)
{
    bool is_same_boot = times->boots == simulated_host_boots();
    int64_t read = (int64_t)read_ms, offset_ms = simulated_wall_offset_ms();
    int64_t now_least = is_same_boot ? read : read + offset_ms - times->offset_most_ms;
    int64_t now_most = is_same_boot ? read : read + offset_ms - times->offset_least_ms;
    return (struct saved_rest){
        .left_least_ms =
            lesser(record->until_least_ms - times->end_ms, record->until_least_ms - now_most),
        .left_most_ms =
            lesser(record->until_most_ms - times->begin_ms, record->until_most_ms - now_least),
        .idle_least_ms = greater(
            0, greater(times->begin_ms - record->last_most_ms, now_least - record->last_most_ms)),
        .idle_most_ms =
            greater(times->end_ms - record->last_least_ms, now_most - record->last_least_ms),
        .age_least_ms = greater(0, greater(times->begin_ms - record->joined_most_ms,
                                           now_least - record->joined_most_ms)),
        .age_most_ms =
            greater(times->end_ms - record->joined_least_ms, now_most - record->joined_least_ms),
    };
}

/* A moment that long before the start, or the first one. */
static uint64_t before_start(uint64_t read_ms, int64_t ago_ms)
{
    return ago_ms < (int64_t)read_ms ? read_ms - (uint64_t)ago_ms : 0;
}

void saved_entry_restore(struct model_entry *entry, const struct saved_record *record,
                         const struct saved_rest *rest, uint64_t read_ms)
{
    enum { ROUNDED_MS = 2000 }; /* the age is in whole seconds, as the time down is */
    entry->registered_ms = before_start(read_ms, rest->idle_least_ms);
    entry->renewed_ms = before_start(read_ms, rest->idle_most_ms);
    entry->joined_least_ms = (int64_t)read_ms - rest->age_most_ms - ROUNDED_MS;
    entry->joined_most_ms = (int64_t)read_ms - rest->age_least_ms + ROUNDED_MS;
    entry->received_least = record->received_least;
    entry->received_most = record->received_most;
    entry->frames = record->frames;
    entry->proven = record->proven;
    entry->has_cookie = record->has_cookie;
    entry->is_restored = true;
}
