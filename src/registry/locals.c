/* A hash table that only grows: addresses of ours to numbers, and back. */
#include "registry/locals.h"

/* Twice as many places as numbers: a probe soon ends. */
enum { PLACES = 2 * (LOCALS_MAX + 1) };

size_t locals_bytes(void)
{
    return PLACES * sizeof(uint16_t) + (LOCALS_MAX + 1) * sizeof(struct addr);
}

void locals_init(struct locals *locals, void *memory, const struct siphash_key *key)
{
    *locals = (struct locals){.key = *key, .places = memory};
    locals->addrs = (struct addr *)(void *)(locals->places + PLACES);
}

uint16_t locals_number(struct locals *locals, const struct addr *addr)
{
    if (addr->family == ADDR_NONE)
        return 0;
    uint64_t place = siphash13(&locals->key, addr->ip, sizeof addr->ip);
    for (;; place++) {
        uint16_t *number = &locals->places[place % PLACES];
        if (*number != 0) {
            if (locals_is(locals, *number, addr))
                return *number;
            continue;
        }
        if (locals->count == LOCALS_MAX)
            return 0;
        *number = (uint16_t)++locals->count;
        locals->addrs[*number] = *addr;
        locals->addrs[*number].port = 0;
        return *number;
    }
}

struct addr locals_addr(const struct locals *locals, uint16_t number)
{
    return locals->addrs[number];
}
