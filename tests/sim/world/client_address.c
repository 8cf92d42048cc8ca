#include "sim/world/client_address.h"

#include "sim/core/draw.h"

#include <string.h>

static bool is_link_group(const struct addr *addr)
{
    return addr->family == ADDR_IPV6 && addr_is_link_scoped_group(addr);
}

void client_address_draw(const struct drawn_listener *listener, struct addr *addr,
                         struct addr *server)
{
    static const uint8_t routed[] = {203, 0, 113}, on_link[] = {192, 0, 2},
                         second[] = {198, 51, 100};
    static const uint8_t other[] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};
    *addr = (struct addr){.family = listener->addr.family,
                          .port = (uint16_t)draw_range(DRAW_SETUP, 10000, 30000)};
    uint8_t last = (uint8_t)draw_range(DRAW_SETUP, 10, 250);
    *server = listener->addr;
    if (addr_is_loopback(&listener->addr) && addr->family == ADDR_IPV4) {
        memcpy(addr->ip, (const uint8_t[]){127, 0, 0, last}, 4);
    } else if (addr_is_loopback(&listener->addr)) {
        addr->ip[15] = 1;
    } else if (addr_is_link_local(&listener->addr) || is_link_group(&listener->addr)) {
        memcpy(addr->ip, (const uint8_t[]){0xfe, 0x80}, 2);
        addr->ip[15] = last;
        addr->scope = host_index(HOST_ETH0);
    } else if (addr->family == ADDR_IPV6) {
        memcpy(addr->ip, other, sizeof other);
        addr->ip[7] = last & 3;
        addr->ip[15] = last;
        if (addr_is_wildcard(server))
            memcpy(server->ip, (const uint8_t[]){0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 16);
    } else {
        uint64_t net = draw_below(DRAW_SETUP, 3);
        if (listener->kind == LISTEN_GROUP) /* the links of a group */
            net = listener->zone == HOST_ETH0 || net == 0 ? 1 : net;
        memcpy(addr->ip, net == 0 ? routed : net == 1 ? on_link : second, 3);
        addr->ip[3] = last;
        if (addr_is_wildcard(server))
            memcpy(server->ip, (const uint8_t[]){192, 0, 2, 1}, 4);
    }
}
