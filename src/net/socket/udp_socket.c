/* UDP sockets, opened so that strangers can't steer them. */
#include "net/socket/udp_socket.h"

#include "net/socket/socket_option.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Since Linux 4.20; the C library's headers don't have it. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* Since Linux 4.15; likewise. */
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

enum { IPV6_MTU_MIN = 1280 };

/* ---- Addresses ---- */

socklen_t sockaddr_from_addr(union socket_name *out, const struct addr *addr)
{
    memset(out, 0, sizeof *out);
    if (addr->family == ADDR_IPV4) {
        out->ipv4.sin_family = AF_INET;
        out->ipv4.sin_port = htons(addr->port);
        memcpy(&out->ipv4.sin_addr, addr->ip, sizeof out->ipv4.sin_addr);
        return sizeof out->ipv4;
    }
    if (addr->family == ADDR_IPV6) {
        out->ipv6.sin6_family = AF_INET6;
        out->ipv6.sin6_port = htons(addr->port);
        out->ipv6.sin6_scope_id = addr->scope;
        memcpy(&out->ipv6.sin6_addr, addr->ip, sizeof out->ipv6.sin6_addr);
        return sizeof out->ipv6;
    }
    return 0;
}

uint32_t socket_zone_index(const char *zone)
{
    return if_nametoindex(zone);
}

/* ---- A server's socket ---- */

