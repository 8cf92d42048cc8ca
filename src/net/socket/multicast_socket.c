#include "net/socket/multicast_socket.h"

#include "net/socket/drop_filter.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_option.h"
#include "net/socket/udp_socket.h"
#include "os/process/clock.h"

#include <errno.h>
#include <unistd.h>

static int open_udp(const struct addr *group)
{
    if (!addr_is_multicast(group))
        return -EINVAL;
    int family = group->family == ADDR_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Without IP_MULTICAST_ALL = 0 the socket would also receive groups that other sockets of this host
 * joined, and this group from other interfaces. */
int multicast_add_membership(int socket, const struct addr *group, uint32_t interface)
{
    if (group->family == ADDR_IPV4) {
        struct ip_mreqn request = {.imr_ifindex = (int)interface};
        memcpy(&request.imr_multiaddr, group->ip, sizeof request.imr_multiaddr);
        int error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0);
        if (error != 0)
            return error;
        return socket_option_set_bytes(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request,
                                       sizeof request);
    }
    struct ipv6_mreq request = {.ipv6mr_interface = interface};
    memcpy(&request.ipv6mr_multiaddr, group->ip, sizeof request.ipv6mr_multiaddr);
    int error = socket_option_set_if_known(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    if (error != 0)
        return error;
    return socket_option_set_bytes(socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request);
}

void multicast_drop_membership(int socket, const struct addr *group, uint32_t interface)
{
    if (group->family == ADDR_IPV4) {
        struct ip_mreqn request = {.imr_ifindex = (int)interface};
        memcpy(&request.imr_multiaddr, group->ip, sizeof request.imr_multiaddr);
        setsockopt(socket, IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request);
        return;
    }
    struct ipv6_mreq request = {.ipv6mr_interface = interface};
    memcpy(&request.ipv6mr_multiaddr, group->ip, sizeof request.ipv6mr_multiaddr);
    setsockopt(socket, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &request, sizeof request);
}

/* Returns the socket address of the group; in IPv6 a group is bound with its interface. */
static socklen_t group_address(union socket_address *name, const struct addr *group,
                               uint32_t interface)
{
    struct addr scoped = *group;

    scoped.scope = group->family == ADDR_IPV6 ? interface : 0;
    return sockaddr_from_addr(name, &scoped);
}

static int bind_to_group(int fd, const struct addr *group, uint32_t interface)
{
    union socket_address name;
    socklen_t size = group_address(&name, group, interface);
    int error = socket_option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (error == 0 && group->family == ADDR_IPV6)
        error = socket_option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (error == 0 && bind(fd, &name.any, size) != 0)
        error = -errno;
    return error;
}

int multicast_bind(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes)
{
    int fd = open_udp(group);

    if (fd < 0)
        return fd;
    socket_set_receive_buffer(fd, receive_buffer_bytes);
    int error = bind_to_group(fd, group, interface);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int multicast_join(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes)
{
    int fd = multicast_bind(group, interface, receive_buffer_bytes);

    if (fd < 0)
        return fd;
    int error = multicast_add_membership(fd, group, interface);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int multicast_set_path(int socket, const struct addr *group, const struct multicast_path *path)
{
    if (group->family == ADDR_IPV4) {
        struct ip_mreqn request = {.imr_ifindex = (int)path->interface};
        int error = path->interface == 0
                        ? 0
                        : socket_option_set_bytes(socket, IPPROTO_IP, IP_MULTICAST_IF, &request,
                                                  sizeof request);
        if (error == 0)
            error = socket_option_set(socket, IPPROTO_IP, IP_MULTICAST_TTL, path->ttl);
        return error == 0 ? socket_option_set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 1) : error;
    }
    int error = path->interface == 0 ? 0
                                     : socket_option_set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF,
                                                         (int)path->interface);
    if (error == 0)
        error = socket_option_set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, path->ttl);
    return error == 0 ? socket_option_set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) : error;
}

static int prepare_sending(int fd, const struct addr *group, const struct multicast_path *path,
                           struct addr *from)
{
    union socket_address name;
    socklen_t size = group_address(&name, group, path->interface);
    int error = multicast_set_path(fd, group, path);

    if (group->family == ADDR_IPV6)
        udp_socket_set_min_mtu(fd);
    if (error == 0)
        error = drop_filter_attach(fd);
    if (error == 0 && connect(fd, &name.any, size) != 0)
        error = -errno;
    return error == 0 ? socket_get_local_addr(fd, from) : error;
}

int multicast_connect(const struct addr *group, const struct multicast_path *path,
                      struct addr *from)
{
    int fd = open_udp(group);

    if (fd < 0)
        return fd;
    int error = prepare_sending(fd, group, path, from);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int multicast_send(int socket, const struct addr *group, const void *bytes, size_t size)
{
    union socket_address name;
    socklen_t length = sockaddr_from_addr(&name, group);
    ssize_t sent;

    do
        sent = sendto(socket, bytes, size, MSG_DONTWAIT, &name.any, length);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t multicast_receive(int socket, void *bytes, size_t capacity, struct addr *from,
                          uint64_t *time_ms)
{
    union socket_address name;
    ssize_t size;

    do {
        socklen_t length = sizeof name;
        size = recvfrom(socket, bytes, capacity, MSG_DONTWAIT, &name.any, &length);
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    addr_from_sockaddr(from, &name);
    *time_ms = clock_wall_ms();
    return size;
}
