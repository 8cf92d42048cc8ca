#include "sim/net/host.h"

#include "sim/core/event_queue.h"

#include <string.h>

static struct interface {
    const char *name;
    uint32_t index, birth; /* 0: it does not exist */
    uint32_t last_index;
    bool lacks_carrier;
    uint64_t since_ms;
} interfaces[HOST_INTERFACES] = {{.name = "lo"}, {.name = "eth0"}, {.name = "eth1"}},
  vlan = {.name = "eth0.100"};

static struct {
    struct addr addr;
    enum host_interface interface;
    bool exists;
    uint64_t since_ms; /* that it exists, and is not tentative; or that it does not */
} addresses[] = {
    {.addr = {{127, 0, 0, 1}, .family = ADDR_IPV4}, HOST_LO},
    {.addr = {{[15] = 1}, .family = ADDR_IPV6}, HOST_LO},
    {.addr = {{192, 0, 2, 1}, .family = ADDR_IPV4}, HOST_ETH0},
    {.addr = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .family = ADDR_IPV6}, HOST_ETH0},
    {.addr = {{0xfe, 0x80, [15] = 1}, .family = ADDR_IPV6}, HOST_ETH0},
    {.addr = {{198, 51, 100, 1}, .family = ADDR_IPV4}, HOST_ETH1},
    {.addr = {{0xfe, 0x80, [15] = 2}, .family = ADDR_IPV6}, HOST_ETH1},
};

enum { ADDRESSES = sizeof addresses / sizeof addresses[0] };

static uint32_t last_index, last_birth, mtu = 1500;
static enum host_interface default_route;
static uint64_t route_since_ms, last_removal_ms;
static bool has_vlan, filters_sources;

/* If it is to exist. */
static void make_vlan(void)
{
    if (!has_vlan || vlan.index != 0 || interfaces[HOST_ETH0].index == 0)
        return;
    vlan.index = ++last_index;
    vlan.birth = ++last_birth;
}

void host_begin(void)
{
    for (int i = 0; i < HOST_INTERFACES; i++)
        interfaces[i].index = interfaces[i].last_index = interfaces[i].birth = (uint32_t)i + 1;
    for (size_t i = 0; i < ADDRESSES; i++)
        addresses[i].exists = true;
    last_index = last_birth = HOST_INTERFACES;
    default_route = HOST_ETH0;
    make_vlan();
}

void host_add_vlan(void)
{
    has_vlan = true;
    make_vlan();
}

void host_filter_sources(void)
{
    filters_sources = true;
}

/* ---- what there is now ---- */

uint32_t host_index(enum host_interface interface)
{
    return interfaces[interface].index;
}

uint32_t host_index_of_name(const char *name)
{
    for (int i = 0; i < HOST_INTERFACES; i++)
        if (strcmp(interfaces[i].name, name) == 0)
            return interfaces[i].index;
    return strcmp(vlan.name, name) == 0 ? vlan.index : 0;
}

uint32_t host_vlan_index(void)
{
    return vlan.index;
}

uint32_t host_link(uint32_t index)
{
    return index != 0 && index == vlan.index ? interfaces[HOST_ETH0].index : index;
}

static const struct interface *find(uint32_t index)
{
    for (int i = 0; i < HOST_INTERFACES; i++)
        if (index != 0 && interfaces[i].index == index)
            return &interfaces[i];
    return index != 0 && index == vlan.index ? &vlan : NULL;
}

const char *host_name(uint32_t index)
{
    const struct interface *interface = find(index);
    return interface != NULL ? interface->name : NULL;
}

uint32_t host_birth(uint32_t index)
{
    const struct interface *interface = find(index);
    return interface != NULL ? interface->birth : 0;
}

bool host_is_up(uint32_t index)
{
    const struct interface *interface = find(host_link(index));
    return interface != NULL && !interface->lacks_carrier;
}

uint32_t host_mtu(uint32_t index)
{
    return host_link(index) == host_index(HOST_ETH0) ? mtu : 1500;
}

void host_ethernet(uint32_t index, uint8_t ethernet[6])
{
    const uint8_t address[] = {2, 0, 0, 0, 1, (uint8_t)host_birth(index)};
    memcpy(ethernet, address, sizeof address);
}

/* Returns ADDRESSES if it is never an address of the host. */
static size_t number_of(const struct addr *addr)
{
    size_t i = 0;
    while (i < ADDRESSES && (addresses[i].addr.family != addr->family ||
                             memcmp(addresses[i].addr.ip, addr->ip, sizeof addr->ip) != 0))
        i++;
    return i;
}

static bool is_on_interface(size_t i, uint32_t index)
{
    return index == 0 || index == host_index(addresses[i].interface);
}

bool host_is_tentative(const struct addr *addr)
{
    size_t i = number_of(addr);
    return i < ADDRESSES && addresses[i].exists && is_on_interface(i, addr->scope) &&
           event_queue_now_ms() < addresses[i].since_ms;
}

