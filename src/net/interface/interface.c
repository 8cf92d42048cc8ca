#include "net/interface/interface.h"

#include "net/interface/netlink.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- networks ---- */

struct networks {
    struct cidr *list;
    size_t count, capacity;
    uint32_t *links; /* the indexes of the interfaces that use ARP or neighbour discovery */
    size_t link_count;
};

/* The number of leading one bits of a netmask. */
static uint8_t mask_bits(const struct addr *mask)
{
    uint8_t bits = 0;
    while (bits < 128 && (mask->ip[bits / 8] << bits % 8 & 0x80) != 0)
        bits++;
    return bits;
}

static bool resolves_neighbours(const struct ifaddrs *at)
{
    return (at->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP)) == 0;
}

/* Returns false for an entry of another family than IPv4 and IPv6. */
static bool read_network(const struct ifaddrs *at, struct cidr *network)
{
    struct addr addr, mask;
    union socket_address name = {0};

    if (at->ifa_addr == NULL || at->ifa_netmask == NULL || !resolves_neighbours(at))
        return false;
    size_t size = at->ifa_addr->sa_family == AF_INET    ? sizeof name.ipv4
                  : at->ifa_addr->sa_family == AF_INET6 ? sizeof name.ipv6
                                                        : 0;
    if (size == 0)
        return false;
    memcpy(&name, at->ifa_addr, size);
    addr_from_sockaddr(&addr, &name);
    memcpy(&name, at->ifa_netmask, size);
    name.any.sa_family = at->ifa_addr->sa_family; /* some C libraries do not set it in a mask */
    addr_from_sockaddr(&mask, &name);
    *network = addr_is_link_local(&addr) ? cidr_of(&addr, 10) : cidr_of(&addr, mask_bits(&mask));
    return true;
}

static bool is_of_link(const struct networks *networks, const struct nlmsghdr *route)
{
    uint32_t index;
    const void *found = netlink_attribute(route, sizeof(struct rtmsg), RTA_OIF, sizeof index);
    if (found == NULL)
        return false;
    memcpy(&index, found, sizeof index);
    for (size_t i = 0; i < networks->link_count; i++)
        if (networks->links[i] == index)
            return true;
    return false;
}

/* A route with a gateway leads to that neighbour for every destination. */
static bool has_gateway(const struct nlmsghdr *route)
{
    return netlink_attribute(route, sizeof(struct rtmsg), RTA_GATEWAY, 0) != NULL ||
           netlink_attribute(route, sizeof(struct rtmsg), RTA_VIA, 0) != NULL;
}

static int append(struct networks *networks, const struct cidr *network)
{
    if (networks->count == networks->capacity) {
        size_t capacity = 2 * networks->capacity + 16;
        struct cidr *grown = reallocarray(networks->list, capacity, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        networks->list = grown;
        networks->capacity = capacity;
    }
    networks->list[networks->count++] = *network;
    return 0;
}

static int add_route(void *state, const struct nlmsghdr *message)
{
    struct networks *networks = state;
    const struct rtmsg *route = NLMSG_DATA(message);
    bool is_ipv4 = route->rtm_family == AF_INET;
    if (message->nlmsg_type != RTM_NEWROUTE || (!is_ipv4 && route->rtm_family != AF_INET6) ||
        route->rtm_type != RTN_UNICAST || has_gateway(message) || !is_of_link(networks, message))
        return 0;
    struct addr addr = {.family = is_ipv4 ? ADDR_IPV4 : ADDR_IPV6};
    size_t bytes = is_ipv4 ? 4 : 16;
    const void *destination = netlink_attribute(message, sizeof *route, RTA_DST, bytes);
    if (destination != NULL) /* else it is the default route */
        memcpy(addr.ip, destination, bytes);
    struct cidr network = cidr_of(&addr, addr_is_link_local(&addr) ? 10 : route->rtm_dst_len);
    return append(networks, &network);
}

static void read_links(struct networks *networks, const struct ifaddrs *all)
{
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        networks->count += read_network(at, &networks->list[networks->count]);
        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_PACKET &&
            resolves_neighbours(at)) {
            struct sockaddr_ll link;
            memcpy(&link, at->ifa_addr, sizeof link);
            networks->links[networks->link_count++] = (uint32_t)link.sll_ifindex;
        }
    }
}

static int read_routes(struct networks *networks)
{
    const struct rtmsg all = {.rtm_family = AF_UNSPEC};
    int error = netlink_dump(RTM_GETROUTE, &all, sizeof all, add_route, networks);
    return error == -ENOMEM ? error : 0; /* without routes, the networks of the addresses remain */
}

