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

/* Two words at a time: 2^16 is 1 modulo 2^16 - 1, so the folded sum is the same. */
INLINE uint64_t sum_words(uint64_t sum, const void *bytes, uint32_t size)
{
    const uint32_t *pairs = bytes;
    UNROLL
    for (uint32_t i = 0; i < size / 4; i++)
        sum += pairs[i];
    return size % 4 == 0 ? sum : sum + *(const uint16_t *)(pairs + size / 4);
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
INLINE uint64_t udp_checksum(uint64_t sum)
{
    uint64_t checksum = (uint16_t)~fold(sum);
    if (checksum == 0)
        checksum = 0xffff;
    __asm__ volatile("" : "+r"(checksum)); /* or the compiler keeps 32 bits of it on the stack */
    return checksum;
}

/* ---- headers of a datagram that is sent ---- */

/* Addresses and ports are in network byte order. The checksum is computed from the values: to read
 * the header that has just been written would wait for these writes. Routers may fragment the
 * datagram, as those of the sockets (net/socket/udp_socket): so it has an identification, by which
 * the receiver knows its fragments, and which others should not be able to predict. */
INLINE void write_ipv4(struct iphdr *ip, uint32_t from, uint32_t to, uint64_t payload_bytes,
                       uint16_t id)
{
    const uint16_t version = network16(IPV4_WITHOUT_OPTIONS << 8);
    const uint16_t bytes =
        network16((uint16_t)(sizeof *ip + sizeof(struct udphdr) + payload_bytes));
    const uint16_t hops = network16(HOPS << 8 | IPPROTO_UDP);

    *(uint16_t *)ip = version; /* and no traffic class */
    ip->tot_len = bytes;
    ip->id = id;
    ip->frag_off = 0;
    *(uint16_t *)&ip->ttl = hops;
    ip->check = (uint16_t)~fold((uint64_t)version + bytes + id + hops + from + to);
    ip->saddr = from;
    ip->daddr = to;
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
                      uint64_t payload_bytes, uint64_t checksum)
{
    udp->source = from_port;
    udp->dest = to_port;
    udp->len = network16((uint16_t)(sizeof *udp + payload_bytes));
    udp->check = (uint16_t)checksum;
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

/* The payload and padding of the shortest frame of IPv4. */
enum { PADDED_BYTES = FRAME_BYTES_MIN - IPV4_HEADERS_BYTES };

/* Copies that many bytes of a message. Returns false if the frame is too short. */
INLINE bool copy_padded(const struct xdp_md *context, uint64_t headers_bytes,
                        const struct offload_message *message)
{
    uint8_t *payload = frame_of(context) + headers_bytes;
    uint64_t *words = (void *)payload;
    const uint64_t *from = (const void *)message->bytes;

    _Static_assert(PADDED_BYTES == 2 * sizeof *words + sizeof(uint16_t), "two words and 2 bytes");
    if (payload + PADDED_BYTES > frame_end(context))
        return false;
    words[0] = from[0];
    words[1] = from[1];
    *(uint16_t *)(words + 2) = *(const uint16_t *)(from + 2);
    return true;
}

/* Writes a message and the padding of a short frame: zeros follow the message in its memory.
 * Returns false if the frame is too short. */
INLINE bool write_message(struct xdp_md *context, uint64_t headers_bytes,
                          const struct offload_message *message, uint64_t size)
{
    const uint64_t bytes = frame_bytes_for(headers_bytes, size) - headers_bytes;

    if (bytes == 0)
        return true;
    if (bytes == PADDED_BYTES) /* most messages; it takes less time than the call below */
        return copy_padded(context, headers_bytes, message);
    return bytes <= OFFLOAD_MESSAGE_BYTES &&
           store_bytes(context, headers_bytes, message->bytes, bytes) == 0;
}

#endif
