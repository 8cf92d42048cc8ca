#include "sim/check/restoring.h"

#include "sim/core/descriptors.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/interfaces.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"
#include "sim/world/upgrades.h"

#include <string.h>

enum { SERVED_MS = 2000, SLOP_MS = 20 };

static const char PROMISE[] = "what appears is served within two seconds";

static uint64_t begin_ms; /* 0: the server is not ready */

void restoring_begin(void)
{
    begin_ms = event_queue_now_ms();
}

void restoring_delayed(void)
{
    if (begin_ms != 0)
        begin_ms = event_queue_now_ms();
}

void restoring_end(void)
{
    begin_ms = 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A process that has crashed during an upgrade serves nothing, and a successor that hangs has its
 * sockets until it ends or takes over. */
static bool is_served(void)
{
    return begin_ms != 0 && processes_server() >= 0 && !upgrades_have_stopped_service();
}

/* What fails is tried again each second, or with the next change. */
bool restoring_is_due(uint64_t changed_ms)
{
    uint64_t refused_ms = later(faults_last_resource_ms(), descriptors_refused_ms());
    uint64_t since_ms = later(later(changed_ms, begin_ms), refused_ms);
    return is_served() && event_queue_now_ms() > since_ms + SERVED_MS + SLOP_MS;
}

/* Since when a group can be joined; UINT64_MAX: it cannot. */
static uint64_t group_since_ms(const struct addr *group, enum host_interface zone)
{
    uint32_t index = zone != HOST_LO ? host_index(zone) : host_route(group);
    uint64_t since_ms = zone != HOST_LO
                            ? 0 /* the interface that it was joined on may have been another one */
                            : later(host_default_route_since_ms(), host_last_removal_ms());
    if (index == 0)
        return UINT64_MAX;
    for (int i = 0; i < HOST_INTERFACES; i++)
        if (host_index((enum host_interface)i) == index)
            since_ms = later(since_ms, host_interface_since_ms((enum host_interface)i));
    return since_ms;
}

static bool is_due(uint64_t since_ms)
{
    return since_ms != UINT64_MAX && restoring_is_due(since_ms);
}

static bool is_for(const struct drawn_listener *listener, const struct addr *to)
{
    bool is_any = listener->kind == LISTEN_UDP && addr_is_wildcard(&listener->addr);
    return (listener->kind == LISTEN_UDP || listener->kind == LISTEN_GROUP) &&
           listener->addr.family == to->family && listener->addr.port == to->port &&
           (is_any || memcmp(listener->addr.ip, to->ip, sizeof to->ip) == 0);
}

/* Without netlink the server knows the interface of the route to an IPv6 group by its address:
 * since when it has one. */
static uint64_t known_since_ms(const struct drawn_listener *group)
{
    uint64_t since_ms = UINT64_MAX;
    struct addr addr;
    if (simulated_netlink_is_permitted() || group->zone != HOST_LO ||
        group->addr.family != ADDR_IPV6)
        return 0;
    for (size_t i = 0; host_address(&i, host_route(&group->addr), &addr);)
        if (addr.family == ADDR_IPV6 && host_has(&addr) && host_since_ms(&addr) < since_ms)
            since_ms = host_since_ms(&addr);
    return since_ms;
}

/* A group that names no interface may be joined on another one than that of the datagram. */
static bool is_lost_to(const struct drawn_listener *listener, const struct packet *packet)
{
    if (listener->kind == LISTEN_UDP)
        return host_has(&packet->to) && is_due(host_since_ms(&packet->to));
    uint32_t index = listener->zone != HOST_LO ? host_index(listener->zone) : 0;
    return !udp_is_joined(&listener->addr, index) &&
           is_due(later(group_since_ms(&listener->addr, listener->zone), known_since_ms(listener)));
}

void restoring_check_lost(const struct packet *packet)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (is_for(&setup.listeners[i], &packet->to) && is_lost_to(&setup.listeners[i], packet))
            broken_promise(PROMISE, "%s is not", setup.listeners[i].text);
}

void restoring_check_stream(const struct drawn_listener *listener)
{
    if (listener->kind == LISTEN_TCP && !addr_is_wildcard(&listener->addr) &&
        host_has(&listener->addr) && is_due(host_since_ms(&listener->addr)))
        broken_promise(PROMISE, "%s is not", listener->text);
}

void restoring_check_multicast(void)
{
    uint64_t since_ms = group_since_ms(&setup.multicast, setup.multicast_zone);
    struct addr addr;
    /* A socket sends from the address that it had, and waits until that returns. */
    for (int i = HOST_ETH0; i < HOST_INTERFACES; i++)
        if (host_index((enum host_interface)i) == 0)
            return;
    for (size_t i = 0; i < host_address_count(); i++)
        if (host_address_exists(i, &addr))
            since_ms = later(since_ms, host_since_ms(&addr));
        else
            return;
    if (is_due(since_ms))
        broken_promise(PROMISE, "broadcast.multicast is not");
}

static bool is_missing(const struct drawn_listener *listener)
{
    if (listener->kind == LISTEN_UNIX)
        return false;
    if (listener->kind == LISTEN_GROUP)
        return group_since_ms(&listener->addr, listener->zone) == UINT64_MAX;
    return !addr_is_wildcard(&listener->addr) && !host_has(&listener->addr);
}

/* Any address will do as the source of datagrams to a group. */
static bool has_source(void)
{
    struct addr addr;
    for (size_t i = 0; host_address(&i, 0, &addr);)
        if (addr.family == setup.multicast.family && !addr_is_loopback(&addr))
            return true;
    return false;
}

bool restoring_is_missing(void)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (is_missing(&setup.listeners[i]))
            return true;
    if (setup.metrics.text != NULL && is_missing(&setup.metrics))
        return true;
    return setup.has_multicast &&
           (group_since_ms(&setup.multicast, setup.multicast_zone) == UINT64_MAX || !has_source());
}
