/* net/socket/multicast_socket in memory. */
#include "net/socket/multicast_socket.h"

#include "net/socket/udp_socket.h"
#include "sim/core/broken.h"
#include "sim/net/host.h"
#include "sim/net/udp.h"

#include <errno.h>
#include <string.h>

int multicast_bind(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes)
{
    struct udp_socket_options options = {.receive_buffer_bytes = receive_buffer_bytes};
    struct addr any = {.family = group->family}, bound;
    bool is_scoped = group->family == ADDR_IPV6 && addr_is_link_scoped_group(group);
    if (is_scoped && host_name(interface) == NULL)
        return interface == 0 ? -EINVAL : -ENODEV;
    int fd = udp_socket_open(&any, &options, &bound);
    if (fd < 0)
        return fd;
    udp_of(fd)->is_multicast = true;
    udp_of(fd)->bound = *group;
    udp_of(fd)->bound.scope = is_scoped ? interface : 0;
    return fd;
}

/* As Linux does: a membership of an interface that was deleted stays in the list of the socket, and
 * keeps another one with the same index from being made; for IPv6 and interface 0, any membership
 * does. */
int multicast_add_membership(int socket, const struct addr *group, uint32_t interface)
{
    struct udp *udp = udp_of(socket);
    bool any = interface == 0 && group->family == ADDR_IPV6;
    uint32_t index = interface != 0 ? interface : host_route(group);
    if (host_name(index) == NULL && !(any && udp->membership_count > 0))
        return -ENODEV;
    for (size_t i = 0; i < udp->membership_count; i++)
        if (any || udp->memberships[i].index == index)
            return -EADDRINUSE;
    if (broken_is("rejoin") && host_birth(index) > HOST_INTERFACES)
        return 0;
    if (udp->membership_count == MEMBERSHIPS_MAX)
        return -ENOBUFS;
    udp->memberships[udp->membership_count++] =
        (struct membership){.index = index, .birth = host_birth(index)};
    return 0;
}

void multicast_drop_membership(int socket, const struct addr *group, uint32_t interface)
{
    struct udp *udp;
    if (descriptor_any(socket)->kind != OBJECT_UDP)
        return; /* a placeholder */
    /* For IPv4 the kernel replaces 0 by the interface of the route. */
    if (interface == 0 && group->family == ADDR_IPV4 && (interface = host_route(group)) == 0)
        return;
    udp = udp_of(socket);
    for (size_t i = 0; i < udp->membership_count; i++)
        if (interface == 0 || udp->memberships[i].index == interface) {
            udp->memberships[i] = udp->memberships[--udp->membership_count];
            return;
        }
}

int multicast_join(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes)
{
    int fd = multicast_bind(group, interface, receive_buffer_bytes);
    if (fd < 0)
        return fd;
    int error = multicast_add_membership(fd, group, interface);
    if (error == 0)
        return fd;
    descriptor_close(fd);
    return error;
}

/* Any address of the family will do as the source, first of all one of the interface. */
static bool find_source(uint8_t family, uint32_t index, struct addr *from)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; host_address(&i, pass == 0 ? index : 0, from);)
            if (from->family == family && !addr_is_loopback(from) && host_has(from))
                return true;
    return false;
}

int multicast_connect(const struct addr *group, const struct multicast_path *path,
                      struct addr *from)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 1};
    struct addr any = {.family = group->family}, source;
    uint32_t index = path->interface != 0 ? path->interface : host_route(group);
    if (host_name(index) == NULL)
        return path->interface != 0 ? -ENODEV : -ENETUNREACH;
    if (!find_source(group->family, index, &source))
        return -EADDRNOTAVAIL;
    int fd = udp_socket_open(&any, &options, from);
    if (fd < 0)
        return fd;
    memcpy(from->ip, source.ip, sizeof from->ip);
    struct udp *udp = udp_of(fd);
    udp->bound = *from;
    udp->send_only = udp->is_connected = udp->drops_received = udp->sends_to_group = true;
    udp->path_index = path->interface;
    if (broken_is("path") && host_birth(index) > HOST_INTERFACES)
        udp->path_index = UINT32_MAX;
    return fd;
}
