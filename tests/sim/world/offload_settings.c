#include "sim/world/offload_settings.h"

#include "config/config.h"
#include "sim/core/draw.h"
#include "sim/world/swarm.h"

#include <inttypes.h>

const char *const offload_settings_modes[] = {"off", "auto", "native", "generic"};

/* Only eth0 has a native mode, and eth9 does not exist. */
static const struct drawn_offload candidates[] = {
    {CONFIG_OFFLOAD_AUTO, {"eth0"}, 1, 0},
    {CONFIG_OFFLOAD_AUTO, {"eth0", "eth1"}, 2, 0},
    {CONFIG_OFFLOAD_AUTO, {"eth0", "eth1", "lo"}, 3, 0},
    {CONFIG_OFFLOAD_AUTO, {"eth0", "eth1", "lo"}, 3, 0},
    {CONFIG_OFFLOAD_AUTO, {"eth0", "eth9"}, 2, 0},
    {CONFIG_OFFLOAD_NATIVE, {"eth0"}, 1, 0},
    {CONFIG_OFFLOAD_GENERIC, {"eth0", "eth1"}, 2, 0},
    {CONFIG_OFFLOAD_GENERIC, {"eth1", "lo", "eth0"}, 3, 0},
};

uint64_t offload_settings_listeners(uint64_t ipv4, uint64_t ipv6)
{
    return draw_below(DRAW_OFFLOAD, 2) == 0 ? ipv6 : ipv4 | ipv6;
}

/* So that most clients stay registered. */
static void fan_out(void)
{
    enum { NATIVE_CANDIDATES = 5 };
    setup.offload = candidates[draw_below(DRAW_OFFLOAD, NATIVE_CANDIDATES)];
    setup.clients_max = 10000;
    if (setup.max_datagram < 512)
        setup.max_datagram = 512;
}

uint32_t offload_settings_mtu(void)
{
    static const uint32_t mtus[] = {1500, 1500, 1280, 600};
    return mtus[draw_below(DRAW_OFFLOAD, sizeof mtus / sizeof mtus[0])];
}

static void draw_host(void)
{
    enum { VLAN_IN = 3, FILTER_IN = 3 };
    if (draw_below(DRAW_OFFLOAD, VLAN_IN) == 0)
        host_add_vlan();
    if (draw_below(DRAW_OFFLOAD, FILTER_IN) == 0)
        host_filter_sources();
}

void offload_settings_draw(void)
{
    static const uint32_t most[] = {0, 0, 0, 1, 2, 10};
    enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };
    setup.offload = (struct drawn_offload){.mode = CONFIG_OFFLOAD_OFF};
    if (!swarm.offload)
        return;
    host_set_mtu(offload_settings_mtu());
    setup.offload = candidates[draw_below(DRAW_OFFLOAD, CANDIDATES)];
    if (swarm.fans_out)
        fan_out();
    setup.offload.max = most[draw_below(DRAW_OFFLOAD, sizeof most / sizeof most[0])];
    draw_host();
}

/* Only with a pace do copies leave as frames. */
static void fan_out_copies(struct settings *drawn)
{
    static const uint32_t paces[] = {100, 5000, 5000, 100000, 100000};
    drawn->per_prefix = 0;
    if (!swarm.cancels && draw_below(DRAW_OFFLOAD, 8) != 0)
        drawn->copies_pps = paces[draw_below(DRAW_OFFLOAD, sizeof paces / sizeof paces[0])];
}

void offload_settings_adapt(struct settings *drawn)
{
    if (!swarm.offload || (!swarm.fans_out && draw_below(DRAW_OFFLOAD, 4) == 0))
        return;
    if (swarm.fans_out && drawn->ttl_ms < 5000)
        drawn->ttl_ms = 5000;
    if (swarm.fans_out)
        fan_out_copies(drawn);
    /* Clients that get no answer do not stay registered. */
    if (swarm.fans_out && draw_below(DRAW_OFFLOAD, 4) != 0)
        drawn->rate_pps = 0;
    drawn->relay = DRAWN_RELAY_OFF;
}

void offload_settings_write(FILE *out)
{
    const struct drawn_offload *offload = &setup.offload;
    if (offload->mode == CONFIG_OFFLOAD_OFF)
        return;
    fprintf(out, "[offload]\nmode = %s\n", offload_settings_modes[offload->mode]);
    for (size_t i = 0; i < offload->count; i++)
        fprintf(out, "interface = %s\n", offload->interfaces[i]);
    if (offload->max != 0)
        fprintf(out, "max = %" PRIu32 "\n", offload->max);
}

bool offload_settings_is_unseen(void)
{
    return swarm.fans_out && draw_below(DRAW_OFFLOAD, 3) != 0;
}

uint32_t offload_settings_rarely(uint32_t per_million)
{
    bool has_faults = swarm.offload && draw_below(DRAW_OFFLOAD, 3) == 0;
    return has_faults ? per_million : 0;
}

uint32_t offload_settings_forgery(void)
{
    bool has_forgers = swarm.offload && draw_below(DRAW_OFFLOAD, 2) == 0;
    return has_forgers ? 200000 : 0;
}

bool offload_settings_may_fail(void)
{
    bool is_missing = false;
    for (size_t i = 0; i < setup.offload.count; i++)
        is_missing |= host_index_of_name(setup.offload.interfaces[i]) == 0;
    return is_missing && setup.offload.mode != CONFIG_OFFLOAD_AUTO;
}
