/* Programs of the kernel (XDP) for `make bench BENCH=offload`: a sender of requests, and receivers
 * that count and drop their replies, together or by source. tests/bench/live_frames.py compiles,
 * loads and runs them. Little-endian hosts only. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stddef.h>
#include <stdint.h>

struct table;
extern struct table table_request, table_replies, table_tally;

static void *(*const map_lookup)(struct table *table,
                                 const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*const redirect)(uint32_t interface, uint64_t flags) = (void *)BPF_FUNC_redirect;

enum { FRAME_BYTES = 60 }; /* the least of Ethernet, without its checksum (IEEE 802.3) */

struct headers {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct udphdr udp;
} __attribute__((packed));

/* The sender's only entry of table_request. REQUEST of live_frames.py has the same layout. */
struct request {
    uint32_t interface;    /* by which frames leave; 0: they are made and dropped */
    uint32_t first_source; /* an IPv4 address as a number */
    uint32_t sources;      /* how many addresses from there on take turns */
    uint32_t next;         /* the turn of the next frame */
    uint32_t ip_sum;       /* of the header's 16-bit words in memory, without source and checksum */
    uint32_t udp_sum;      /* likewise, with the pseudo header and the payload */
    uint32_t frame[FRAME_BYTES / 4];
};

static uint16_t checksum(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Writes the next request over the frame, which has what its last receiver left there. One
 * processor runs it at a time, so `next` needs no atomic access. */
__attribute__((section("send"))) int send_request(struct xdp_md *context);

int send_request(struct xdp_md *context)
{
    uint8_t *frame = (void *)(long)context->data;
    struct headers *headers = (void *)frame;
    const uint32_t first = 0;
    struct request *request = map_lookup(&table_request, &first);

    if (request == NULL || frame + FRAME_BYTES > (uint8_t *)(long)context->data_end)
        return XDP_ABORTED;
    const uint32_t source = __builtin_bswap32(request->first_source + request->next);
    const uint32_t source_sum = (source & 0xffff) + (source >> 16);
    request->next = request->next + 1 < request->sources ? request->next + 1 : 0;
#pragma clang loop unroll(full)
    for (int i = 0; i < FRAME_BYTES / 4; i++)
        ((uint32_t *)(void *)frame)[i] = request->frame[i];
    headers->ip.saddr = source;
    headers->ip.check = checksum(request->ip_sum + source_sum);
    headers->udp.check = checksum(request->udp_sum + source_sum);
    if (headers->udp.check == 0) /* which would mean that there is no checksum (RFC 768) */
        headers->udp.check = 0xffff;
    return request->interface != 0 ? (int)redirect(request->interface, 0) : XDP_DROP;
}

/* Whether a frame has a datagram to 10/8, the sources of the sender. */
static inline __attribute__((always_inline)) int is_reply(const struct xdp_md *context)
{
    const struct headers *headers = (const void *)(long)context->data;

    return (const uint8_t *)(headers + 1) <= (const uint8_t *)(long)context->data_end &&
           headers->ethernet.h_proto == __builtin_bswap16(ETH_P_IP) &&
           headers->ip.protocol == IPPROTO_UDP && (headers->ip.daddr & 0xff) == 10;
}

/* Both count and drop the replies, and pass everything else. */
__attribute__((section("sink"))) int count_reply(struct xdp_md *context);
__attribute__((section("tally"))) int count_reply_of_source(struct xdp_md *context);

int count_reply(struct xdp_md *context)
{
    const uint32_t first = 0;

    if (!is_reply(context))
        return XDP_PASS;
    uint64_t *replies = map_lookup(&table_replies, &first);
    if (replies != NULL)
        (*replies)++;
    return XDP_DROP;
}

/* The table has an entry for each address from 10.0.0.0 on; others are not counted. */
int count_reply_of_source(struct xdp_md *context)
{
    const struct headers *headers = (const void *)(long)context->data;

    if (!is_reply(context) ||
        (const uint8_t *)(headers + 1) > (const uint8_t *)(long)context->data_end)
        return XDP_PASS;
    const uint32_t number = __builtin_bswap32(headers->ip.daddr) & 0xffffff;
    uint64_t *replies = map_lookup(&table_tally, &number);
    if (replies != NULL)
        __sync_fetch_and_add(replies, 1);
    return XDP_DROP;
}
