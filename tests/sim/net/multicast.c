/* net/socket/multicast_socket in memory. */
#include "net/socket/multicast_socket.h"

#include "net/socket/udp_socket.h"
#include "sim/net/network.h"
#include "sim/net/udp.h"

#include <errno.h>

int multicast_bind(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes)
{
    struct udp_socket_options options = {.receive_buffer_bytes = receive_buffer_bytes};
    struct addr any = {.family = group->family}, bound;
    (void)interface;
    int fd = udp_socket_open(&any, &options, &bound);
    if (fd < 0)
        return fd;
    udp_of(fd)->is_multicast = true;
    udp_of(fd)->bound = *group;
    return fd;
}

int multicast_add_membership(int socket, const struct addr *group, uint32_t interface)
{
    (void)group;
    udp_of(socket)->membership = interface != 0 ? interface : INTERFACE_ETH0;
    return 0;
}

void multicast_drop_membership(int socket, const struct addr *group, uint32_t interface)
{
    (void)group;
    (void)interface;
    udp_of(socket)->membership = 0;
}

int multicast_join(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes)
{
    int fd = multicast_bind(group, interface, receive_buffer_bytes);
    return fd < 0 ? fd : (multicast_add_membership(fd, group, interface), fd);
}

int multicast_connect(const struct addr *group, const struct multicast_path *path,
                      struct addr *from)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 1};
    struct addr any = {.family = group->family};
    (void)path;
    int fd = udp_socket_open(&any, &options, from);
    if (fd < 0)
        return fd;
    udp_of(fd)->send_only = true;
    return fd;
}
