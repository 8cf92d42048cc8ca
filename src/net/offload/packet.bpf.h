/* What replies and copies have in common: the kernel's functions, checksums, and the headers of the
 * datagrams that the program sends.
 *
 * Numbers that stay in use have 64 bits in the whole program: without CAP_PERFMON the verifier
 * refuses to keep 32 bits on the stack where a pointer was before. */
#ifndef PACKET_BPF_H
#define PACKET_BPF_H

#include "offload/offload_tables.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tables are declared where they are used, by the names that enum offload_table of
 * net/offload/offload_program has. The loader puts their descriptors into the instructions that
 * load these addresses. */
struct table;

/* All functions are inlined: the verifier then knows the constants of each address family. */
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* Functions of the kernel, by their numbers in linux/bpf.h. */
static void *(*const map_lookup)(struct table *table,
                                 const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static int64_t (*const adjust_tail)(struct xdp_md *context,
                                    int delta) = (void *)BPF_FUNC_xdp_adjust_tail;
static int64_t (*const store_bytes)(struct xdp_md *context, uint64_t offset, const void *bytes,
                                    uint64_t size) = (void *)BPF_FUNC_xdp_store_bytes;
static uint64_t (*const frame_length)(struct xdp_md *context) = (void *)BPF_FUNC_xdp_get_buff_len;

enum {
    FRAME_BYTES_MIN = 60, /* of Ethernet, without its checksum (IEEE 802.3) */
    IPV4_HEADERS_BYTES = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr),
    IPV6_HEADERS_BYTES = sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr),

    IPV4_WITHOUT_OPTIONS = 0x45, /* version 4, a header of five words (RFC 791) */
    IPV4_DO_NOT_FRAGMENT = 0x4000,
    IPV6_VERSION = 6,
    HOPS = 64,
};

INLINE uint16_t network16(uint16_t value)
{
    return __builtin_bswap16(value);
}

INLINE uint8_t *frame_of(const struct xdp_md *context)
{
    return (uint8_t *)(long)context->data;
}

INLINE const uint8_t *frame_end(const struct xdp_md *context)
{
    return (const uint8_t *)(long)context->data_end;
}

/* ---- checksums (RFC 1071): sums of 16-bit words in their order in memory ---- */

INLINE uint64_t sum_words(uint64_t sum, const void *bytes, uint32_t size)
{
    const uint16_t *words = bytes;
    UNROLL
    for (uint32_t i = 0; i < size / 2; i++)
        sum += words[i];
    return sum;
}

INLINE uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The pseudo header of UDP, for the sum of both addresses (RFC 768; of IPv6, RFC 8200: another form
 * with the same sum). */
INLINE uint64_t sum_pseudo_header(uint64_t addresses_sum, uint64_t payload_bytes)
{
    return addresses_sum + network16(IPPROTO_UDP) +
           network16((uint16_t)(sizeof(struct udphdr) + payload_bytes));
}

/* What goes into the header for a sum. 0 would mean that there is no checksum (RFC 768). */
INLINE uint16_t udp_checksum(uint64_t sum)
{
    const uint16_t checksum = (uint16_t)~fold(sum);
    return checksum != 0 ? checksum : 0xffff;
}

/* ---- headers of a datagram that is sent ---- */

/* Addresses and ports are in network byte order. */
INLINE void write_ipv4(struct iphdr *ip, uint32_t from, uint32_t to, uint64_t payload_bytes)
{
    *(uint8_t *)ip = IPV4_WITHOUT_OPTIONS;
    ip->tos = 0;
    ip->tot_len = network16((uint16_t)(sizeof *ip + sizeof(struct udphdr) + payload_bytes));
    ip->id = 0; /* only fragments need one (RFC 6864) */
    ip->frag_off = network16(IPV4_DO_NOT_FRAGMENT);
    ip->ttl = HOPS;
    ip->protocol = IPPROTO_UDP;
    ip->check = 0;
    ip->saddr = from;
    ip->daddr = to;
    ip->check = (uint16_t)~fold(sum_words(0, ip, sizeof *ip));
}

INLINE void write_ipv6(struct ipv6hdr *ip, const struct in6_addr *from, const struct in6_addr *to,
                       uint64_t payload_bytes)
{
    *(uint32_t *)(void *)ip = __builtin_bswap32((uint32_t)IPV6_VERSION << 28);
    ip->payload_len = network16((uint16_t)(sizeof(struct udphdr) + payload_bytes));
    ip->nexthdr = IPPROTO_UDP;
    ip->hop_limit = HOPS;
    ip->saddr = *from;
    ip->daddr = *to;
}

INLINE void write_udp(struct udphdr *udp, uint16_t from_port, uint16_t to_port,
                      uint64_t payload_bytes, uint16_t checksum)
{
    udp->source = from_port;
    udp->dest = to_port;
    udp->len = network16((uint16_t)(sizeof *udp + payload_bytes));
    udp->check = checksum;
}

/* ---- the size of a frame ---- */

INLINE uint64_t frame_bytes_for(uint64_t headers_bytes, uint64_t payload_bytes)
{
    const uint64_t bytes = headers_bytes + payload_bytes;
    return bytes > FRAME_BYTES_MIN ? bytes : FRAME_BYTES_MIN;
}

/* Makes the padding of a short frame zero, so that it has no byte of what the frame had before. */
INLINE bool clear_padding(struct xdp_md *context, uint64_t headers_bytes, uint64_t payload_bytes)
{
    const uint64_t zeros[3] = {0};
    const uint64_t end = headers_bytes + payload_bytes;

    _Static_assert(sizeof zeros >= FRAME_BYTES_MIN - IPV4_HEADERS_BYTES, "the longest padding");
    return end >= FRAME_BYTES_MIN || store_bytes(context, end, zeros, FRAME_BYTES_MIN - end) == 0;
}

/* Writes a message and the padding of a short frame, both by one call: zeros follow the message in
 * its memory. Returns false if the frame is too short. */
INLINE bool write_message(struct xdp_md *context, uint64_t headers_bytes,
                          const struct offload_message *message, uint64_t size)
{
    const uint64_t bytes = frame_bytes_for(headers_bytes, size) - headers_bytes;

    if (bytes == 0)
        return true;
    return bytes <= OFFLOAD_MESSAGE_BYTES &&
           store_bytes(context, headers_bytes, message->bytes, bytes) == 0;
}

#endif
