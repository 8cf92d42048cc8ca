#include "state/handover_addr.h"

#include <string.h>

void handover_put_addr(struct handover_writer *writer, const struct addr *addr)
{
    handover_put8(writer, addr->family);
    if (addr->family == ADDR_NONE)
        return;
    handover_put_bytes(writer, addr->ip, sizeof addr->ip);
    handover_put32(writer, addr->scope);
    handover_put16(writer, addr->port);
}

struct addr handover_get_addr(struct handover_reader *reader)
{
    struct addr addr = {.family = handover_get8(reader)};
    if (addr.family == ADDR_NONE)
        return addr;
    const uint8_t *ip = handover_get_bytes(reader, sizeof addr.ip);
    addr.scope = handover_get32(reader);
    addr.port = handover_get16(reader);
    if (addr.family != ADDR_IPV4 && addr.family != ADDR_IPV6)
        reader->failed = true;
    if (reader->failed)
        return (struct addr){.family = ADDR_NONE};
    memcpy(addr.ip, ip, sizeof addr.ip);
    return addr;
}
