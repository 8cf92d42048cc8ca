#include "net/socket/udp_socket.h"

#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_option.h"

#include <errno.h>
#include <unistd.h>

/* Since Linux 5.19; missing in the headers of some C libraries. */
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif

enum { IPV6_MTU_MIN = 1280 /* RFC 8200, section 5 */ };

static int set(int socket, int level, int option, int value)
{
    return setsockopt(socket, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

/* ---- Options ---- */

/* Sends without DF and ignores the path MTU that ICMP reports: anyone can forge "fragmentation
 * needed", and make the kernel split datagrams into fragments that an attacker can replace on their
 * way. Knot DNS (server.c, disable_pmtudisc) and NSD do the same. IPv6 does not need it: a forged
 * MTU below 1280 is ignored (RFC 8201, section 4). If the kernel does not know IP_PMTUDISC_OMIT,
 * sends at least without DF where that is known. */
static int ignore_path_mtu(int socket)
{
    int error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    if (error == -EINVAL)
        error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    return error == -EINVAL ? 0 : error;
}

/* If the kernel lacks IP_MULTICAST_ALL or IPV6_MULTICAST_ALL (IPv6 before Linux 4.20), a socket
 * bound to a wildcard also receives groups that other sockets joined; the reported destination of
 * each datagram shows that. */
static int set_ipv4(int socket, bool reports_destination)
{
    int error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (!error)
        error = ignore_path_mtu(socket);
    if (!error && reports_destination)
        error = socket_option_set(socket, IPPROTO_IP, IP_PKTINFO, 1);
    return error;
}

/* Routers do not fragment IPv6, and many paths drop the ICMP error "packet too big" on which the
 * sender would do it. So fragments are made as small as every path forwards (RFC 8200, section 5),
 * as name servers do. Linux fragments only datagrams that are longer than the MTU of the link or
 * the route: those between 1,280 bytes and that MTU are sent whole until a "packet too big" comes,
 * so those errors stay enabled. If the kernel lacks the option, nothing changes. */
void udp_socket_set_min_mtu(int socket)
{
    set(socket, IPPROTO_IPV6, IPV6_MTU, IPV6_MTU_MIN);
}

static int set_ipv6(int socket, bool reports_destination)
{
    udp_socket_set_min_mtu(socket);
    int error = socket_option_set_if_known(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    if (!error && reports_destination)
        error = socket_option_set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    return error;
}

void udp_socket_allow_sharing(int socket, bool allowed)
{
    set(socket, SOL_SOCKET, SO_REUSEADDR, allowed);
}

bool udp_socket_reports_destination(const struct addr *addr)
{
    return !addr_is_loopback(addr) && !addr_is_link_local(addr);
}

/* ---- Opening and binding ---- */

static int open_udp(const struct addr *addr)
{
    if (addr->family != ADDR_IPV4 && addr->family != ADDR_IPV6)
        return -EAFNOSUPPORT;
    int family = addr->family == ADDR_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Whether it is a broadcast address of one of this host's networks. The kernel's routes know it:
 * connect to a broadcast address fails without SO_BROADCAST (ip(7)). */
static bool is_broadcast(const struct addr *addr)
{
    static const uint8_t limited[] = {255, 255, 255, 255};
    struct addr peer = *addr;
    union socket_address name;

    if (addr->family != ADDR_IPV4 || addr_is_wildcard(addr))
        return false;
    if (memcmp(addr->ip, limited, sizeof limited) == 0)
        return true;
    peer.port = 9; /* any port will do: nothing is sent */
    socklen_t size = sockaddr_from_addr(&name, &peer);
    int fd = open_udp(addr);
    if (fd < 0)
        return false;
    bool refused = connect(fd, &name.any, size) != 0 && errno == EACCES;
    close(fd);
    return refused;
}

/* The kernel allows a bind to a broadcast address, but replies leave from another address, and a
 * client that accepts only replies from the address that it sent to would drop them. */
static int bind_to(int socket, const struct addr *addr, struct addr *bound)
{
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, addr);

    if (is_broadcast(addr))
        return -EADDRNOTAVAIL;
    return bind(socket, &name.any, size) == 0 ? socket_get_local_addr(socket, bound) : -errno;
}

/* Allows a bind to an address that no interface has. IPv6 sockets since Linux 4.15. */
static int set_freebind(int socket, const struct addr *addr)
{
    return addr->family == ADDR_IPV4 ? socket_option_set(socket, IPPROTO_IP, IP_FREEBIND, 1)
                                     : socket_option_set(socket, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

int udp_socket_bind_freebind(int socket, const struct addr *addr, bool *is_missing)
{
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, addr);

    *is_missing = false;
    if (bind(socket, &name.any, size) == 0)
        return 0;
    if (errno != EADDRNOTAVAIL || set_freebind(socket, addr) != 0)
        return -errno;
    *is_missing = true;
    return bind(socket, &name.any, size) == 0 ? 0 : -errno;
}

int udp_socket_bind(int socket, const struct addr *addr, struct udp_socket_options *options,
                    struct addr *bound)
{
    if (!options->may_be_missing || is_broadcast(addr))
        return bind_to(socket, addr, bound);
    int error = udp_socket_bind_freebind(socket, addr, &options->is_missing);
    return error == 0 ? socket_get_local_addr(socket, bound) : error;
}

/* IP_RECVERR stays off, so that an ICMP error about one peer fails no call that concerns another.
 * SO_REUSEADDR stays off, which on a UDP socket would let a second daemon bind to the port. */
static int set_options(int socket, const struct addr *addr)
{
    bool reports = udp_socket_reports_destination(addr);
    return addr->family == ADDR_IPV4 ? set_ipv4(socket, reports) : set_ipv6(socket, reports);
}

/* Resets what another process may have set: control messages that stand before the destination
 * would leave no space for it, and errors in a queue that is not read would be reported for ever.
 */
static void reset_reports(int socket, const struct addr *addr)
{
    if (!udp_socket_reports_destination(addr) && addr->family == ADDR_IPV4)
        set(socket, IPPROTO_IP, IP_PKTINFO, 0);
    else if (!udp_socket_reports_destination(addr))
        set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 0);
    if (addr->family == ADDR_IPV4)
        set(socket, IPPROTO_IP, IP_RECVERR, 0);
    else
        set(socket, IPPROTO_IPV6, IPV6_RECVERR, 0);
    set(socket, SOL_SOCKET, SO_TIMESTAMP, 0);
    set(socket, SOL_SOCKET, SO_TIMESTAMPING, 0);
    set(socket, SOL_SOCKET, SO_RXQ_OVFL, 0);
    set(socket, SOL_SOCKET, SO_RCVMARK, 0);
}

int udp_socket_adopt(int socket, const struct addr *addr, struct udp_socket_options *options)
{
    options->receive_buffer_actual_bytes =
        socket_raise_receive_buffer(socket, options->receive_buffer_bytes);
    options->send_buffer_actual_bytes =
        socket_raise_send_buffer(socket, options->send_buffer_bytes);
    reset_reports(socket, addr);
    return set_options(socket, addr);
}

int udp_socket_open_unbound(const struct addr *addr, struct udp_socket_options *options)
{
    int fd = open_udp(addr);

    if (fd < 0)
        return fd;
    int error = 0;
    if (addr->family == ADDR_IPV6)
        error = socket_option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!error)
        error = set_options(fd, addr);
    options->receive_buffer_actual_bytes =
        socket_set_receive_buffer(fd, options->receive_buffer_bytes);
    options->send_buffer_actual_bytes = socket_set_send_buffer(fd, options->send_buffer_bytes);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int udp_socket_open(const struct addr *addr, struct udp_socket_options *options, struct addr *bound)
{
    int fd = udp_socket_open_unbound(addr, options);
    if (fd < 0)
        return fd;
    int error = udp_socket_bind(fd, addr, options, bound);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

/* ---- A client's socket ---- */

int udp_socket_connect_from(const struct addr *from, const struct addr *to, struct addr *bound)
{
    union socket_address name;
    struct addr ignored;
    int fd = open_udp(to);

    if (fd < 0)
        return fd;
    int error = from->family == ADDR_NONE ? 0 : bind_to(fd, from, &ignored);
    socklen_t size = sockaddr_from_addr(&name, to);
    if (!error && connect(fd, &name.any, size) != 0)
        error = -errno;
    if (!error)
        error = socket_get_local_addr(fd, bound);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int udp_socket_connect(const struct addr *addr)
{
    struct addr bound;
    return udp_socket_connect_from(&(struct addr){.family = ADDR_NONE}, addr, &bound);
}
