#include "sim/world/host_changes.h"

#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/interfaces.h"
#include "sim/world/clients.h"
#include "sim/world/offload_settings.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"

#include <stdbool.h>
#include <stddef.h>

enum { ADDRESSES_MAX = 8, MESSAGES_LOST = 4 /* one in so many */, CARRIER_MS = 3000 };

static bool enabled;
/* The states of events: of interfaces and addresses that return, and of the default route. */
static struct returning {
    bool same_index;
} interfaces[HOST_INTERFACES], addresses[ADDRESSES_MAX], route;
static bool carriers[HOST_INTERFACES]; /* the states of events: of carriers that return */

static void report(uint32_t removed)
{
    trace(TRACE_HOST, removed, host_index(HOST_ETH0), host_index(HOST_ETH1), 0);
    simulated_interfaces_change(removed);
    clients_interfaces_changed();
}

static uint64_t draw_delay_ns(void)
{
    uint64_t kind = draw_below(DRAW_FAULTS, 10);
    return kind < 3 ? 0 : draw_below(DRAW_FAULTS, kind < 8 ? 3000 : 20000) * 1000000;
}

/* ---- what returns ---- */

static void on_usable(void *state)
{
    (void)state;
    report(0);
}

static void on_address(void *state)
{
    uint64_t tentative_ms = draw_below(DRAW_FAULTS, 2) * draw_below(DRAW_FAULTS, 2000);
    host_add_address((size_t)((struct returning *)state - addresses), tentative_ms);
    report(0);
    if (tentative_ms > 0)
        event_queue_add(tentative_ms * 1000000, on_usable, state);
}

static void return_address(size_t number)
{
    event_queue_remove(&addresses[number]);
    event_queue_add(draw_delay_ns(), on_address, &addresses[number]);
}

static void on_route(void *state)
{
    (void)state;
    host_set_default_route(draw_below(DRAW_FAULTS, 4) == 0 ? HOST_ETH1 : HOST_ETH0);
}

static void return_route(void)
{
    event_queue_remove(&route);
    event_queue_add(draw_delay_ns(), on_route, &route);
}

static void on_interface(void *state)
{
    struct returning *returning = state;
    host_make_interface((enum host_interface)(returning - interfaces), returning->same_index);
    report(0);
    for (size_t i = 0; i < host_address_count(); i++)
        return_address(i);
    return_route();
}

/* ---- what vanishes ---- */

/* If the message about an interface was lost, one with the same index would seem to be the same. */
static void remove_interface(enum host_interface interface)
{
    uint32_t index = host_index(interface);
    bool is_lost = !simulated_netlink_is_permitted() || draw_below(DRAW_FAULTS, MESSAGES_LOST) == 0;
    if (index == 0)
        return;
    host_remove_interface(interface);
    report(is_lost ? 0 : index);
    interfaces[interface].same_index = !is_lost && draw_below(DRAW_FAULTS, 4) == 0;
    event_queue_remove(&interfaces[interface]);
    event_queue_add(draw_delay_ns(), on_interface, &interfaces[interface]);
}

static void on_carrier(void *state)
{
    host_set_carrier((enum host_interface)((bool *)state - carriers), true);
}

/* Only where something depends on it: for all others it is a loss of all packets. */
static void lose_carrier(enum host_interface interface)
{
    if (!swarm.offload)
        return;
    host_set_carrier(interface, false);
    event_queue_remove(&carriers[interface]);
    event_queue_add(draw_below(DRAW_OFFLOAD, CARRIER_MS) * 1000000, on_carrier,
                    &carriers[interface]);
}

static void change_mtu(void)
{
    if (!swarm.offload)
        return;
    host_set_mtu(offload_settings_mtu());
    report(0);
}

static void remove_address(size_t number)
{
    host_remove_address(number);
    report(0);
    return_address(number);
}

static enum host_interface draw_interface(void)
{
    return draw_below(DRAW_FAULTS, 3) == 0 ? HOST_ETH1 : HOST_ETH0;
}

void host_changes_disturb(void)
{
    enum { NOTHING = 18 };
    uint64_t kind = enabled ? draw_below(DRAW_FAULTS, 1500) : NOTHING;
    if (kind < 4) {
        remove_interface(draw_interface());
    } else if (kind < 8) {
        remove_address(draw_below(DRAW_FAULTS, host_address_count()));
    } else if (kind < 10) {
        host_set_default_route((enum host_interface)draw_below(DRAW_FAULTS, HOST_INTERFACES));
        return_route();
    } else if (kind < 14) {
        lose_carrier(HOST_ETH0);
    } else if (kind < NOTHING) {
        change_mtu();
    }
}

/* ---- the run ---- */

void host_changes_draw(void)
{
    enabled = draw_below(DRAW_SETUP, 3) == 0;
    bool is_permitted = !enabled || draw_below(DRAW_SETUP, 6) != 0;
    enabled &= !reductions_leave_out(WITHOUT_INTERFACE_CHANGES);
    simulated_netlink_permit(is_permitted || !enabled);
}

static void stop_changes(void)
{
    for (size_t i = 0; i < HOST_INTERFACES; i++)
        event_queue_remove(&interfaces[i]);
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        event_queue_remove(&addresses[i]);
    for (size_t i = 0; i < HOST_INTERFACES; i++)
        event_queue_remove(&carriers[i]);
    event_queue_remove(&route);
}

void host_changes_end(void)
{
    if (!enabled)
        return;
    stop_changes();
    host_restore();
    report(0);
}

void host_changes_begin(void)
{
    if (!enabled)
        return;
    if (!setup.waits_for_addresses && draw_below(DRAW_FAULTS, 8) != 0) {
        host_changes_end();
        return;
    }
    for (int i = HOST_ETH0; i < HOST_INTERFACES; i++)
        if (draw_below(DRAW_FAULTS, 6) == 0)
            remove_interface((enum host_interface)i);
    for (size_t i = 0; i < host_address_count(); i++)
        if (draw_below(DRAW_FAULTS, 4) == 0)
            remove_address(i);
    if (draw_below(DRAW_FAULTS, 4) == 0) {
        host_set_default_route(HOST_LO);
        return_route();
    }
}
