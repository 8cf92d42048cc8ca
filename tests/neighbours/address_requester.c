/* Sends ARP requests and neighbour solicitations with the addresses of simulated hosts. */
#include "address_requester.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { HOP_LIMIT = 255 }; /* required for neighbour discovery (RFC 4861, 4.3) */

/* Reads the link address of the far end, which all its hosts share. */
static bool read_link_address(const struct address_requester *requester, uint8_t address[ETH_ALEN])
{
    struct ifreq request = {.ifr_name = "far"};

    if (ioctl(requester->socket, SIOCGIFHWADDR, &request) < 0)
        return false;
    memcpy(address, request.ifr_hwaddr.sa_data, ETH_ALEN);
    return true;
}

static bool request_by_arp(const struct address_requester *requester, const struct endpoint *host)
{
    const struct sockaddr_in *from = (const struct sockaddr_in *)&host->sockaddr;
    const struct sockaddr_in *to = (const struct sockaddr_in *)&requester->target.sockaddr;
    struct ether_arp arp = {.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
                                       .ar_pro = htons(ETHERTYPE_IP),
                                       .ar_hln = ETH_ALEN,
                                       .ar_pln = sizeof from->sin_addr,
                                       .ar_op = htons(ARPOP_REQUEST)}};
    struct sockaddr_ll all = {.sll_family = AF_PACKET,
                              .sll_protocol = htons(ETHERTYPE_ARP),
                              .sll_ifindex = requester->link,
                              .sll_halen = ETH_ALEN};

    memset(all.sll_addr, 0xff, ETH_ALEN);
    memcpy(arp.arp_spa, &from->sin_addr, sizeof arp.arp_spa);
    memcpy(arp.arp_tpa, &to->sin_addr, sizeof arp.arp_tpa);
    return read_link_address(requester, arp.arp_sha) &&
           sendto(requester->socket, &arp, sizeof arp, 0, (const struct sockaddr *)&all,
                  sizeof all) == sizeof arp;
}

/* The kernel fills in the checksum. */
static bool solicit_neighbour(const struct address_requester *requester,
                              const struct endpoint *host)
{
    struct sockaddr_in6 to = *(const struct sockaddr_in6 *)&requester->target.sockaddr;
    struct {
        struct nd_neighbor_solicit head;
        struct nd_opt_hdr option;
        uint8_t address[ETH_ALEN];
    } message = {.head.nd_ns_type = ND_NEIGHBOR_SOLICIT,
                 .head.nd_ns_target = to.sin6_addr,
                 .option = {.nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1}};
    struct in6_pktinfo from = {.ipi6_addr =
                                   ((const struct sockaddr_in6 *)&host->sockaddr)->sin6_addr};
    union {
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr aligned;
    } control = {{0}};
    struct iovec iovec = {&message, sizeof message};
    struct msghdr header = {.msg_name = &to,
                            .msg_namelen = sizeof to,
                            .msg_iov = &iovec,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};

    to.sin6_port = 0;
    control.aligned = (struct cmsghdr){
        .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO, .cmsg_len = CMSG_LEN(sizeof from)};
    memcpy(CMSG_DATA(&control.aligned), &from, sizeof from);
    return read_link_address(requester, message.address) &&
           sendmsg(requester->socket, &header, 0) == sizeof message;
}

void address_requester_open(struct address_requester *requester, const struct neighbours *both,
                            const struct endpoint *target)
{
    bool six = target->sockaddr.ss_family == AF_INET6;
    int hops = HOP_LIMIT;

    requester->target = *target;
    netns_switch(both->there);
    requester->link = (int)if_nametoindex("far");
    requester->socket = six ? socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6)
                            : socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    netns_switch(both->here);
    if (requester->socket < 0)
        cr_skip_test("the process may not open a raw socket: %s", strerror(errno));
    if (six)
        setsockopt(requester->socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
}

void address_requester_close(const struct address_requester *requester)
{
    close(requester->socket);
}

bool address_requester_send(const struct address_requester *requester, const struct endpoint *host)
{
    return host->sockaddr.ss_family == AF_INET6 ? solicit_neighbour(requester, host)
                                                : request_by_arp(requester, host);
}
