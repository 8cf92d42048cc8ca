#include "sim/check/model.h"
#include "sim/check/model_bounds.h"
#include "sim/check/roles.h"
#include "sim/check/shards.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"

/* The worker where a client is registered whose worker its source does not name; 0: nowhere. */
static int find(const struct model_entry *entry)
{
    struct client client;
    for (size_t i = 0; i < roles_worker_count(); i++)
        if (registry_find(roles_worker(i)->decider.registry, (uint8_t)entry->listener,
                          &entry->source, simulated_clock_ms(), &client))
            return (int)i;
    return 0;
}

static void move(struct model_entry *entry)
{
    int worker = shards_worker_of(entry->listener, &entry->source);
    entry->worker = worker >= 0 ? worker : find(entry);
    if (worker < 0)
        entry->sure_until_ms = 0; /* it is restored nowhere */
}

void model_taken_over(void)
{
    uint32_t occupying = 0;
    for (uint32_t i = 1; i <= model_count(); i++) {
        struct model_entry *entry = model_entry(i);
        if (entry->worker >= 0)
            move(entry);
        occupying += model_occupies(entry);
    }
    for (uint32_t i = 1; i <= model_count() && occupying > setup.clients_max; i++)
        model_entry(i)->sure_until_ms = 0;
    model_bounds_changed();
}
