#include "server/datagram/own_addresses.h"

#include <string.h>

void own_ports_add(struct own_ports *ports, const struct addr *addr)
{
    ports->bits[0] |= 1; /* a datagram from port 0 takes the same slow path as one from our port */
    ports->bits[addr->port / 64] |= UINT64_C(1) << addr->port % 64;
    ports->addrs[ports->count++] = *addr;
}

bool own_ports_has_source(const struct own_ports *ports, const struct datagram *datagram)
{
    const struct addr *source = &datagram->source;
    for (uint32_t i = 0; i < ports->count; i++) {
        const struct addr *own = &ports->addrs[i];
        if (own->port != source->port || own->family != source->family)
            continue;
        if (memcmp(own->ip, source->ip, sizeof own->ip) == 0)
            return true;
        if (addr_is_wildcard(own) &&
            (addr_is_loopback(source) ||
             memcmp(datagram->local.ip, source->ip, sizeof source->ip) == 0))
            return true;
    }
    return false;
}

struct addr *own_addrs_add(struct own_addrs *addrs, const struct addr *addr)
{
    addrs->list[addrs->count] = *addr;
    return &addrs->list[addrs->count++];
}

bool own_addrs_has(const struct own_addrs *addrs, const struct addr *addr)
{
    for (size_t i = 0; i < addrs->count; i++)
        if (addr_equal(&addrs->list[i], addr))
            return true;
    return false;
}
