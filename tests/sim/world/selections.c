#include "sim/world/selections.h"

#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/world/clients.h"
#include "sim/world/settings.h"
#include "sim/world/streams.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void keep_bits(struct addr *addr, unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        addr->ip[i / 8] &= (uint8_t) ~(1 << (7 - i % 8));
    addr->port = 0;
    addr->scope = 0;
}

/* A block around the address of a client. */
static void draw_block(struct selection *selection)
{
    static const unsigned bits4[] = {0, 1, 8, 24, 28, 30, 31, 32},
                          bits6[] = {0, 7, 10, 64, 120, 126, 127, 128};
    uint64_t drawn = draw(DRAW_SELECTION);
    const struct addr *stream = drawn % 4 == 0 ? streams_tcp_address(drawn / 4) : NULL;
    struct addr addr = stream != NULL ? *stream : *clients_address(drawn);
    uint64_t place = draw_below(DRAW_SELECTION, 8);
    unsigned bits = addr.family == ADDR_IPV4 ? bits4[place] : bits6[place];
    keep_bits(&addr, bits);
    selection->blocks[selection->block_count].addr = addr;
    selection->blocks[selection->block_count++].bits = bits;
}

struct selection selections_draw_some(void)
{
    struct selection selection = selection_all();
    uint64_t parts = draw_range(DRAW_SELECTION, 1, 7);
    if (parts & 1)
        for (uint64_t i = draw_range(DRAW_SELECTION, 1, SELECTION_BLOCKS_MAX); i > 0; i--)
            draw_block(&selection);
    if (parts & 2)
        selection.listener =
            setup.listeners[draw_below(DRAW_SELECTION, setup.listener_count)].number;
    if (parts & 4)
        selection.idle_max_ms = draw_below(DRAW_SELECTION, 3) == 0
                                    ? draw_below(DRAW_SELECTION, 100)
                                    : draw_below(DRAW_SELECTION, 20000);
    return selection;
}

struct selection selections_draw(void)
{
    if (!swarm.selects || draw_below(DRAW_SELECTION, 3) == 0)
        return selection_all();
    return selections_draw_some();
}

static const char *listener_text(int number)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (setup.listeners[i].number == number)
            return setup.listeners[i].text;
    return "";
}

const char *selections_format(const struct selection *selection, char text[SELECTIONS_TEXT_BYTES])
{
    char address[ADDR_TEXT_BYTES];
    size_t used = 0;
    text[0] = '\0';
    if (broken_is("selector"))
        return text;
    for (size_t i = 0; i < selection->block_count; i++) {
        addr_format(&selection->blocks[i].addr, address);
        bool is_ipv6 = address[0] == '[';
        address[strcspn(address, is_ipv6 ? "]" : ":")] = '\0';
        used += (size_t)snprintf(text + used, SELECTIONS_TEXT_BYTES - used, " to=%s/%u",
                                 address + is_ipv6, selection->blocks[i].bits);
    }
    if (selection->listener != SELECTION_ANY_LISTENER)
        used += (size_t)snprintf(text + used, SELECTIONS_TEXT_BYTES - used, " listener=%s",
                                 listener_text(selection->listener));
    if (selection->idle_max_ms != UINT64_MAX)
        snprintf(text + used, SELECTIONS_TEXT_BYTES - used, " idle-max=%" PRIu64 "ms",
                 selection->idle_max_ms);
    return text;
}
