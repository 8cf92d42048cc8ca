/* The program of the offload in the kernel (XDP): answers the datagrams of clients that the server
 * has entered in its tables, and passes everything else on to the network stack untouched. When the
 * server runs it, it makes the copies of a broadcast (copies.bpf.h): a program of its own, attached
 * to no interface, would cost a grace period of the kernel for each such call.
 * offload/offload_tables has the tables and what they mean; docs/offload.md says what is answered.
 *
 * It is compiled to instructions of BPF, which xdp_program.inc has (`make offload-program`), and
 * which net/offload/offload_program loads. Little-endian hosts only.
 *
 * A datagram is passed on before anything was changed, so the server sees it as it came, and
 * counts it. From the renewal of its client on, the program has taken it: nothing after that fails.
 */
#include "clients.bpf.h"
#include "copies.bpf.h"
#include "packet.bpf.h"

#include "offload/offload_tables.h"

extern struct table table_ingress, table_rotations, table_messages;

/* By its number in linux/bpf.h. */
static int64_t (*const sum_difference)(const void *from, uint32_t from_bytes, const void *to,
                                       uint32_t to_bytes,
                                       uint32_t sum) = (void *)BPF_FUNC_csum_diff;

enum { IPV4_MORE_FRAGMENTS_OR_OFFSET = 0x3fff };

/* The first bytes of a frame of the protocol (wire/frame), as a word in memory. */
static const uint32_t FRAME_MAGIC = 0x50445500;

/* What is known of a datagram. Numbers that stay in use have 64 bits, see packet.bpf.h. */
struct datagram {
    bool is_ipv6;
    uint64_t ingress;       /* the word of the interface that it came by (struct offload_ingress) */
    uint64_t headers_bytes; /* Ethernet, IP and UDP */
    uint64_t frame_bytes;   /* with bytes after the datagram, such as padding */
    uint64_t payload_bytes;
    uint64_t addresses_sum; /* of the 16-bit words of both IP addresses, in their order in memory */
    struct udphdr udp;
};

/* ---- checksums (RFC 1071): sums of 16-bit words in their order in memory ---- */

/* The verifier accepts blocks of constant size only: one for each bit of the payload's size. Small
 * ones take less time here than in a call. */
INLINE uint64_t sum_payload(uint64_t sum, const struct xdp_md *context, const struct datagram *at)
{
    const uint8_t *bytes = frame_of(context) + at->headers_bytes, *end = frame_end(context);

    sum = fold(sum);
    UNROLL
    for (uint32_t block = OFFLOAD_REQUEST_BYTES; block >= 2; block /= 2) {
        if ((at->payload_bytes & block) == 0)
            continue;
        if (bytes + block > end)
            return 0;
        if (block > 16)
            sum = (uint32_t)sum_difference(NULL, 0, bytes, block, (uint32_t)sum);
        else
            sum = sum_words(sum, bytes, block);
        bytes += block;
    }
    if ((at->payload_bytes & 1) != 0) {
        if (bytes + 1 > end)
            return 0;
        sum += *bytes;
    }
    return sum;
}

/* Whether the checksum of UDP is right. A local sender leaves it to its interface, and veth passes
 * the datagram on as it is, with the sum of the pseudo header only (CHECKSUM_PARTIAL of the
 * kernel): that is completed in *datagram. In the generic receive path the kernel would take the
 * reply, too, for one with such a sum, and what it holds may be several datagrams (UDP_SEGMENT). */
INLINE bool check(const struct xdp_md *context, struct datagram *datagram)
{
    const uint64_t pseudo = sum_pseudo_header(datagram->addresses_sum, datagram->payload_bytes);
    const uint16_t found = datagram->udp.check;

    if (found == 0)
        return !datagram->is_ipv6;
    const uint64_t header = sum_words(pseudo, &datagram->udp, offsetof(struct udphdr, check));
    datagram->udp.check = (uint16_t)udp_checksum(sum_payload(header, context, datagram));
    if (found == fold(pseudo))
        return !offload_ingress_is_generic(datagram->ingress);
    return found == datagram->udp.check;
}

/* ---- headers ---- */

/* Each returns false for a datagram that is not answered, whatever its source is. */

