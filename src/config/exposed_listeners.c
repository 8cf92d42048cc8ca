#include "config/exposed_listeners.h"

#include <stdbool.h>

static bool is_exposed(const struct config_listen *listen)
{
    return listen->transport != TRANSPORT_UNIX && !addr_is_loopback(&listen->addr);
}

bool exposed_listeners_has_metrics(const struct config *config)
{
    return config_has_metrics(config) && is_exposed(&config->metrics.listen);
}

size_t exposed_listeners_count(const struct config *config, size_t *first)
{
    size_t exposed = 0;
    for (size_t i = config->server.listen_count; i-- > 0;) {
        if (!is_exposed(&config->server.listen[i]))
            continue;
        *first = i;
        exposed++;
    }
    return exposed;
}
