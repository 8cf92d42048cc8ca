#include "registry/client_selector.h"

struct client_selector client_selector_all(void)
{
    return (struct client_selector){.listeners = UINT64_MAX, .idle_max_ms = UINT64_MAX};
}

bool client_selector_is_all(const struct client_selector *selector)
{
    return selector->block_count == 0 && selector->listeners == UINT64_MAX &&
           selector->idle_max_ms == UINT64_MAX;
}

static bool is_in_a_block(const struct client_selector *selector, const struct addr *addr)
{
    for (size_t i = 0; i < selector->block_count; i++)
        if (cidr_contains(&selector->blocks[i], addr))
            return true;
    return selector->block_count == 0;
}

bool client_selector_matches(const struct client_selector *selector, const struct client *client)
{
    return (selector->listeners >> client->listener & 1) != 0 &&
           client->idle_ms <= selector->idle_max_ms && is_in_a_block(selector, &client->source);
}