INLINE bool parse_udp(const struct udphdr *udp, uint64_t ip_payload_bytes,
                      struct datagram *datagram)
{
    datagram->udp = *udp;
    datagram->payload_bytes = ip_payload_bytes - sizeof *udp;
    return ip_payload_bytes >= sizeof *udp && network16(udp->len) == ip_payload_bytes &&
           datagram->headers_bytes + datagram->payload_bytes <= datagram->frame_bytes;
}

INLINE bool parse_ipv4(const struct xdp_md *context, struct datagram *datagram,
                       struct offload_key *key)
{
    const struct iphdr *ip = (const void *)(frame_of(context) + sizeof(struct ethhdr));
    const struct udphdr *udp = (const void *)(ip + 1);

    if ((const uint8_t *)(udp + 1) > frame_end(context))
        return false;
    if (*(const uint8_t *)ip != IPV4_WITHOUT_OPTIONS || ip->protocol != IPPROTO_UDP ||
        (ip->frag_off & network16(IPV4_MORE_FRAGMENTS_OR_OFFSET)) != 0 ||
        fold(sum_words(0, ip, sizeof *ip)) != 0xffff)
        return false;
    const uint64_t total_bytes = network16(ip->tot_len);
    if (total_bytes < sizeof *ip || !parse_udp(udp, total_bytes - sizeof *ip, datagram))
        return false;
    datagram->addresses_sum = sum_words(0, &ip->saddr, 8);
    key->ports =
        offload_ports(udp->source, udp->dest, offload_ingress_upper(datagram->ingress), false);
    key->addresses[0] = ip->saddr | (uint64_t)ip->daddr << 32;
    return true;
}

INLINE uint64_t half_of(const struct in6_addr *address, int half)
{
    const uint32_t *words = &address->s6_addr32[2 * half];
    return words[0] | (uint64_t)words[1] << 32;
}

INLINE bool parse_ipv6(const struct xdp_md *context, struct datagram *datagram,
                       struct offload_key *key)
{
    const struct ipv6hdr *ip = (const void *)(frame_of(context) + sizeof(struct ethhdr));
    const struct udphdr *udp = (const void *)(ip + 1);

    if ((const uint8_t *)(udp + 1) > frame_end(context))
        return false;
    if (ip->version != IPV6_VERSION || ip->nexthdr != IPPROTO_UDP ||
        !parse_udp(udp, network16(ip->payload_len), datagram))
        return false;
    datagram->addresses_sum = sum_words(0, &ip->saddr, 32);
    key->ports =
        offload_ports(udp->source, udp->dest, offload_ingress_upper(datagram->ingress), true);
    key->addresses[0] = half_of(&ip->saddr, 0);
    key->addresses[1] = half_of(&ip->saddr, 1);
    key->addresses[2] = half_of(&ip->daddr, 0);
    key->addresses[3] = half_of(&ip->daddr, 1);
    return true;
}

INLINE void swap_ethernet(uint8_t *frame)
{
    uint16_t *words = (void *)frame;
    UNROLL
    for (int i = 0; i < ETH_ALEN / 2; i++) {
        const uint16_t word = words[i];
        words[i] = words[i + ETH_ALEN / 2];
        words[i + ETH_ALEN / 2] = word;
    }
}

/* Makes the headers of the request those of a reply. Returns false if the frame is too short for
 * them, which it is not. */
INLINE bool write_headers(struct xdp_md *context, const struct datagram *datagram,
                          const struct client *client, uint64_t payload_bytes, uint64_t checksum)
{
    uint8_t *frame = frame_of(context);
    void *ip = frame + sizeof(struct ethhdr);
    struct udphdr *udp = (void *)(frame + datagram->headers_bytes - sizeof *udp);

    if ((const uint8_t *)(udp + 1) > frame_end(context))
        return false;
    swap_ethernet(frame);
    if (datagram->is_ipv6) {
        struct ipv6hdr *header = ip;
        const struct in6_addr from = header->daddr, to = header->saddr;
        write_ipv6(header, &from, &to, payload_bytes);
    } else {
        struct iphdr *header = ip;
        write_ipv4(header, header->daddr, header->saddr, payload_bytes,
                   (uint16_t)client->identification);
    }
    write_udp(udp, datagram->udp.dest, datagram->udp.source, payload_bytes, checksum);
    return true;
}

/* ---- the size of the frame ---- */