static int set(int socket, int level, int option, int value)
{
    return setsockopt(socket, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

/* Sends without DF and takes no path MTU from ICMP: anyone can forge "fragmentation needed", and
 * make the kernel cut our datagrams into fragments that are easy to replace on their way. Knot DNS
 * (server.c, disable_pmtudisc) and NSD do so. IPv6 has no need of it: a forged MTU below 1280 is
 * ignored (RFC 8201, section 4). A kernel that can't be told so sends as it does, without DF if it
 * can be told that. */
static int ignore_path_mtu(int socket)
{
    int error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    if (error == -EINVAL)
        error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    return error == -EINVAL ? 0 : error;
}

/* Where a kernel can't be told to keep groups that others joined off a socket (IPv6 before Linux
 * 4.20), the destination of each datagram tells on wildcards. */
static int set_ipv4(int socket, bool tells_interface)
{
    int error = socket_option_set_if_known(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (!error)
        error = ignore_path_mtu(socket);
    if (!error && tells_interface)
        error = socket_option_set(socket, IPPROTO_IP, IP_PKTINFO, 1);
    return error;
}

/* No router fragments IPv6, and many a path drops the "packet too big" that would tell us to. So
 * what the kernel fragments is cut to the MTU that every path has (RFC 8200, section 5), as name
 * servers do. Linux fragments only what is longer than the link's or the route's MTU, though: what
 * is between 1,280 and that is sent whole until a "packet too big" comes, so those stay on. A
 * kernel that lacks the option does as it did. */
void socket_fit_any_path(int socket)
{
    set(socket, IPPROTO_IPV6, IPV6_MTU, IPV6_MTU_MIN);
}

static int set_ipv6(int socket, bool tells_interface)
{
    socket_fit_any_path(socket);
    int error = socket_option_set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!error)
        error = socket_option_set_if_known(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    if (!error && tells_interface)
        error = socket_option_set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    return error;
}

/* Asks for a buffer, beyond net.core.[rw]mem_max where we may, and returns what was given. */
static uint32_t set_buffer(int socket, int force_option, int option, uint32_t bytes)
{
    /* The kernel doubles what is asked for, for its own bookkeeping: socket(7). */
    int asked = bytes < INT_MAX / 2 ? (int)bytes : INT_MAX / 2;
    int given = 0;
    socklen_t size = sizeof given;

    if (asked > 0 && set(socket, SOL_SOCKET, force_option, asked) != 0)
        set(socket, SOL_SOCKET, option, asked);
    getsockopt(socket, SOL_SOCKET, option, &given, &size);
    return (uint32_t)given / 2;
}

static int open_udp(const struct addr *addr)
{
    if (addr->family != ADDR_IPV4 && addr->family != ADDR_IPV6)
        return -EAFNOSUPPORT;
    int family = addr->family == ADDR_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int name_of(int socket, struct addr *bound)
{
    union socket_name name;
    socklen_t size = sizeof name;

    if (getsockname(socket, &name.any, &size) != 0)
        return -errno;
    addr_from_sockaddr(bound, &name);
    return 0;
}

/* Whether it is a broadcast address of one of our networks: the kernel's own routes say it, by
 * refusing to connect to one unless asked for it (ip(7), SO_BROADCAST). */
static bool is_broadcast(const struct addr *addr)
{
    static const uint8_t limited[] = {255, 255, 255, 255};
    struct addr peer = *addr;
    union socket_name name;

    if (addr->family != ADDR_IPV4 || addr_is_wildcard(addr))
        return false;
    if (memcmp(addr->ip, limited, sizeof limited) == 0)
        return true;
    peer.port = 9; /* any will do: nothing is sent */
    socklen_t size = sockaddr_from_addr(&name, &peer);
    int fd = open_udp(addr);
    if (fd < 0)
        return false;
    bool refused = connect(fd, &name.any, size) != 0 && errno == EACCES;
    close(fd);
    return refused;
}

/* The kernel lets anyone bind to a broadcast address, and answers leave from another: they would
 * reach nobody who is particular about whom he hears. */
static int bind_to(int socket, const struct addr *addr, struct addr *bound)
{
    union socket_name name;
    socklen_t size = sockaddr_from_addr(&name, addr);

    if (is_broadcast(addr))
        return -EADDRNOTAVAIL;
    return bind(socket, &name.any, size) == 0 ? name_of(socket, bound) : -errno;
}

/* Has a socket bind to an address that no interface has. IPv6 sockets since Linux 4.15. */
static int set_freebind(int socket, const struct addr *addr)
{
    return addr->family == ADDR_IPV4 ? socket_option_set(socket, IPPROTO_IP, IP_FREEBIND, 1)
                                     : socket_option_set(socket, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

/* The same, whether an interface has it or not. */
static int bind_anyway(int socket, const struct addr *addr, bool *missing)
{
    union socket_name name;
    socklen_t size = sockaddr_from_addr(&name, addr);

    *missing = false;
    if (bind(socket, &name.any, size) == 0)
        return 0;
    if (errno != EADDRNOTAVAIL || set_freebind(socket, addr) != 0)
        return -errno;
    *missing = true;
    return bind(socket, &name.any, size) == 0 ? 0 : -errno;
}

static int bind_as_asked(int socket, const struct addr *addr, struct socket_options *options,
                         struct addr *bound)
{
    if (!options->may_be_missing || is_broadcast(addr))
        return bind_to(socket, addr, bound);
    int error = bind_anyway(socket, addr, &options->is_missing);
    return error == 0 ? name_of(socket, bound) : error;
}

/* IP_RECVERR stays off, so that no ICMP error fails a call that concerns another peer; so does
 * SO_REUSEADDR, which on a UDP socket would let a second daemon take the port. */
static int open_unbound(const struct addr *addr, struct socket_options *options)
{
    bool tells = socket_tells_interface(addr);
    int fd = open_udp(addr);

    if (fd < 0)
        return fd;
    int error = addr->family == ADDR_IPV4 ? set_ipv4(fd, tells) : set_ipv6(fd, tells);
    options->receive_buffer_got_bytes =
        set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer_bytes);
    options->send_buffer_got_bytes =
        set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer_bytes);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

bool socket_tells_interface(const struct addr *addr)
{
    return !addr_is_loopback(addr) && !addr_is_link_local(addr);
}

int socket_open(const struct addr *addr, struct socket_options *options, struct addr *bound)
{
    int fd = open_unbound(addr, options);
    if (fd < 0)
        return fd;
    int error = bind_as_asked(fd, addr, options, bound);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

/* ---- A group of them ---- */

/* A filter of one instruction: keep so many bytes of each datagram. */
static int keep(int socket, uint32_t bytes)
{
    struct sock_filter instruction = BPF_STMT(BPF_RET | BPF_K, bytes);
    const struct sock_fprog program = {.len = 1, .filter = &instruction};
    return socket_option_set_bytes(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int drop_all(int socket)
{
    return keep(socket, 0);
}

/* The first one is bound alone, so that nobody else has the port, and lets others in only then:
 * from then on it is always taken, and no other start can slip in between. */
static int join_group(int socket, bool is_first, const struct addr *addr,
                      struct socket_options *options, struct addr *bound)
{
    int error = drop_all(socket);
    if (!error && !is_first)
        error = socket_option_set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!error)
        error = bind_as_asked(socket, addr, options, bound);
    if (!error && is_first)
        error = socket_option_set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    return error;
}

int socket_open_group(const struct addr *addr, struct socket_options *options, struct addr *bound,
                      int *sockets, size_t count)
{
    struct addr at = *addr;
    size_t opened = 0;
    int error = 0;

    if (count == 1) {
        sockets[0] = socket_open(addr, options, bound);
        return sockets[0] < 0 ? sockets[0] : 0;
    }
    for (; opened < count && !error; opened++) {
        sockets[opened] = open_unbound(&at, options);
        if (sockets[opened] < 0) {
            error = sockets[opened];
            break;
        }
        error = join_group(sockets[opened], opened == 0, &at, options, bound);
        at = *bound; /* the port that the kernel picked for the first */
    }
    while (error && opened > 0)
        close(sockets[--opened]);
    return error;
}

int socket_receive_all(int socket)
{
    int error = set(socket, SOL_SOCKET, SO_DETACH_FILTER, 0);
    /* A kernel that can't take a filter off can put another in its place; and one that knows none
     * at all has let none be put there. */
    if (error == -ENOPROTOOPT)
        error = keep(socket, UINT32_MAX);
    return error == -ENOENT || error == -ENOPROTOOPT ? 0
                                                     : error; /* there is none: it stands alone */
}

void socket_share(int socket, bool may)
{
    set(socket, SOL_SOCKET, SO_REUSEADDR, may);
}

/* ---- A socket that only sends ---- */

/* Connects to port 9 of a loopback address, or, where the socket is bound to an interface, or there
 * is no loopback address, of its own: no client's datagram comes from there. */
int socket_connect_sender(int socket, const struct addr *bound)
{
    static const uint8_t loopback[2][16] = {{127, 0, 0, 1}, {[15] = 1}};
    struct addr own = *bound, nobody = {.family = bound->family, .port = 9};
    union socket_name name;

    own.port = 9;
    memcpy(nobody.ip, loopback[bound->family == ADDR_IPV6], sizeof nobody.ip);
    socklen_t size = sockaddr_from_addr(&name, addr_is_link_local(bound) ? &own : &nobody);
    if (connect(socket, &name.any, size) == 0)
        return 0;
    int error = -errno;
    if (addr_is_wildcard(bound)) /* it would be connected to a loopback address */
        return error;
    size = sockaddr_from_addr(&name, &own);
    return connect(socket, &name.any, size) == 0 ? 0 : error;
}

int socket_open_sender(const struct addr *bound, uint32_t send_buffer_bytes,
                       uint32_t *send_buffer_got_bytes)
{
    /* What is received is dropped: the least buffer will do, and the kernel gives no less. */
    struct socket_options options = {.receive_buffer_bytes = 1,
                                     .send_buffer_bytes = send_buffer_bytes};
    bool missing = false;
    int fd = open_unbound(bound, &options);
    if (fd < 0)
        return fd;
    *send_buffer_got_bytes = options.send_buffer_got_bytes;
    int error = drop_all(fd);
    if (!error)
        error = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!error)
        error = bind_anyway(fd, bound, &missing);
    if (!error)
        error = socket_connect_sender(fd, bound);
    if (error && !missing) {
        close(fd);
        return error;
    }
    return fd;
}

int socket_reserve(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int socket_replace(int old, int new)
{
    if (dup3(new, old, O_CLOEXEC) < 0)
        return -errno;
    close(new);
    return 0;
}

uint32_t socket_widen(int socket, uint32_t send_buffer_bytes)
{
    uint32_t bytes = socket_send_room(socket) / 2;
    return bytes >= send_buffer_bytes
               ? bytes
               : set_buffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, send_buffer_bytes);
}

int socket_duplicate(int socket)
{
    int fd = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

uint32_t socket_send_room(int socket)
{
    int bytes = 0;
    socklen_t size = sizeof bytes;

    getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, &size);
    return (uint32_t)bytes;
}

uint32_t socket_queued_bytes(int socket)
{
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (uint32_t)bytes : 0;
}

uint32_t socket_drops(int socket)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof memory;

    getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory, &size);
    return memory[SK_MEMINFO_DROPS];
}

/* ---- A client's ---- */

int socket_connect_from(const struct addr *from, const struct addr *to, struct addr *bound)
{
    union socket_name name;
    struct addr ignored;
    int fd = open_udp(to);

    if (fd < 0)
        return fd;
    int error = from->family == ADDR_NONE ? 0 : bind_to(fd, from, &ignored);
    socklen_t size = sockaddr_from_addr(&name, to);
    if (!error && connect(fd, &name.any, size) != 0)
        error = -errno;
    if (!error)
        error = name_of(fd, bound);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int socket_connect(const struct addr *addr)
{
    struct addr bound;
    return socket_connect_from(&(struct addr){.family = ADDR_NONE}, addr, &bound);
}

static bool is_among(const struct addr *addrs, int count, const struct addr *addr)
{
    for (int i = 0; i < count; i++)
        if (addr_equal(&addrs[i], addr))
            return true;
    return false;
}

int socket_resolve(const char *host, uint16_t port, struct addr *addrs, int max)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    int count = 0;

    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error)
        return error;
    for (const struct addrinfo *at = found; at != NULL && count < max; at = at->ai_next) {
        union socket_name name = {0};
        struct addr addr;
        if (at->ai_addrlen > sizeof name)
            continue;
        memcpy(&name, at->ai_addr, at->ai_addrlen);
        if (addr_from_sockaddr(&addr, &name) == 0)
            continue;
        addr.port = port;
        if (!is_among(addrs, count, &addr))
            addrs[count++] = addr;
    }
    freeaddrinfo(found);
    return count > 0 ? count : EAI_NONAME;
}

const char *socket_resolve_error(int error)
{
    return gai_strerror(error);
}

void socket_close(int socket)
{
    close(socket);
}