bool host_has(const struct addr *addr)
{
    size_t i = number_of(addr);
    return i < ADDRESSES && addresses[i].exists && is_on_interface(i, addr->scope) &&
           event_queue_now_ms() >= addresses[i].since_ms;
}

bool host_address(size_t *i, uint32_t index, struct addr *addr)
{
    while (*i < ADDRESSES && !(addresses[*i].exists && is_on_interface(*i, index)))
        ++*i;
    if (*i == ADDRESSES)
        return false;
    *addr = addresses[(*i)++].addr;
    return true;
}

/* Some of the addresses on the link, and one of the networks of IPv6. */
static bool is_in_vlan(const struct addr *addr)
{
    enum { FIRST = 190, NETWORK = 3 };
    return addr->family == ADDR_IPV4 ? addr->ip[0] == 192 && addr->ip[3] >= FIRST
                                     : addr->ip[0] == 0x20 && addr->ip[7] == NETWORK;
}

uint32_t host_route(const struct addr *to)
{
    if (addr_is_loopback(to))
        return host_index(HOST_LO);
    if (to->scope != 0)
        return find(to->scope) != NULL ? to->scope : 0;
    if (vlan.index != 0 && is_in_vlan(to))
        return vlan.index;
    if (to->family == ADDR_IPV4 && to->ip[0] == 198)
        return host_index(HOST_ETH1);
    if (to->family == ADDR_IPV4 && to->ip[0] == 192)
        return host_index(HOST_ETH0);
    return default_route != HOST_LO ? host_index(default_route) : 0;
}

bool host_accepts(const struct addr *from, uint32_t index)
{
    return !filters_sources || host_route(from) == index;
}

/* ---- since when ---- */

uint64_t host_since_ms(const struct addr *addr)
{
    size_t i = number_of(addr);
    return i < ADDRESSES ? addresses[i].since_ms : 0;
}

uint64_t host_interface_since_ms(enum host_interface interface)
{
    return interfaces[interface].since_ms;
}

uint64_t host_last_removal_ms(void)
{
    return last_removal_ms;
}

uint64_t host_default_route_since_ms(void)
{
    return route_since_ms;
}

/* ---- changes ---- */

size_t host_address_count(void)
{
    return ADDRESSES;
}

bool host_address_exists(size_t number, struct addr *addr)
{
    *addr = addresses[number].addr;
    return addresses[number].exists;
}

void host_remove_address(size_t number)
{
    if (!addresses[number].exists || addresses[number].interface == HOST_LO)
        return;
    addresses[number].exists = false;
    addresses[number].since_ms = event_queue_now_ms();
}

/* Routes by an interface that is deleted are deleted, too. */
void host_remove_interface(enum host_interface interface)
{
    interfaces[interface].index = interfaces[interface].birth = 0;
    interfaces[interface].since_ms = last_removal_ms = event_queue_now_ms();
    if (interface == HOST_ETH0)
        vlan.index = vlan.birth = 0;
    for (size_t i = 0; i < ADDRESSES; i++)
        if (addresses[i].interface == interface)
            host_remove_address(i);
    if (default_route == interface)
        host_set_default_route(HOST_LO);
}

void host_make_interface(enum host_interface interface, bool same_index)
{
    struct interface *made = &interfaces[interface];
    if (made->index != 0)
        return;
    made->index = made->last_index = same_index ? made->last_index : ++last_index;
    made->birth = ++last_birth;
    made->since_ms = event_queue_now_ms();
    make_vlan();
}

void host_add_address(size_t number, uint64_t tentative_ms)
{
    if (addresses[number].exists || host_index(addresses[number].interface) == 0)
        return;
    addresses[number].exists = true;
    addresses[number].since_ms = event_queue_now_ms();
    if (addresses[number].addr.family == ADDR_IPV6)
        addresses[number].since_ms += tentative_ms;
}

void host_set_carrier(enum host_interface interface, bool has_carrier)
{
    interfaces[interface].lacks_carrier = !has_carrier;
}

void host_set_mtu(uint32_t bytes)
{
    mtu = bytes;
}

void host_set_default_route(enum host_interface interface)
{
    if (default_route == interface || host_index(interface) == 0)
        return;
    default_route = interface;
    route_since_ms = event_queue_now_ms();
}

void host_restore(void)
{
    for (int i = 0; i < HOST_INTERFACES; i++)
        host_make_interface((enum host_interface)i, false);
    for (int i = 0; i < HOST_INTERFACES; i++)
        host_set_carrier((enum host_interface)i, true);
    for (size_t i = 0; i < ADDRESSES; i++)
        host_add_address(i, 0);
    if (default_route == HOST_LO)
        host_set_default_route(HOST_ETH0);
}
