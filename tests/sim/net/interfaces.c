/* net/interface: the interfaces of the simulated host. */
#include "net/interface/interface.h"

#include "net/interface/device_queue.h"
#include "net/interface/interface_links.h"
#include "net/interface/interface_watch.h"
#include "net/interface/neighbour.h"
#include "net/socket/socket_option.h"
#include "sim/core/descriptors.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/net/host.h"
#include "sim/net/interfaces.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_netlink = true;

void simulated_netlink_permit(bool permitted)
{
    has_netlink = permitted;
}

static int refuse_query(void)
{
    return has_netlink ? faults_refuse_query() : -EPERM;
}

int interface_networks(struct cidr **networks, size_t *count)
{
    static const struct cidr list[] = {
        {{0xfe, 0x80}, ADDR_IPV6, 10},
        {{192, 0, 2}, ADDR_IPV4, 24},
    };
    int error = refuse_query();
    if (error != 0)
        return error;
    *networks = malloc(sizeof list);
    memcpy(*networks, list, sizeof list);
    *count = 1 + host_has(&(struct addr){.ip = {192, 0, 2, 1}, .family = ADDR_IPV4});
    return 0;
}

int neighbour_list(struct cidr **neighbours, size_t *count, size_t max)
{
    static const struct cidr known = {{192, 0, 2, 10}, ADDR_IPV4, 32};
    int error = refuse_query();
    if (error != 0)
        return error;
    *neighbours = malloc(sizeof known);
    **neighbours = known;
    *count = max > 0;
    return 0;
}

/* None is a port of another one. */
int interface_links_read(struct interface_link **links, size_t *count)
{
    const uint32_t indexes[] = {host_index(HOST_LO), host_index(HOST_ETH0), host_index(HOST_ETH1),
                                host_vlan_index()};
    int error = refuse_query();
    if (error != 0)
        return error;
    struct interface_link *found = malloc(sizeof indexes / sizeof indexes[0] * sizeof *found);
    *links = found;
    *count = 0;
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++)
        if (indexes[i] != 0)
            found[(*count)++] = (struct interface_link){indexes[i], 0, host_mtu(indexes[i]), false};
    return 0;
}

/* eth1 is an end of a veth pair. */
bool interface_has_driver(const char *name, const char *driver)
{
    return strcmp(name, "eth1") == 0 && strcmp(driver, "veth") == 0;
}

int interface_send_drops(const char *name, uint32_t *drops)
{
    (void)name;
    *drops = 0;
    return 0;
}

bool interface_name(uint32_t index, char name[ADDR_ZONE_BYTES])
{
    const char *found = host_name(index);
    snprintf(name, ADDR_ZONE_BYTES, "%s", found != NULL ? found : "");
    return found != NULL;
}

uint32_t interface_index(const char *name)
{
    return host_index_of_name(name);
}

uint32_t interface_route_lookup(const struct addr *to)
{
    uint32_t index = host_route(to);
    struct addr addr;
    if (has_netlink)
        return index;
    /* It is found by the source address. */
    for (size_t i = 0; index != 0 && to->family == ADDR_IPV6 && host_address(&i, index, &addr);)
        if (addr.family == ADDR_IPV6 && host_has(&addr))
            return index;
    return 0;
}

enum interface_address interface_address(const struct addr *addr)
{
    return addr_is_wildcard(addr) || host_has(addr) ? INTERFACE_ADDRESS_PRESENT
           : host_is_tentative(addr)                ? INTERFACE_ADDRESS_TENTATIVE
                                                    : INTERFACE_ADDRESS_ABSENT;
}

void interface_broadcast_addrs(struct broadcast_addrs *set)
{
    memset(set, 0, sizeof *set);
    struct addr addr;
    for (size_t i = 0; host_address(&i, 0, &addr);) {
        if (addr.family != ADDR_IPV4 || addr_is_loopback(&addr))
            continue;
        addr.ip[3] = 255;
        broadcast_addrs_add(set, addr.ip);
    }
}

int device_queue_bytes(uint64_t *bytes)
{
    *bytes = 0;
    return refuse_query();
}

const char *socket_option_error(int error)
{
    return strerror(error);
}

/* ---- changes ---- */

enum { REMOVED_MAX = 64 };

struct interface_watch {
    struct object object;
    struct loop_handler handler;
    const struct interface_watch_callbacks *callbacks;
    void *state;
    bool changed, polls;
    uint32_t removed[REMOVED_MAX];
    size_t removed_count;
    int fd, process;
};

static struct interface_watch *watches[PROCESSES_MAX]; /* NULL: none */

static unsigned has_changed(const struct object *object)
{
    return ((const struct interface_watch *)object)->changed ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    event_queue_remove(object);
    watches[((struct interface_watch *)object)->process] = NULL;
    free(object);
}

static void on_change(void *state, unsigned events)
{
    struct interface_watch *watch = state;
    (void)events;
    watch->changed = false;
    for (size_t i = 0; i < watch->removed_count; i++)
        watch->callbacks->removed(watch->state, watch->removed[i]);
    watch->removed_count = 0;
    watch->callbacks->changed(watch->state);
}

void simulated_interfaces_change(uint32_t removed)
{
    for (int i = 0; i < PROCESSES_MAX && has_netlink; i++) {
        struct interface_watch *watch = watches[i];
        if (watch == NULL)
            continue;
        watch->changed = true;
        if (removed != 0 && watch->removed_count < REMOVED_MAX)
            watch->removed[watch->removed_count++] = removed;
    }
}

bool simulated_interfaces_are_followed(void)
{
    size_t processes = 0;
    bool is_followed = false;
    for (int i = 0; i < PROCESSES_MAX; i++) {
        processes += processes_exist(i);
        is_followed |= watches[i] != NULL && !watches[i]->changed;
    }
    return has_netlink && is_followed && processes == 1;
}

bool simulated_netlink_is_permitted(void)
{
    return has_netlink;
}

static void on_second(void *state)
{
    struct interface_watch *watch = state;
    watch->changed |= watch->polls || !has_netlink;
    event_queue_add(1000000000, on_second, watch);
}

int interface_watch_open(struct interface_watch **watch, struct loop *loop,
                         const struct interface_watch_callbacks *callbacks, void *state)
{
    struct interface_watch *made = faults_refuse_memory() ? NULL : calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->object = (struct object){.kind = OBJECT_WATCH, .ready = has_changed, .destroy = destroy};
    made->callbacks = callbacks;
    made->state = state;
    made->process = scheduler_process();
    int fd = descriptor_open(&made->object);
    if (fd < 0)
        return fd;
    made->fd = fd;
    int error = loop_add(loop, &made->handler, fd, LOOP_READ, on_change, made);
    if (error != 0) {
        descriptor_close(fd);
        return error;
    }
    event_queue_add(1000000000, on_second, made);
    watches[made->process] = *watch = made;
    return 0;
}

void interface_watch_poll(struct interface_watch *watch, bool each_second)
{
    watch->polls = each_second;
}

void interface_watch_close(struct interface_watch *watch)
{
    if (watch == NULL)
        return;
    loop_remove(&watch->handler);
    descriptor_close(watch->fd);
}
