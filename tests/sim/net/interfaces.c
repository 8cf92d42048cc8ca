/* net/interface: the fixed interfaces of the simulated host. */
#include "net/interface/interface.h"

#include "net/interface/device_queue.h"
#include "net/interface/interface_watch.h"
#include "net/interface/neighbour.h"
#include "net/socket/socket_option.h"
#include "sim/core/descriptors.h"
#include "sim/core/event_queue.h"
#include "sim/net/interfaces.h"
#include "sim/net/network.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[INTERFACES_END] = {
    [INTERFACE_LOOPBACK] = "lo", [INTERFACE_ETH0] = "eth0", [INTERFACE_ETH1] = "eth1"};

int interface_networks(struct cidr **networks, size_t *count)
{
    static const struct cidr list[] = {
        {{192, 0, 2}, ADDR_IPV4, 24},
        {{0xfe, 0x80}, ADDR_IPV6, 10},
    };
    int error = faults_refuse_query();
    if (error != 0)
        return error;
    *networks = malloc(sizeof list);
    memcpy(*networks, list, sizeof list);
    *count = sizeof list / sizeof list[0];
    return 0;
}

int neighbour_list(struct cidr **neighbours, size_t *count, size_t max)
{
    static const struct cidr known = {{192, 0, 2, 10}, ADDR_IPV4, 32};
    int error = faults_refuse_query();
    if (error != 0)
        return error;
    *neighbours = malloc(sizeof known);
    **neighbours = known;
    *count = max > 0;
    return 0;
}

bool interface_name(uint32_t index, char name[ADDR_ZONE_BYTES])
{
    bool exists = index > 0 && index < INTERFACES_END;
    snprintf(name, ADDR_ZONE_BYTES, "%s", exists ? names[index] : "");
    return exists;
}

uint32_t interface_index(const char *name)
{
    for (uint32_t i = 1; i < INTERFACES_END; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

uint32_t interface_route_lookup(const struct addr *to)
{
    return network_interface_to(to);
}

enum interface_address interface_address(const struct addr *addr)
{
    return network_is_own(addr) ? INTERFACE_ADDRESS_PRESENT : INTERFACE_ADDRESS_ABSENT;
}

void interface_broadcast_addrs(struct broadcast_addrs *set)
{
    memset(set, 0, sizeof *set);
    broadcast_addrs_add(set, (const uint8_t[]){192, 0, 2, 255});
    broadcast_addrs_add(set, (const uint8_t[]){198, 51, 100, 255});
}

int device_queue_bytes(uint64_t *bytes)
{
    *bytes = 0;
    return faults_refuse_query();
}

const char *socket_option_error(int error)
{
    return strerror(error);
}

/* ---- changes ---- */

struct interface_watch {
    struct object object;
    struct loop_handler handler;
    const struct interface_watch_callbacks *callbacks;
    void *state;
    bool changed, polls;
    int fd;
};

static struct interface_watch *the_watch;

static unsigned has_changed(const struct object *object)
{
    return ((const struct interface_watch *)object)->changed ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    event_queue_remove(object);
    the_watch = NULL;
    free(object);
}

static void on_change(void *state, unsigned events)
{
    struct interface_watch *watch = state;
    (void)events;
    watch->changed = false;
    watch->callbacks->changed(watch->state);
}

void simulated_interfaces_change(void)
{
    if (the_watch != NULL)
        the_watch->changed = true;
}

static void on_second(void *state)
{
    struct interface_watch *watch = state;
    watch->changed |= watch->polls;
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
    the_watch = *watch = made;
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
