#include "sim/check/model_places.h"

#include "sim/core/hash.h"
#include "sim/world/settings.h"

#include <string.h>

enum { PREFIXES = 1 << 12 };

static uint32_t listed[MODEL_ENTRIES_MAX]; /* numbers of entries */
static uint32_t listed_count;
static uint32_t listed_of_prefix[PREFIXES]; /* by a hash, which several prefixes may have */

void model_places_reset(void)
{
    listed_count = 0;
    memset(listed_of_prefix, 0, sizeof listed_of_prefix);
}

static uint32_t *listed_like(const struct model_entry *entry)
{
    struct addr prefix = {.family = entry->source.family};
    memcpy(prefix.ip, entry->source.ip, prefix.family == ADDR_IPV4 ? 3 : 8);
    return &listed_of_prefix[hash_add_addr(0, &prefix) % PREFIXES];
}

void model_add_occupying(struct model_entry *entry)
{
    if (entry->is_listed)
        return;
    listed[listed_count++] = entry->number;
    ++*listed_like(entry);
    entry->is_listed = true;
}

struct model_entry *model_next_occupying(uint32_t *next)
{
    while (*next < listed_count) {
        struct model_entry *entry = model_entry(listed[*next]);
        if (model_occupies(entry)) {
            ++*next;
            return entry;
        }
        entry->is_listed = false;
        --*listed_like(entry);
        listed[*next] = listed[--listed_count];
    }
    return NULL;
}

bool model_has_place(const struct model_entry *entry, const struct settings *rules)
{
    uint32_t occupied = 0, of_prefix = 0, next = 0;
    uint32_t most_of_prefix =
        rules->per_prefix == 0 || rules->dry_run ? UINT32_MAX : rules->per_prefix;
    /* At most all that are listed occupy a place, and mostly these are few enough. */
    if (listed_count - entry->is_listed < setup.clients_max &&
        *listed_like(entry) - entry->is_listed < most_of_prefix)
        return true;
    for (const struct model_entry *other; (other = model_next_occupying(&next)) != NULL;) {
        occupied += other != entry;
        of_prefix += other != entry && model_same_prefix(&other->source, &entry->source);
        if (occupied >= setup.clients_max || of_prefix >= most_of_prefix)
            return false;
    }
    return true;
}
