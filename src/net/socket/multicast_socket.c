/* Multicast, of either family. */
#include "net/socket/multicast_socket.h"

#include "net/socket/socket_option.h"
#include "net/socket/udp_socket.h"
#include "os/process/clock.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* Since Linux 4.20; the C library's headers don't have it. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

static int set(int socket, int level, int option, int value)
{
    return setsockopt(socket, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

static int open_udp(const struct addr *group)
{
    if (!addr_is_multicast(group))
        return -EINVAL;
    int family = group->family == ADDR_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Hears the groups that it joined itself, and on the interface where it did, alone. */
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

/* The group's name for the kernel; a group of a link is bound with its interface. */
static socklen_t name_group(union socket_name *name, const struct addr *group, uint32_t interface)
{
    struct addr scoped = *group;

    scoped.scope = group->family == ADDR_IPV6 ? interface : 0;
    return sockaddr_from_addr(name, &scoped);
}

static int bind_to_group(int fd, const struct addr *group, uint32_t interface)
{
    union socket_name name;
    socklen_t size = name_group(&name, group, interface);
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
    if (receive_buffer_bytes > 0 &&
        set(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)receive_buffer_bytes) != 0)
        set(fd, SOL_SOCKET, SO_RCVBUF, (int)receive_buffer_bytes);
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

int multicast_set_path(int socket, const struct addr *group, const struct multicast_path *way)
{
    if (group->family == ADDR_IPV4) {
        struct ip_mreqn request = {.imr_ifindex = (int)way->interface};
        int error = way->interface == 0
                        ? 0
                        : socket_option_set_bytes(socket, IPPROTO_IP, IP_MULTICAST_IF, &request,
                                                  sizeof request);
        if (error == 0)
            error = socket_option_set(socket, IPPROTO_IP, IP_MULTICAST_TTL, way->ttl);
        return error == 0 ? socket_option_set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 1) : error;
    }
    int error = way->interface == 0 ? 0
                                    : socket_option_set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF,
                                                        (int)way->interface);
    if (error == 0)
        error = socket_option_set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, way->ttl);
    return error == 0 ? socket_option_set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) : error;
}

/* Nobody reads what comes back: the kernel drops it at once. */
static int turn_deaf(int socket)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &drop};

    return socket_option_set_bytes(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int prepare_to_speak(int fd, const struct addr *group, const struct multicast_path *way,
                            struct addr *from)
{
    union socket_name name;
    socklen_t size = name_group(&name, group, way->interface);
    int error = multicast_set_path(fd, group, way);

    if (group->family == ADDR_IPV6)
        socket_fit_any_path(fd);
    if (error == 0)
        error = turn_deaf(fd);
    if (error == 0 && connect(fd, &name.any, size) != 0)
        error = -errno;
    size = sizeof name;
    if (error == 0 && getsockname(fd, &name.any, &size) != 0)
        error = -errno;
    if (error == 0)
        addr_from_sockaddr(from, &name);
    return error;
}

int multicast_connect(const struct addr *group, const struct multicast_path *way, struct addr *from)
{
    int fd = open_udp(group);

    if (fd < 0)
        return fd;
    int error = prepare_to_speak(fd, group, way, from);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int multicast_send(int socket, const struct addr *group, const void *bytes, size_t size)
{
    union socket_name name;
    socklen_t length = sockaddr_from_addr(&name, group);
    ssize_t sent;

    do
        sent = sendto(socket, bytes, size, MSG_DONTWAIT, &name.any, length);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t multicast_receive(int socket, void *bytes, size_t room, struct addr *from,
                          uint64_t *time_ms)
{
    union socket_name name;
    ssize_t size;

    do {
        socklen_t length = sizeof name;
        size = recvfrom(socket, bytes, room, MSG_DONTWAIT, &name.any, &length);
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    addr_from_sockaddr(from, &name);
    *time_ms = clock_wall_ms();
    return size;
}