int interface_networks(struct cidr **networks, size_t *count)
{
    struct ifaddrs *all;
    struct networks found = {.capacity = 1};

    if (getifaddrs(&all) != 0)
        return -errno;
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
        found.capacity++;
    found.list = calloc(found.capacity, sizeof found.list[0]);
    found.links = calloc(found.capacity, sizeof found.links[0]);
    int error = found.list == NULL || found.links == NULL ? -ENOMEM : 0;
    if (error == 0) {
        read_links(&found, all);
        error = read_routes(&found);
    }
    freeifaddrs(all);
    free(found.links);
    if (error != 0) {
        free(found.list);
        return error;
    }
    *networks = found.list;
    *count = found.count;
    return 0;
}

/* ---- names and addresses ---- */

bool interface_name(uint32_t index, char name[ADDR_ZONE_BYTES])
{
    name[0] = '\0';
    return if_indextoname(index, name) != NULL;
}

uint32_t interface_index(const char *name)
{
    return if_nametoindex(name);
}

bool interface_has_driver(const char *name, const char *driver)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (void *)&info};

    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0)
        return false;
    bool is_known = ioctl(any, SIOCETHTOOL, &request) == 0;
    close(any);
    return is_known && strcmp(info.driver, driver) == 0;
}

int interface_send_drops(const char *name, uint32_t *drops)
{
    struct ifaddrs *all;
    struct rtnl_link_stats counters = {.tx_dropped = 0};
    *drops = 0;
    if (getifaddrs(&all) != 0)
        return -errno;
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_PACKET && at->ifa_data != NULL &&
            strcmp(at->ifa_name, name) == 0)
            memcpy(&counters, at->ifa_data, sizeof counters);
    freeifaddrs(all);
    *drops = counters.tx_dropped;
    return 0;
}

/* Reads index and flags of an IPv6 address from a line of /proc/net/if_inet6: 32 hexadecimal digits
 * of the address, then index, prefix, scope and flags, and the name. Returns false for another
 * address. */
static bool read_line(const char *line, const struct addr *addr, unsigned *index, unsigned *flags)
{
    char address[33], expected[33];

    for (size_t i = 0; i < sizeof addr->ip; i++)
        snprintf(expected + 2 * i, 3, "%02x", addr->ip[i]);
    return sscanf(line, "%32s %x %*x %*x %x", address, index, flags) == 3 &&
           strcmp(address, expected) == 0 && (addr->scope == 0 || addr->scope == *index);
}

/* Finds the address in the kernel's list of IPv6 addresses. */
static bool find_ipv6(const struct addr *addr, unsigned *index, unsigned *flags)
{
    char line[128];
    bool found = false;
    FILE *list = addr->family == ADDR_IPV6 ? fopen("/proc/net/if_inet6", "re") : NULL;

    while (list != NULL && !found && fgets(line, sizeof line, list) != NULL)
        found = read_line(line, addr, index, flags);
    if (list != NULL)
        fclose(list);
    return found;
}

static enum interface_address read_ipv6_state(const struct addr *addr)
{
    unsigned index, flags;

    if (!find_ipv6(addr, &index, &flags))
        return INTERFACE_ADDRESS_ABSENT;
    return flags & IFA_F_DADFAILED   ? INTERFACE_ADDRESS_DUPLICATE
           : flags & IFA_F_TENTATIVE ? INTERFACE_ADDRESS_TENTATIVE
                                     : INTERFACE_ADDRESS_PRESENT;
}

enum interface_address interface_address(const struct addr *addr)
{
    struct udp_socket_options options = {0};
    struct addr any_port = *addr, bound;

    any_port.port = 0;
    int fd = udp_socket_open(&any_port, &options, &bound);
    if (fd < 0)
        return read_ipv6_state(addr);
    socket_close(fd);
    return INTERFACE_ADDRESS_PRESENT;
}

/* ---- routes ---- */

struct route_request {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr attribute;
    uint8_t to[16];
};

/* Returns the interface in a response of the kernel, 0 if there is none. */
static uint32_t read_route(const struct nlmsghdr *header, size_t size)
{
    uint32_t index = 0;

    if (!NLMSG_OK(header, size) || header->nlmsg_type != RTM_NEWROUTE)
        return 0;
    const struct rtattr *attribute = RTM_RTA((struct rtmsg *)NLMSG_DATA(header));
    size_t left = RTM_PAYLOAD(header);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        if (attribute->rta_type == RTA_OIF && RTA_PAYLOAD(attribute) == sizeof index)
            memcpy(&index, RTA_DATA(attribute), sizeof index);
    return index;
}

