/* The part of the program that makes the copies of a broadcast: for each run it writes the next
 * copy of a worker's table into the frame that the kernel gives it (BPF_F_TEST_XDP_LIVE_FRAMES),
 * and has an interface send that. offload/copy_tables has the tables.
 *
 * Each byte of the frame is written: the kernel uses its memory again, in which a receiver on this
 * host may have written. */
#ifndef COPIES_BPF_H
#define COPIES_BPF_H

#include "packet.bpf.h"

#include "offload/copy_tables.h"

extern struct table table_copies, table_copy_messages, table_copy_runs;

/* By their numbers in linux/bpf.h. */
static int64_t (*const redirect)(uint32_t interface, uint64_t flags) = (void *)BPF_FUNC_redirect;
static uint32_t (*const random_number)(void) = (void *)BPF_FUNC_get_prandom_u32;

/* The kernel runs the program as if the frame had come from the loopback interface, which has this
 * index in each network namespace. */
enum { LOOPBACK_INDEX = 1 };

INLINE void write_ethernet(struct ethhdr *ethernet, const struct offload_copy *copy, uint16_t type)
{
    uint16_t *to = (void *)ethernet->h_dest, *from = (void *)ethernet->h_source;
    UNROLL
    for (int i = 0; i < ETH_ALEN / 2; i++) {
        to[i] = copy->ethernet_to[i];
        from[i] = copy->ethernet_from[i];
    }
    ethernet->h_proto = network16(type);
}

/* The checksum of UDP, for the sum of both addresses. */
INLINE uint64_t checksum_of(const struct offload_copy *copy, uint64_t addresses_sum,
                            const struct offload_message *message, uint64_t size)
{
    return udp_checksum(sum_pseudo_header(addresses_sum, size) + copy->from_port + copy->to_port +
                        network16((uint16_t)(sizeof(struct udphdr) + size)) + message->sum);
}

/* Each returns false if the frame is too short for the headers, which it is not. */

INLINE bool write_ipv4_headers(struct xdp_md *context, const struct offload_copy *copy,
                               const struct offload_message *message, uint64_t size)
{
    struct ethhdr *ethernet = (void *)frame_of(context);
    struct iphdr *ip = (void *)(ethernet + 1);
    struct udphdr *udp = (void *)(ip + 1);
    const uint64_t addresses_sum = sum_words(sum_words(0, copy->from, 4), copy->to, 4);

    if ((const uint8_t *)(udp + 1) > frame_end(context))
        return false;
    write_ethernet(ethernet, copy, ETH_P_IP);
    write_ipv4(ip, copy->from[0], copy->to[0], size, (uint16_t)random_number());
    write_udp(udp, copy->from_port, copy->to_port, size,
              checksum_of(copy, addresses_sum, message, size));
    return true;
}

INLINE bool write_ipv6_headers(struct xdp_md *context, const struct offload_copy *copy,
                               const struct offload_message *message, uint64_t size)
{
    struct ethhdr *ethernet = (void *)frame_of(context);
    struct ipv6hdr *ip = (void *)(ethernet + 1);
    struct udphdr *udp = (void *)(ip + 1);
    const uint64_t addresses_sum = sum_words(sum_words(0, copy->from, 16), copy->to, 16);

    if ((const uint8_t *)(udp + 1) > frame_end(context))
        return false;
    write_ethernet(ethernet, copy, ETH_P_IPV6);
    write_ipv6(ip, (const void *)copy->from, (const void *)copy->to, size);
    write_udp(udp, copy->from_port, copy->to_port, size,
              checksum_of(copy, addresses_sum, message, size));
    return true;
}

INLINE bool set_size(struct xdp_md *context, uint64_t frame_bytes)
{
    const uint64_t has = frame_length(context);

    return has == frame_bytes || adjust_tail(context, (int)(frame_bytes - has)) == 0;
}

INLINE bool make_frame(struct xdp_md *context, const struct offload_copy *copy,
                       const struct offload_message *message)
{
    const uint64_t size = message->size;

    if (size > OFFLOAD_MESSAGE_BYTES)
        return false;
    if (copy->is_ipv6 != 0)
        return set_size(context, frame_bytes_for(IPV6_HEADERS_BYTES, size)) &&
               write_message(context, IPV6_HEADERS_BYTES, message, size) &&
               write_ipv6_headers(context, copy, message, size);
    return set_size(context, frame_bytes_for(IPV4_HEADERS_BYTES, size)) &&
           write_message(context, IPV4_HEADERS_BYTES, message, size) &&
           write_ipv4_headers(context, copy, message, size);
}

/* Returns NULL if the tag is not right: the receiver of a copy before, on this host, has written
 * in front of its frame. */
INLINE struct offload_copy_run *find_run(const struct offload_copy_tag *tag, uint32_t *worker)
{
    const uint32_t token = tag->token;

    *worker = tag->worker;
    struct offload_copy_run *run = map_lookup(&table_copy_runs, worker);
    return run != NULL && run->token == token ? run : NULL;
}

INLINE int send_next_copy(struct xdp_md *context, const struct offload_copy_tag *tag)
{
    uint32_t worker = 0;
    struct offload_copy_run *run = find_run(tag, &worker);

    if (run == NULL || run->next >= OFFLOAD_COPIES_MAX)
        return XDP_DROP;
    const uint32_t number = worker * OFFLOAD_COPIES_MAX + run->next;
    run->next++; /* only the worker's thread runs the program */
    struct offload_copy *copy = map_lookup(&table_copies, &number);
    if (copy == NULL || copy->message >= OFFLOAD_COPY_MESSAGES)
        return XDP_DROP;
    const uint32_t message_number = worker * OFFLOAD_COPY_MESSAGES + copy->message;
    const struct offload_message *message = map_lookup(&table_copy_messages, &message_number);
    if (message == NULL || !make_frame(context, copy, message))
        return XDP_DROP;
    copy->is_made = 1;
    return (int)redirect(copy->interface, 0);
}

/* Sends a copy, if there is a tag in front of the frame; otherwise the frame has arrived. Returns
 * whether it has sent one, with what is to become of the frame. */
INLINE bool send_copy(struct xdp_md *context, int *action)
{
    const struct offload_copy_tag *tag = (const void *)(long)context->data_meta;

    if (context->ingress_ifindex != LOOPBACK_INDEX ||
        (const uint8_t *)(tag + 1) > frame_of(context))
        return false;
    *action = send_next_copy(context, tag);
    return true;
}

#endif
