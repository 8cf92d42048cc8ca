/* Builds and sends IPv4 and IPv6 datagrams with forged source addresses at a steady rate. */
#include "flooder.h"

#include "clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { PORTS = 1000 };

struct packet4 {
    struct iphdr ip;
    struct udphdr udp;
    char text[FLOODER_TEXT_BYTES_MAX];
};

struct packet6 {
    struct ip6_hdr ip;
    struct udphdr udp;
    char text[FLOODER_TEXT_BYTES_MAX];
};

static struct udphdr udp_header(const struct flooder *flooder, uint32_t number)
{
    uint32_t port = endpoint_port(&flooder->first) + number / flooder->sources % PORTS;

    return (struct udphdr){.source = htons((uint16_t)port),
                           .dest = htons(endpoint_port(&flooder->to)),
                           .len = htons((uint16_t)(sizeof(struct udphdr) + flooder->text_bytes))};
}

/* Over IPv4, a UDP checksum of 0 means that there is no checksum. The kernel fills in the checksum
 * of the IP header. */
static size_t build4(const struct flooder *flooder, uint32_t number, struct packet4 *packet)
{
    const struct sockaddr_in *first = (const struct sockaddr_in *)&flooder->first.sockaddr;
    const struct sockaddr_in *to = (const struct sockaddr_in *)&flooder->to.sockaddr;

    *packet = (struct packet4){
        .ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP},
        .udp = udp_header(flooder, number),
    };
    packet->ip.saddr = htonl(ntohl(first->sin_addr.s_addr) + number % flooder->sources);
    packet->ip.daddr = to->sin_addr.s_addr;
    memcpy(packet->text, flooder->text, flooder->text_bytes);
    return offsetof(struct packet4, text) + flooder->text_bytes;
}

/* Adds an even number of bytes as 16-bit words to a checksum (RFC 1071). */
static uint32_t add_words(uint32_t sum, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 2) {
        uint16_t word;

        memcpy(&word, (const char *)bytes + i, sizeof word);
        sum += ntohs(word);
    }
    return sum;
}

/* The checksum includes the addresses, the length and the protocol (RFC 8200, 8.1). */
static uint16_t checksum6(const struct packet6 *packet)
{
    uint32_t sum = ntohs(packet->udp.len) + IPPROTO_UDP;

    sum = add_words(sum, &packet->ip.ip6_src, 2 * sizeof packet->ip.ip6_src);
    sum = add_words(sum, &packet->udp, ntohs(packet->udp.len));
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons(sum == 0xffff ? 0xffff : (uint16_t)~sum);
}

static size_t build6(const struct flooder *flooder, uint32_t number, struct packet6 *packet)
{
    const struct sockaddr_in6 *first = (const struct sockaddr_in6 *)&flooder->first.sockaddr;
    const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)&flooder->to.sockaddr;
    uint32_t low;

    *packet = (struct packet6){
        .ip = {.ip6_src = first->sin6_addr, .ip6_dst = to->sin6_addr},
        .udp = udp_header(flooder, number),
    };
    packet->ip.ip6_flow = htonl(6U << 28);
    packet->ip.ip6_plen = packet->udp.len;
    packet->ip.ip6_nxt = IPPROTO_UDP;
    packet->ip.ip6_hlim = 64;
    memcpy(&low, &packet->ip.ip6_src.s6_addr[12], sizeof low);
    low = htonl(ntohl(low) + number % flooder->sources);
    memcpy(&packet->ip.ip6_src.s6_addr[12], &low, sizeof low);
    memcpy(packet->text, flooder->text, flooder->text_bytes);
    packet->udp.check = checksum6(packet);
    return offsetof(struct packet6, text) + flooder->text_bytes;
}

static bool send_one(const struct flooder *flooder, uint32_t number)
{
    union {
        struct packet4 ipv4;
        struct packet6 ipv6;
    } packet;
    struct endpoint to = flooder->to;
    size_t size = to.sockaddr.ss_family == AF_INET ? build4(flooder, number, &packet.ipv4)
                                                   : build6(flooder, number, &packet.ipv6);

    ((struct sockaddr_in *)&to.sockaddr)->sin_port = 0; /* a raw socket has no port */
    return sendto(flooder->raw, &packet, size, 0, (const struct sockaddr *)&to.sockaddr, to.size) ==
           (ssize_t)size;
}

static void *run_flooder(void *argument)
{
    struct flooder *flooder = argument;
    int64_t start_ns = clock_now_ns(), tick_ns = start_ns;

    for (uint32_t number = 0; number < flooder->count;) {
        int64_t due = (tick_ns - start_ns) * flooder->rate_pps / NS_PER_S + 1;

        for (; number < flooder->count && number < due; number++)
            flooder->sent += send_one(flooder, number);
        tick_ns += NS_PER_S / (flooder->rate_pps < 1000 ? flooder->rate_pps : 1000);
        clock_wait_until_ns(tick_ns);
    }
    return NULL;
}

void flooder_start(struct flooder *flooder, const struct neighbours *both)
{
    flooder->sent = 0;
    netns_switch(both->there);
    flooder->raw = socket(flooder->to.sockaddr.ss_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    netns_switch(both->here);
    if (flooder->raw < 0)
        cr_skip_test("the process may not open a raw socket: %s", strerror(errno));
    expect(pthread_create(&flooder->thread, NULL, run_flooder, flooder) == 0, "expected a thread");
}

void flooder_wait(struct flooder *flooder)
{
    pthread_join(flooder->thread, NULL);
    close(flooder->raw);
    harness_equal("forged datagrams", flooder->sent, flooder->count);
}
