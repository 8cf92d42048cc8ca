#include "registry/local_addresses.h"

/* Twice as many cells as numbers keep searches short. */
enum { CELLS = 2 * (LOCAL_ADDRESSES_MAX + 1) };

size_t local_addresses_bytes(void)
{
    return CELLS * sizeof(uint16_t) + (LOCAL_ADDRESSES_MAX + 1) * sizeof(struct addr);
}

void local_addresses_init(struct local_addresses *locals, void *memory,
                          const struct siphash_key *key)
{
    *locals = (struct local_addresses){.key = *key, .cells = memory};
    locals->addrs = (struct addr *)(void *)(locals->cells + CELLS);
}

uint16_t local_addresses_add(struct local_addresses *locals, const struct addr *addr)
{
    if (addr->family == ADDR_NONE)
        return 0;
    uint64_t cell = siphash13(&locals->key, addr->ip, sizeof addr->ip);
    for (;; cell++) {
        uint16_t *number = &locals->cells[cell % CELLS];
        if (*number != 0) {
            if (local_addresses_matches(locals, *number, addr))
                return *number;
            continue;
        }
        if (locals->count == LOCAL_ADDRESSES_MAX)
            return 0;
        *number = (uint16_t)++locals->count;
        locals->addrs[*number] = *addr;
        locals->addrs[*number].port = 0;
        return *number;
    }
}

struct addr local_addresses_get(const struct local_addresses *locals, uint16_t number)
{
    return locals->addrs[number];
}
