#include "sim/check/model_bounds.h"

#include "sim/check/model_places.h"
#include "sim/core/event_queue.h"

#include <string.h>

static struct model_bounds bounds;
static uint64_t until_ms; /* they stay the same until then; 0: they are to be counted */

void model_bounds_changed(void)
{
    until_ms = 0;
}

/* Until when an entry counts as it does now, unless something happens to it. */
static uint64_t counts_until_ms(const struct model_entry *entry)
{
    return model_is_sure(entry) && entry->sure_until_ms < entry->kept_until_ms
               ? entry->sure_until_ms
               : entry->kept_until_ms;
}

const struct model_bounds *model_bounds(void)
{
    if (event_queue_now_ms() <= until_ms)
        return &bounds;
    uint32_t next = 0;
    memset(&bounds, 0, sizeof bounds);
    until_ms = UINT64_MAX;
    for (const struct model_entry *entry; (entry = model_next_occupying(&next)) != NULL;) {
        bounds.at_least[entry->worker] += model_is_sure(entry);
        bounds.at_most[entry->worker]++;
        if (counts_until_ms(entry) < until_ms)
            until_ms = counts_until_ms(entry);
    }
    return &bounds;
}

struct bounded model_bounds_of(const struct model_entry *entry)
{
    return (struct bounded){entry->worker, model_is_sure(entry), model_occupies(entry)};
}

void model_bounds_keep(const struct model_entry *entry, struct bounded before)
{
    struct bounded now = model_bounds_of(entry);
    if (now.worker != before.worker || now.is_sure != before.is_sure ||
        now.occupies != before.occupies)
        model_bounds_changed();
    else if (now.occupies && counts_until_ms(entry) < until_ms)
        until_ms = counts_until_ms(entry);
}
