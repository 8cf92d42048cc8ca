#include "server/config/worker_capacity.h"

#include "admission/shared_capacity.h"

#include <stdbool.h>

static bool has_group(const struct config *config)
{
    for (size_t i = 0; i < config->server.listen_count; i++)
        if (config->server.listen[i].transport == TRANSPORT_UDP &&
            addr_is_multicast(&config->server.listen[i].addr))
            return true;
    return false;
}

uint32_t worker_capacity(const struct config *config, size_t workers, size_t number)
{
    if (number == 0 && has_group(config))
        return config->clients.max;
    return shared_capacity_shard_max(config->clients.max, workers);
}
