#include "config/config_origins.h"

#include <stdlib.h>

void config_origins_free(struct config_origins *origins)
{
    free(origins->allow.list);
    free(origins->deny.list);
}

struct config_origin *config_origin_of(struct config_origin origins[CONFIG_KEY_COUNT],
                                       const struct config_key *key)
{
    return &origins[key - config_keys()];
}

bool config_origins_add(struct config_item_origins *origins, const struct config_location *at)
{
    /* The list is full when the count is 0 or a power of two. */
    if ((origins->count & (origins->count - 1)) == 0) {
        size_t max = origins->count > 0 ? 2 * origins->count : 1;
        struct config_location *list = reallocarray(origins->list, max, sizeof *list);
        if (!list)
            return false;
        origins->list = list;
    }
    origins->list[origins->count++] = *at;
    return true;
}