/* Moves the end of the frame. Returns false if the driver has no room for that; it always has for a
 * size that the frame has had. */
INLINE bool resize(struct xdp_md *context, struct datagram *datagram, uint64_t frame_bytes)
{
    if (frame_bytes == datagram->frame_bytes)
        return true;
    if (adjust_tail(context, (int)(frame_bytes - datagram->frame_bytes)) != 0)
        return false;
    datagram->frame_bytes = frame_bytes;
    return true;
}

/* ---- replies ---- */

INLINE int reply_silently(const struct client *client)
{
    if (!take(client))
        return XDP_PASS;
    count(client, OFFLOAD_SILENCED);
    return XDP_DROP;
}

INLINE bool fits_mtu(const struct datagram *datagram, uint64_t payload_bytes)
{
    return datagram->headers_bytes - sizeof(struct ethhdr) + payload_bytes <=
           offload_ingress_mtu(datagram->ingress);
}

/* The frame gets room before the datagram is taken, since that may fail. */
INLINE int take_with_room(struct xdp_md *context, struct datagram *datagram,
                          const struct client *client, uint64_t payload_bytes)
{
    const uint64_t request_bytes = datagram->frame_bytes;
    const uint64_t reply_bytes = frame_bytes_for(datagram->headers_bytes, payload_bytes);

    if (!fits_mtu(datagram, payload_bytes) ||
        (reply_bytes > request_bytes && !resize(context, datagram, reply_bytes)))
        return pass(client, OFFLOAD_PASSED_ROOM);
    if (take(client))
        return XDP_TX;
    resize(context, datagram, request_bytes);
    return XDP_PASS;
}

/* The checksum stays the same when addresses and ports are swapped. */
INLINE int reply_echo(struct xdp_md *context, struct datagram *datagram,
                      const struct client *client)
{
    const int action = take_with_room(context, datagram, client, datagram->payload_bytes);
    if (action != XDP_TX)
        return action;
    if (!resize(context, datagram,
                frame_bytes_for(datagram->headers_bytes, datagram->payload_bytes)) ||
        !clear_padding(context, datagram->headers_bytes, datagram->payload_bytes) ||
        !write_headers(context, datagram, client, datagram->payload_bytes, datagram->udp.check))
        return XDP_ABORTED;
    count(client, OFFLOAD_REPLIED);
    return XDP_TX;
}

/* Takes the next message of a rotation. Returns NULL for one that does not fit, which the server
 * does not set. */
INLINE const struct offload_message *next_message(struct offload_rotation *rotation,
                                                  uint32_t number, uint64_t count)
{
    const uint64_t turn = __sync_fetch_and_add(&rotation->turns, 1);
    const uint32_t index = number * OFFLOAD_MESSAGES_MAX + (uint32_t)(turn % count);

    return map_lookup(&table_messages, &index);
}

INLINE int send_message(struct xdp_md *context, struct datagram *datagram,
                        const struct client *client, const struct offload_message *message)
{
    const uint64_t size = message->size;
    const uint64_t sum =
        sum_words(sum_pseudo_header(datagram->addresses_sum, size), &datagram->udp, 4) +
        network16((uint16_t)(sizeof(struct udphdr) + size)) + message->sum;

    if (size > OFFLOAD_MESSAGE_BYTES ||
        !resize(context, datagram, frame_bytes_for(datagram->headers_bytes, size)) ||
        !write_headers(context, datagram, client, size, udp_checksum(sum)) ||
        !write_message(context, datagram->headers_bytes, message, size))
        return XDP_ABORTED;
    count(client, OFFLOAD_REPLIED);
    return XDP_TX;
}

INLINE int reply_rotate(struct xdp_md *context, struct datagram *datagram,
                        const struct client *client)
{
    const uint32_t number = offload_settings_rotation(client->settings);
    struct offload_rotation *rotation = map_lookup(&table_rotations, &number);

    if (rotation == NULL)
        return pass(client, OFFLOAD_PASSED_SETTINGS);
    const uint64_t count = rotation->count, max_bytes = rotation->max_bytes;
    if (count == 0 || count > OFFLOAD_MESSAGES_MAX || max_bytes > OFFLOAD_MESSAGE_BYTES)
        return pass(client, OFFLOAD_PASSED_SETTINGS);
    const int action = take_with_room(context, datagram, client, max_bytes);
    if (action != XDP_TX)
        return action;
    const struct offload_message *message = next_message(rotation, number, count);
    return message != NULL ? send_message(context, datagram, client, message) : XDP_ABORTED;
}

