#include "registry/registry_walk.h"
#include "registry/registry_state.h"

struct registry_walk registry_walk_all(void)
{
    return (struct registry_walk){.joined_before = UINT64_MAX};
}

struct registry_walk registry_walk_registered(const struct registry *registry)
{
    return (struct registry_walk){.joined_before = registry->joined};
}

size_t registry_walk_next(const struct registry *registry, struct registry_walk *walk,
                          uint64_t now_ms, struct client *clients, size_t max)
{
    size_t count = 0;
    if (now_ms < registry->now_ms)
        now_ms = registry->now_ms;
    for (size_t steps = REGISTRY_WALK_STEPS * max; steps > 0 && count < max; steps--) {
        uint32_t slot = slot_bitmap_next(&registry->live, walk->next);
        if (slot == SLOT_BITMAP_END) {
            walk->ended = true;
            break;
        }
        walk->next = slot + 1;
        const struct client_entry *entry = registry_entry(registry, slot);
        registry_refresh(registry, slot);
        if (entry->deadline_ms > now_ms && entry->join_number < walk->joined_before)
            clients[count++] = registry_client(registry, slot, now_ms);
    }
    return count;
}

void registry_walk_rewind(struct registry_walk *walk, const struct client *client)
{
    walk->next = client->slot;
    walk->ended = false;
}
