#include "sim/world/metrics_settings.h"

#include "sim/core/draw.h"
#include "sim/core/trace.h"
#include "sim/world/reductions.h"

#include <string.h>

/* Of the peers of world/metrics_peers each block has some. */
static const struct {
    const char *text, *address;
    unsigned octets;
} blocks[] = {
    {"203.0.113.0/24", "203.0.113.0", 3},
    {"127.0.0.0/8", "127.0.0.0", 1},
    {"198.51.100.7", "198.51.100.7", 4},
};
enum { BLOCKS = sizeof blocks / sizeof blocks[0] };

void metrics_settings_draw(void)
{
    static const struct drawn_listener listeners[] = {
        {.kind = LISTEN_TCP, .text = "127.0.0.1:9300"},
        {.kind = LISTEN_TCP, .text = "0.0.0.0:9301"},
        {.kind = LISTEN_TCP, .text = "192.0.2.1:9302"},
        {.kind = LISTEN_UNIX, .text = "unix:/run/metrics.sock", .path = "/run/metrics.sock"},
    };
    uint64_t which = draw_below(DRAW_METRICS, sizeof listeners / sizeof listeners[0]);
    bool has_metrics = draw_below(DRAW_METRICS, 3) == 0 && !reductions_leave_out(WITHOUT_METRICS);
    struct drawn_listener *metrics = &setup.metrics;
    memset(metrics, 0, sizeof *metrics);
    if (has_metrics)
        *metrics = listeners[which];
    if (has_metrics && metrics->kind == LISTEN_TCP &&
        addr_parse(&metrics->addr, NULL, metrics->text, 0) != NULL)
        broken_promise("the simulator itself", "the address %s is wrong", metrics->text);
}

void metrics_settings_complete(struct settings *drawn)
{
    bool is_exposed = setup.metrics.text != NULL && setup.metrics.kind == LISTEN_TCP &&
                      !addr_is_loopback(&setup.metrics.addr);
    if (is_exposed && drawn->metrics_allow == 0)
        drawn->metrics_allow = 1;
}

void metrics_settings_draw_allow(struct settings *drawn)
{
    drawn->metrics_allow = (unsigned)draw_below(DRAW_METRICS, 1u << BLOCKS);
    if (draw_below(DRAW_METRICS, 2) == 0)
        drawn->metrics_allow = 0;
    metrics_settings_complete(drawn);
}

void metrics_settings_write(FILE *out, const struct settings *written)
{
    if (setup.metrics.text == NULL && written->metrics_allow == 0)
        return;
    fprintf(out, "[metrics]\n");
    if (setup.metrics.text != NULL)
        fprintf(out, "listen = %s\n", setup.metrics.text);
    for (size_t i = 0; i < metrics_settings_block_count(written); i++)
        fprintf(out, "allow = %s\n", metrics_settings_block(written, i));
}

size_t metrics_settings_block_count(const struct settings *written)
{
    return (size_t)__builtin_popcount(written->metrics_allow);
}

const char *metrics_settings_block(const struct settings *written, size_t number)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (written->metrics_allow >> i & 1 && number-- == 0)
            return blocks[i].text;
    return NULL;
}

bool metrics_settings_allow(const struct settings *rules, const struct addr *peer)
{
    struct addr block;
    for (size_t i = 0; i < BLOCKS; i++)
        if (rules->metrics_allow >> i & 1 &&
            addr_parse(&block, NULL, blocks[i].address, 1) == NULL &&
            memcmp(block.ip, peer->ip, blocks[i].octets) == 0)
            return true;
    return rules->metrics_allow == 0;
}