/* ---- the decision ---- */

INLINE bool is_frame(const struct xdp_md *context, const struct datagram *datagram)
{
    const uint8_t *payload = frame_of(context) + datagram->headers_bytes;

    return datagram->payload_bytes >= sizeof FRAME_MAGIC &&
           payload + sizeof FRAME_MAGIC <= frame_end(context) &&
           *(const uint32_t *)(const void *)payload == FRAME_MAGIC;
}

INLINE int answer(struct xdp_md *context, struct datagram *datagram, const struct offload_key *key,
                  uint64_t address_words)
{
    struct client client;

    if (!find_client(key, address_words, &client))
        return XDP_PASS;
    note_next_hop(context, &client);
    if (!is_current(&client))
        return pass(&client, OFFLOAD_PASSED_SETTINGS);
    if (datagram->payload_bytes > OFFLOAD_REQUEST_BYTES ||
        datagram->payload_bytes > offload_settings_max_bytes(client.settings))
        return pass(&client, OFFLOAD_PASSED_SIZE);
    if (is_frame(context, datagram))
        return pass(&client, OFFLOAD_PASSED_FRAME);
    if (!check(context, datagram))
        return pass(&client, OFFLOAD_PASSED_CHECKSUM);
    switch (offload_settings_reply(client.settings)) {
    case OFFLOAD_ROTATE:
        return reply_rotate(context, datagram, &client);
    case OFFLOAD_ECHO:
        return reply_echo(context, datagram, &client);
    default:
        return reply_silently(&client);
    }
}

/* Returns the word of the interface that the frame came by, 0: none. */
INLINE uint64_t find_ingress(const struct xdp_md *context)
{
    const uint32_t first = 0, index = context->ingress_ifindex;
    const struct offload_ingress *ingress = map_lookup(&table_ingress, &first);

    if (ingress == NULL)
        return 0;
    UNROLL
    for (int i = 0; i < OFFLOAD_INGRESS_MAX; i++) {
        const uint64_t found = load64(&ingress->interfaces[i]);
        if (offload_ingress_index(found) == index)
            return found;
    }
    return 0;
}

INLINE int answer_ipv4(struct xdp_md *context, uint64_t ingress)
{
    struct datagram datagram = {.ingress = ingress,
                                .headers_bytes = IPV4_HEADERS_BYTES,
                                .frame_bytes = frame_length(context)};
    struct offload_key key;

    if (!parse_ipv4(context, &datagram, &key))
        return XDP_PASS;
    return answer(context, &datagram, &key, OFFLOAD_ADDRESS_WORDS4);
}

INLINE int answer_ipv6(struct xdp_md *context, uint64_t ingress)
{
    struct datagram datagram = {.is_ipv6 = true,
                                .ingress = ingress,
                                .headers_bytes = IPV6_HEADERS_BYTES,
                                .frame_bytes = frame_length(context)};
    struct offload_key key;

    if (!parse_ipv6(context, &datagram, &key))
        return XDP_PASS;
    return answer(context, &datagram, &key, OFFLOAD_ADDRESS_WORDS6);
}

__attribute__((section("xdp"))) int xdp_program(struct xdp_md *context);

int xdp_program(struct xdp_md *context)
{
    const struct ethhdr *ethernet = (const void *)frame_of(context);
    int action;

    if (send_copy(context, &action))
        return action;
    if ((const uint8_t *)(ethernet + 1) > frame_end(context))
        return XDP_PASS;
    /* A reply to a multicast or broadcast address of Ethernet would come from that address. */
    if ((ethernet->h_dest[0] & 1) != 0)
        return XDP_PASS;
    const bool is_ipv4 = ethernet->h_proto == network16(ETH_P_IP);
    const uint64_t ingress = find_ingress(context);
    if (ingress == 0)
        return XDP_PASS;
    if (is_ipv4)
        return answer_ipv4(context, ingress);
    if (ethernet->h_proto == network16(ETH_P_IPV6))
        return answer_ipv6(context, ingress);
    return XDP_PASS;
}
