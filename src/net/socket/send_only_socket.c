#include "net/socket/send_only_socket.h"

#include "net/socket/drop_filter.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/udp_socket.h"

#include <errno.h>
#include <unistd.h>

enum {
    DISCARD_PORT = 9,
    /* For what clients send between the bind and the connect; the process may have to wait for a
     * processor there. */
    STRAY_BYTES = 4 << 20,
};

/* Connects to a loopback address. If the socket is bound to an interface, or there is no loopback
 * address, connects to its own address. No client's datagram comes from either. */
int send_only_socket_connect(int socket, const struct addr *bound)
{
    static const uint8_t loopback_ips[2][16] = {{127, 0, 0, 1}, {[15] = 1}};
    struct addr own = *bound, loopback = {.family = bound->family, .port = DISCARD_PORT};
    union socket_address name;

    own.port = DISCARD_PORT;
    memcpy(loopback.ip, loopback_ips[bound->family == ADDR_IPV6], sizeof loopback.ip);
    socklen_t size = sockaddr_from_addr(&name, addr_is_link_local(bound) ? &own : &loopback);
    if (connect(socket, &name.any, size) == 0)
        return 0;
    int error = -errno;
    if (addr_is_wildcard(bound)) /* the kernel would connect it to a loopback address */
        return error;
    size = sockaddr_from_addr(&name, &own);
    return connect(socket, &name.any, size) == 0 ? 0 : error;
}

int send_only_socket_open(const struct addr *bound, uint32_t send_buffer_bytes,
                          uint32_t *send_buffer_actual_bytes)
{
    struct udp_socket_options options = {.receive_buffer_bytes = STRAY_BYTES,
                                         .send_buffer_bytes = send_buffer_bytes};
    bool is_missing = false;
    int fd = udp_socket_open_unbound(bound, &options);
    if (fd < 0)
        return fd;
    *send_buffer_actual_bytes = options.send_buffer_actual_bytes;
    const int on = 1;
    int error = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 ? 0 : -errno;
    if (!error)
        error = udp_socket_bind_freebind(fd, bound, &is_missing);
    if (!error) {
        error = send_only_socket_connect(fd, bound);
        if (is_missing)
            error = 0; /* it is connected once an interface has the address */
    }
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int send_only_socket_drop_received(int socket)
{
    int error = drop_filter_attach(socket);
    if (error == 0)
        socket_set_receive_buffer(socket, 1); /* the smallest that the kernel allows */
    return error;
}
