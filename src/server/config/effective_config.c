#include "server/config/effective_config.h"

#include <stdlib.h>

struct effective_config *effective_config_new(const struct config *started)
{
    struct effective_config *effective = calloc(1, sizeof *effective);
    if (effective != NULL)
        *effective =
            (struct effective_config){.started = started, .loaded = started, .references = 1};
    return effective;
}

void effective_config_set_loaded(struct effective_config *effective, struct config *loaded)
{
    effective->loaded = loaded;
}

struct effective_config *effective_config_hold(struct effective_config *effective)
{
    effective->references++;
    return effective;
}

void effective_config_release(struct effective_config *effective)
{
    if (effective == NULL || --effective->references > 0)
        return;
    if (effective->loaded != effective->started)
        config_free((struct config *)effective->loaded);
    free(effective);
}
