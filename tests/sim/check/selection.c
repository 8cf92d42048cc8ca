#include "sim/check/selection.h"

#include "sim/core/event_queue.h"

struct selection selection_all(void)
{
    return (struct selection){.listener = SELECTION_ANY_LISTENER, .idle_max_ms = UINT64_MAX};
}

bool selection_is_all(const struct selection *selection)
{
    return selection->block_count == 0 && selection->listener == SELECTION_ANY_LISTENER &&
           selection->idle_max_ms == UINT64_MAX;
}

static bool has_same_bits(const struct addr *a, const struct addr *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if ((a->ip[i / 8] ^ b->ip[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return a->family == b->family;
}

bool selection_has_address(const struct selection *selection, const struct addr *source)
{
    for (size_t i = 0; i < selection->block_count; i++)
        if (has_same_bits(&selection->blocks[i].addr, source, selection->blocks[i].bits))
            return true;
    return selection->block_count == 0;
}

bool selection_has(const struct selection *selection, const struct addr *source, int listener)
{
    bool has_listener =
        selection->listener == SELECTION_ANY_LISTENER || selection->listener == listener;
    return has_listener && selection_has_address(selection, source);
}

/* Only its last datagram before that time is known, so an entry that has sent again since then is
 * not certain: it may have been idle for too long before. */
bool selection_matches(const struct selection *selection, const struct model_entry *entry,
                       uint64_t since_ms)
{
    if (!selection_has(selection, &entry->source, entry->listener))
        return false;
    return selection->idle_max_ms == UINT64_MAX ||
           (entry->renewed_ms + MODEL_SLOP_MS < since_ms &&
            event_queue_now_ms() + MODEL_SLOP_MS <= entry->renewed_ms + selection->idle_max_ms);
}

bool selection_may_match(const struct selection *selection, const struct model_entry *entry,
                         uint64_t since_ms)
{
    if (!selection_has(selection, &entry->source, entry->listener))
        return false;
    return selection->idle_max_ms == UINT64_MAX ||
           since_ms <= entry->registered_ms + selection->idle_max_ms + MODEL_SLOP_MS;
}
