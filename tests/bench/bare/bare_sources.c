/* The minimum cost of a sender with many source addresses: one socket, an address of 127/8 (IPv6:
 * of fdbe::/64) for each client by IP_PKTINFO, and replies that are only counted. */
#include "sender.h"

#include <arpa/inet.h>
#include <string.h>

struct ancillary {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

enum { HOSTS = (1 << 24) - 3 }; /* of 127/8, without the first, the last, and 127.0.0.1 */

static struct ancillary in_ancillaries[BARE_BATCH], out_ancillaries[BARE_BATCH];
static union bare_name names[BARE_BATCH];
static uint32_t next;

/* Returns the number of the next client. */
static uint32_t next_client(const struct sender *sender)
{
    uint32_t client = next++;
    if (next == sender->clients)
        next = 0;
    return client;
}

static void set_sources_ipv4(struct sender *sender, unsigned count)
{
    uint32_t first = (UINT32_C(127) << 24) + 2; /* after 127.0.0.1, the server */
    for (unsigned i = 0; i < count; i++) {
        struct in_pktinfo *info =
            (void *)CMSG_DATA((struct cmsghdr *)(void *)out_ancillaries[i].bytes);
        info->ipi_spec_dst.s_addr = htonl(first + next_client(sender));
    }
}

static void set_sources_ipv6(struct sender *sender, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct in6_pktinfo *info =
            (void *)CMSG_DATA((struct cmsghdr *)(void *)out_ancillaries[i].bytes);
        info->ipi6_addr.s6_addr32[3] = htonl(1 + next_client(sender));
    }
}

static void prepare_control(struct ancillary *ancillary, bool ipv4)
{
    struct cmsghdr *control = (struct cmsghdr *)(void *)ancillary->bytes;
    struct in6_pktinfo ipv6 = {.ipi6_addr.s6_addr = {0xfd, 0xbe}};
    *control = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(ipv4 ? sizeof(struct in_pktinfo) : sizeof ipv6),
        .cmsg_level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
        .cmsg_type = ipv4 ? IP_PKTINFO : IPV6_PKTINFO,
    };
    if (!ipv4)
        memcpy(CMSG_DATA(control), &ipv6, sizeof ipv6);
}

/* Names and control messages are used in both directions, as a sender that matches replies needs.
 */
static void prepare(struct sender *sender, bool ipv4)
{
    size_t control = CMSG_SPACE(ipv4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo));
    sender_prepare(sender);
    for (int i = 0; i < BARE_BATCH; i++) {
        struct msghdr *in = &sender->in[i].msg_hdr, *out = &sender->out[i].msg_hdr;
        prepare_control(&out_ancillaries[i], ipv4);
        in->msg_name = &names[i];
        in->msg_namelen = sender->target_size;
        in->msg_control = &in_ancillaries[i];
        in->msg_controllen = control;
        out->msg_name = &sender->target;
        out->msg_namelen = sender->target_size;
        out->msg_control = &out_ancillaries[i];
        out->msg_controllen = control;
    }
}

int main(int argc, char **argv)
{
    static struct sender sender;
    sender_parse(&sender, argc, argv);
    bool ipv4 = sender.target.any.sa_family == AF_INET;
    int udp = sender_open(&sender);

    if (ipv4 && sender.clients > HOSTS)
        sender.clients = HOSTS;
    if (ipv4) {
        bare_set(udp, IPPROTO_IP, IP_PKTINFO, 1);
    } else {
        /* The addresses are local only by a route. */
        bare_set(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        bare_set(udp, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    }
    prepare(&sender, ipv4);
    sender_run(&sender, udp, ipv4 ? set_sources_ipv4 : set_sources_ipv6);
    return 0;
}
