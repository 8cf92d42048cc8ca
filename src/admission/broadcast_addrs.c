#include "admission/broadcast_addrs.h"

#include <string.h>

static bool contains(const struct broadcast_addrs *set, const uint8_t ip[4])
{
    for (uint32_t i = 0; i < set->count; i++)
        if (memcmp(set->ips[i], ip, sizeof set->ips[i]) == 0)
            return true;
    return false;
}

void broadcast_addrs_add(struct broadcast_addrs *set, const uint8_t ip[4])
{
    if (set->count == BROADCAST_ADDRS_MAX || contains(set, ip))
        return;
    memcpy(set->ips[set->count++], ip, sizeof set->ips[0]);
    set->last_bytes[ip[3]] = 1;
}

bool broadcast_addrs_equal(const struct broadcast_addrs *a, const struct broadcast_addrs *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!contains(b, a->ips[i]))
            return false;
    return true;
}

bool broadcast_addrs_contains(const struct broadcast_addrs *set, const struct addr *addr)
{
    return addr->family == ADDR_IPV4 && broadcast_addrs_may_contain(set, addr) &&
           contains(set, addr->ip);
}