/* Finds the interface of an IPv6 group without netlink, by the source address that the kernel
 * chooses: for a group it is one of the interface that sends (RFC 6724, section 4). For IPv4 it may
 * be one of another interface. */
static uint32_t find_by_source(const struct addr *group)
{
    const struct addr any = {.family = ADDR_NONE};
    struct addr to = *group, source;
    unsigned index, flags;

    if (group->family != ADDR_IPV6 || !addr_is_multicast(group))
        return 0;
    to.port = 9; /* any port will do: nothing is sent */
    int fd = udp_socket_connect_from(&any, &to, &source);
    if (fd < 0)
        return 0;
    socket_close(fd);
    return find_ipv6(&source, &index, &flags) ? index : 0;
}

uint32_t interface_route_lookup(const struct addr *to)
{
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } response;
    uint16_t size = to->family == ADDR_IPV4 ? 4 : 16;
    struct route_request request = {
        .header = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
        .route = {.rtm_family = to->family == ADDR_IPV4 ? AF_INET : AF_INET6,
                  .rtm_dst_len = (uint8_t)(size * 8)},
        .attribute = {.rta_type = RTA_DST, .rta_len = (uint16_t)RTA_LENGTH(size)},
    };
    request.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.route) + RTA_LENGTH(size));
    memcpy(request.to, to->ip, size);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return find_by_source(to);
    ssize_t got =
        send(fd, &request, request.header.nlmsg_len, 0) < 0
            ? -1
            : recv(fd, &response, sizeof response, MSG_DONTWAIT); /* the kernel responds at once */
    close(fd);
    return got > 0 ? read_route(&response.header, (size_t)got) : 0;
}

/* ---- broadcast addresses ---- */

static uint32_t ip_of(const struct sockaddr *name)
{
    struct sockaddr_in ipv4;
    memcpy(&ipv4, name, sizeof ipv4);
    return ntohl(ipv4.sin_addr.s_addr);
}

static void add(struct broadcast_addrs *set, uint32_t ip)
{
    uint8_t bytes[4] = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip};
    broadcast_addrs_add(set, bytes);
}

/* The label and the address select one of several addresses of an interface: devinet_ioctl of the
 * kernel. */
static void add_for_address(int socket, const struct ifreq *address, struct broadcast_addrs *set)
{
    const uint32_t mask_31 = 0xfffffffe; /* a /31 or /32 has no broadcast address: RFC 3021 */
    struct ifreq flags = *address, mask = *address, broadcast = *address;
    uint32_t ip = ip_of(&address->ifr_addr);

    if (ioctl(socket, SIOCGIFFLAGS, &flags) != 0 || !(flags.ifr_flags & IFF_UP))
        return;
    if (ioctl(socket, SIOCGIFNETMASK, &mask) == 0 && ip_of(&mask.ifr_netmask) < mask_31)
        add(set, ip | ~ip_of(&mask.ifr_netmask));
    if (ioctl(socket, SIOCGIFBRDADDR, &broadcast) == 0 && ip_of(&broadcast.ifr_broadaddr) != 0 &&
        ip_of(&broadcast.ifr_broadaddr) != ip)
        add(set, ip_of(&broadcast.ifr_broadaddr));
}

/* Returns all IPv4 addresses of this host, or NULL. The caller frees them. */
static struct ifreq *read_addresses(int socket, size_t *count)
{
    struct ifconf list = {.ifc_len = 0};

    if (ioctl(socket, SIOCGIFCONF, &list) != 0)
        return NULL;
    /* Space for some that are added meanwhile; interface_watch reports those, too. */
    list.ifc_len += 16 * (int)sizeof(struct ifreq);
    list.ifc_req = calloc(1, (size_t)list.ifc_len);
    if (list.ifc_req != NULL && ioctl(socket, SIOCGIFCONF, &list) == 0) {
        *count = (size_t)list.ifc_len / sizeof(struct ifreq);
        return list.ifc_req;
    }
    free(list.ifc_req);
    return NULL;
}

void interface_broadcast_addrs(struct broadcast_addrs *set)
{
    size_t count = 0;

    memset(set, 0, sizeof *set);
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0)
        return;
    struct ifreq *addresses = read_addresses(any, &count);
    for (size_t i = 0; i < count; i++)
        add_for_address(any, &addresses[i], set);
    free(addresses);
    close(any);
}
