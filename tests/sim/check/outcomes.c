#include "sim/check/outcomes.h"

#include "sim/check/confirmed.h"
#include "sim/check/names.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum reason { OVERSIZE, PORT_ZERO, OWN_SOURCE, MULTICAST, DENIED, BAD_FRAME, REASONS };

static struct {
    uint64_t least, most;
} bounds[REASONS];
static uint64_t hellos; /* that are certainly answered */

static void count(enum reason reason, bool is_certain)
{
    bounds[reason].least += is_certain;
    bounds[reason].most++;
}

static void count_source(const struct model_entry *entry, const uint8_t *bytes, size_t size,
                         bool to_multicast)
{
    bool is_first = true; /* no reason before this one is possible */
    bool is_denied = settings_deny(&settings, &entry->source);
    if (model_may_be_own_source(entry)) {
        count(OWN_SOURCE, model_is_own_source(entry));
        is_first = false;
    }
    if (model_is_own_source(entry))
        return;
    enum chance is_wrong = to_multicast ? YES : model_is_wrong_source(&entry->source);
    if (is_wrong != NO)
        count(MULTICAST, is_first && is_wrong == YES);
    if (is_wrong == YES)
        return;
    is_first &= is_wrong == NO;
    if (is_denied || (settings_change && settings_deny(&next_settings, &entry->source)))
        count(DENIED, is_first && model_is_denied(&entry->source));
    if (model_is_denied(&entry->source))
        return;
    is_first &= !is_denied && !settings_change && settings.rate_pps == 0;
    enum model_frame frame = model_frame_of(bytes, size);
    if (frame == FRAME_IS_BAD || frame == FRAME_IS_LEAVE)
        count(BAD_FRAME, is_first && frame == FRAME_IS_BAD);
    /* Of a source that is not registered. Where sources are to be proven, it is challenged. */
    bool stays_sure = event_queue_now_ms() + MODEL_SLOP_MS <= entry->sure_until_ms &&
                      entry->earlier_ms != event_queue_now_ms();
    if (frame == FRAME_IS_HELLO && !stays_sure && (!settings.cookie || settings_change))
        count(BAD_FRAME, is_first && !model_is_possible(entry));
    if (frame == FRAME_IS_HELLO && is_first && stays_sure &&
        names_challenge(entry, bytes, size) == NO)
        hellos++;
    if (frame == FRAME_IS_CONFIRM && confirmed_counts() != YES)
        count(BAD_FRAME, is_first && confirmed_counts() == NO);
}

void outcomes_reset(void)
{
    memset(bounds, 0, sizeof bounds);
    hellos = 0;
}

void outcomes_received(const struct model_entry *entry, const uint8_t *bytes, size_t size,
                       bool truncated, bool to_multicast)
{
    if (model_is_oversize(bytes, size, truncated))
        count(OVERSIZE, true);
    else if (entry->source.port == 0)
        count(PORT_ZERO, true);
    else
        count_source(entry, bytes, size, to_multicast);
}

void outcomes_stream_message(const void *message, size_t size)
{
    if (model_has_magic(message, size))
        count(BAD_FRAME, true);
}

void outcomes_stream_message_too_long(void)
{
    count(OVERSIZE, true);
}

/* An answer that finds no room counts with challenges and pongs. */
static void check_hellos(const struct stats *sum)
{
    uint64_t answered = broken_is("hello") ? 0 : sum->named + sum->challenge_failed;
    if (answered < hellos)
        broken_promise("the hello of a registered client is answered",
                       "%" PRIu64 " are, of at least %" PRIu64, answered, hellos);
}

void outcomes_check(const struct stats *sum)
{
    check_hellos(sum);
    confirmed_check(sum->confirmed, sum->confirmed_again);
    const struct {
        const char *name;
        uint64_t counted;
    } counters[REASONS] = {
        [OVERSIZE] = {"drop_oversize", sum->drop_oversize},
        [PORT_ZERO] = {"drop_port_zero", sum->drop_port_zero},
        [OWN_SOURCE] = {"drop_own_source", sum->drop_own_source},
        [MULTICAST] = {"drop_multicast", sum->drop_multicast},
        [DENIED] = {"drop_denied", sum->drop_denied},
        [BAD_FRAME] = {"drop_bad_frame", sum->drop_bad_frame},
    };
    for (size_t i = 0; i < REASONS; i++)
        if (counters[i].counted < bounds[i].least || counters[i].counted > bounds[i].most)
            broken_promise("a drop counts under its reason",
                           "%s is %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64,
                           counters[i].name, counters[i].counted, bounds[i].least, bounds[i].most);
}
