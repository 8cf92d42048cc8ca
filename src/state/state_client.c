#include "state/state_client.h"

#include "state/state_end.h"

#include <string.h>

enum {
    FLAG_IPV6 = 1,
    FLAG_LOCAL = 2, /* a local address follows, of the family of the source */
    FLAG_FRAMES = 4,
    FLAG_NAME = 8,
    FLAGS = FLAG_IPV6 | FLAG_LOCAL | FLAG_FRAMES | FLAG_NAME,
};

/* An IPv4 address has a scope only as a local address: the interface. */
static void put_addr(struct state_writer *block, const struct addr *addr, bool scope)
{
    state_put_bytes(block, addr->ip, addr->family == ADDR_IPV4 ? 4 : 16);
    if (scope)
        state_put32(block, addr->scope);
}

bool state_client_put(struct state_writer *block, const struct state_client *client)
{
    struct state_writer before = *block;
    bool ipv6 = client->source.family == ADDR_IPV6, local = client->local.family != ADDR_NONE;
    state_put8(block, (uint8_t)((ipv6 ? FLAG_IPV6 : 0) | (local ? FLAG_LOCAL : 0) |
                                (client->frames ? FLAG_FRAMES : 0) |
                                (client->name.size > 0 ? FLAG_NAME : 0)));
    state_put8(block, client->listener);
    state_put16(block, client->source.port);
    put_addr(block, &client->source, ipv6);
    if (local)
        put_addr(block, &client->local, true);
    state_put64(block, client->join_number);
    state_put32(block, client->left_ms);
    state_put32(block, client->idle_ms);
    state_put32(block, client->age_s);
    state_put32(block, client->received);
    if (client->name.size > 0) {
        state_put8(block, client->name.size);
        state_put_bytes(block, client->name.bytes, client->name.size);
    }
    if (!block->overflowed)
        return true;
    *block = before;
    return false;
}

static void get_addr(struct state_reader *block, bool ipv6, bool scope, struct addr *addr)
{
    size_t size = ipv6 ? 16 : 4;
    const uint8_t *ip = state_get_bytes(block, size);
    *addr = (struct addr){.family = ipv6 ? ADDR_IPV6 : ADDR_IPV4};
    if (ip != NULL)
        memcpy(addr->ip, ip, size);
    if (scope)
        addr->scope = state_get32(block);
}

static bool get_name(struct state_reader *block, struct device_name *name)
{
    uint8_t size = state_get8(block);
    const uint8_t *bytes = state_get_bytes(block, size);
    return bytes != NULL && device_name_set(name, bytes, size) == NULL;
}

bool state_client_get(struct state_reader *block, size_t listener_count,
                      struct state_client *client)
{
    uint8_t flags = state_get8(block);
    bool ipv6 = flags & FLAG_IPV6;
    *client = (struct state_client){.frames = flags & FLAG_FRAMES, .listener = state_get8(block)};
    uint16_t port = state_get16(block);
    get_addr(block, ipv6, ipv6, &client->source);
    client->source.port = port;
    if (flags & FLAG_LOCAL)
        get_addr(block, ipv6, true, &client->local);
    client->join_number = state_get64(block);
    client->left_ms = state_get32(block);
    client->idle_ms = state_get32(block);
    client->age_s = state_get32(block);
    client->received = state_get32(block);
    if (flags & FLAG_NAME && !get_name(block, &client->name))
        return false;
    return !block->failed && (flags & ~FLAGS) == 0 && client->listener < listener_count &&
           port != 0 && !addr_is_multicast(&client->source) && !addr_is_wildcard(&client->source) &&
           client->join_number >> STATE_NUMBER_BITS == 0 && client->left_ms > 0 &&
           client->received > 0;
}
