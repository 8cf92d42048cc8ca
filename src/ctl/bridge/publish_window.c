#include "ctl/bridge/publish_window.h"

#include <string.h>

unsigned publish_window_room(const struct publish_window *window)
{
    unsigned room = PUBLISH_WINDOW_ENTRIES - window->count;
    return room >= PUBLISH_WINDOW_READ ? room : 0;
}

bool publish_window_has_room(const struct publish_window *window, bool confirms)
{
    return window->count < PUBLISH_WINDOW_ENTRIES &&
           (!confirms || window->confirmed < PUBLISH_WINDOW_CONFIRMED);
}

uint64_t publish_window_add(struct publish_window *window, const struct stream_position *position,
                            bool confirms)
{
    struct publish_window_entry *entry = window->entries;
    while (entry->ref != 0)
        entry++;
    *entry = (struct publish_window_entry){++window->last_ref, *position, confirms};
    window->count++;
    window->confirmed += confirms;
    return entry->ref;
}

bool publish_window_remove(struct publish_window *window, uint64_t ref,
                           struct publish_window_entry *removed)
{
    for (size_t i = 0; ref != 0 && i < PUBLISH_WINDOW_ENTRIES; i++) {
        struct publish_window_entry *entry = &window->entries[i];
        if (entry->ref != ref)
            continue;
        *removed = *entry;
        entry->ref = 0;
        window->count--;
        window->confirmed -= removed->confirms;
        return true;
    }
    return false;
}

void publish_window_clear(struct publish_window *window)
{
    memset(window->entries, 0, sizeof window->entries);
    window->count = window->confirmed = 0;
}
