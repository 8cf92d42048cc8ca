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
#include "copies.bpf.h"
#include "packet.bpf.h"

#include "admission/rate_buckets.h"
#include "base/token_bucket.h"
#include "offload/offload_tables.h"

/* The tables, by the names that enum offload_table of net/offload/offload_program has. The loader
 * puts their descriptors into the instructions that load these addresses. */
extern struct table table_index, table_records, table_workers, table_rotations, table_messages,
    table_counters, table_rate_buckets;

/* Functions of the kernel, by their numbers in linux/bpf.h. */
static int64_t (*const sum_difference)(const void *from, uint32_t from_bytes, const void *to,
                                       uint32_t to_bytes,
                                       uint32_t sum) = (void *)BPF_FUNC_csum_diff;
static uint64_t (*const boot_time_ns)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;

enum {
    IPV4_MORE_FRAGMENTS_OR_OFFSET = 0x3fff,

    /* Attempts to renew a client that other processors renew at the same time. */
    RENEWALS_MAX = 4,
};

/* The first bytes of a frame of the protocol (wire/frame), as a word in memory. */
static const uint32_t FRAME_MAGIC = 0x50445500;

/* What is known of a datagram. Numbers that stay in use have 64 bits here and below: without
 * CAP_PERFMON the verifier refuses to keep 32 bits on the stack where a pointer was before. */
struct datagram {
    bool is_ipv6;
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
 * kernel): that is completed in *datagram. */
INLINE bool check(const struct xdp_md *context, struct datagram *datagram)
{
    const uint64_t pseudo = sum_pseudo_header(datagram->addresses_sum, datagram->payload_bytes);
    const uint16_t found = datagram->udp.check;

    if (found == 0)
        return !datagram->is_ipv6;
    const uint64_t header = sum_words(pseudo, &datagram->udp, offsetof(struct udphdr, check));
    datagram->udp.check = udp_checksum(sum_payload(header, context, datagram));
    return found == datagram->udp.check || found == fold(pseudo);
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
    key->ports = offload_ports(udp->source, udp->dest, 4);
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
    key->ports = offload_ports(udp->source, udp->dest, IPV6_VERSION);
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
                          uint64_t payload_bytes, uint16_t checksum)
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
        write_ipv4(header, header->daddr, header->saddr, payload_bytes);
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

/* ---- the client ---- */

/* What the tables have for the client of a datagram. */
struct client {
    struct offload_record *record;
    uint64_t counters; /* the index of its worker's first one */
    uint64_t settings; /* of its worker */
    uint64_t ttl_ms;   /* likewise */
    uint64_t now_ms;
    uint64_t tag;
    const struct offload_worker *worker;
};

INLINE uint64_t load64(const uint64_t *shared)
{
    return *(const volatile uint64_t *)shared;
}

/* Returns the entry with that mark in a line of the index, or 0. */
INLINE uint64_t find_entry(uint32_t number, uint64_t mark)
{
    const struct offload_index_line *line = map_lookup(&table_index, &number);
    uint64_t entry = 0;

    if (line == NULL)
        return 0;
    UNROLL
    for (int i = 0; i < OFFLOAD_LINE_CLIENTS; i++) {
        const uint64_t found = load64(&line->entries[i]);
        if (offload_entry_mark(found) == mark)
            entry = found;
    }
    return entry;
}

/* Whether the record has the key. It may be given to another client at the same time, and have some
 * words of that one's key; then it has not the tag of the entry any more. */
INLINE bool has_key(const struct offload_record *record, const struct offload_key *key,
                    uint64_t address_words)
{
    uint64_t difference = offload_ports_without_worker(load64(&record->key.ports)) ^ key->ports;

    UNROLL
    for (uint64_t i = 0; i < address_words; i++)
        difference |= load64(&record->key.addresses[i]) ^ key->addresses[i];
    return difference == 0;
}

/* Returns whether an entry names the client of the key. */
INLINE bool take_entry(uint64_t entry, const struct offload_key *key, uint64_t address_words,
                       struct client *client)
{
    const uint32_t number = offload_entry_record(entry);

    if (entry == 0)
        return false;
    client->tag = offload_entry_tag(entry);
    client->record = map_lookup(&table_records, &number);
    return client->record != NULL && has_key(client->record, key, address_words);
}

/* Returns false if the source is not a client of the tables. */
INLINE bool find_record(const struct offload_key *key, uint64_t address_words,
                        struct client *client)
{
    const uint32_t first = 0;
    const struct offload_index_head *head = map_lookup(&table_index, &first);

    if (head == NULL)
        return false;
    const uint64_t hash = offload_key_hash(head, key, address_words);
    UNROLL
    for (int i = 0; i < OFFLOAD_LINES_EACH; i++) {
        const uint32_t line = offload_hash_line(hash, i, head->lines);
        if (take_entry(find_entry(line, offload_hash_mark(hash)), key, address_words, client))
            return true;
    }
    return false;
}

/* Likewise, or if its worker does not exist. */
INLINE bool find_client(const struct offload_key *key, uint64_t address_words,
                        struct client *client)
{
    if (!find_record(key, address_words, client))
        return false;
    const uint32_t worker = offload_ports_worker(load64(&client->record->key.ports));
    const struct offload_worker *settings = map_lookup(&table_workers, &worker);
    if (settings == NULL)
        return false;
    client->worker = settings;
    client->counters = (uint64_t)worker * OFFLOAD_COUNTERS;
    client->settings = load64(&settings->settings);
    client->ttl_ms = load64(&settings->ttl_ms);
    client->now_ms = boot_time_ns() / 1000000;
    return true;
}

INLINE bool has_record(const struct client *client)
{
    return offload_seen_tag(load64(&client->record->seen)) == client->tag;
}

INLINE uint64_t next_hop_of(const struct xdp_md *context)
{
    const uint8_t *frame = frame_of(context);
    const uint16_t *source = (const void *)(frame + offsetof(struct ethhdr, h_source));
    uint64_t next_hop = (uint64_t)(uint16_t)context->ingress_ifindex << 48;

    if (frame + sizeof(struct ethhdr) > frame_end(context))
        return 0;
    UNROLL
    for (int i = 0; i < ETH_ALEN / 2; i++)
        next_hop |= (uint64_t)source[i] << (16 * i);
    return next_hop;
}

/* Stores where the client's datagram came from, for copies of a broadcast (copies.bpf.h). The
 * server may give the record to another client at the same time, which must not have it. */
INLINE void note_next_hop(const struct xdp_md *context, const struct client *client)
{
    const uint64_t next_hop = next_hop_of(context);

    if (!has_record(client))
        return;
    client->record->next_hop_ms = client->now_ms;
    if (load64(&client->record->next_hop) == next_hop)
        return;
    __sync_lock_test_and_set(&client->record->next_hop, next_hop); /* before the next load */
    if (!has_record(client))
        __sync_val_compare_and_swap(&client->record->next_hop, next_hop, 0);
}

/* Without CAP_PERFMON the verifier refuses an offset that differs by the path to it, which clang
 * makes of an index: so each counter is an entry of the table. */
INLINE void count(const struct client *client, enum offload_counter counter)
{
    const uint32_t index = (uint32_t)client->counters + counter;
    uint64_t *shared = map_lookup(&table_counters, &index);

    if (shared != NULL)
        (*shared)++;
}

INLINE int pass(const struct client *client, enum offload_counter reason)
{
    count(client, reason);
    return XDP_PASS;
}

/* Whether the server still wants the program to answer for the client, and it has not expired. The
 * server may have seen it later than the program, which has read the clock before. */
INLINE bool is_current(const struct client *client)
{
    const enum offload_reply reply = offload_settings_reply(client->settings);
    const uint64_t seen = load64(&client->record->seen);

    return (reply == OFFLOAD_ROTATE || reply == OFFLOAD_ECHO || reply == OFFLOAD_SILENT) &&
           client->record->generation == offload_settings_generation(client->settings) &&
           offload_seen_tag(seen) == client->tag &&
           client->now_ms < offload_seen_ms(seen) + client->ttl_ms;
}

/* Returns false if the server has ended the client in the meantime. */
INLINE bool renew(const struct client *client)
{
    uint64_t *shared = &client->record->seen;
    const uint64_t now = offload_seen(client->now_ms, (uint32_t)client->tag);
    uint64_t seen = load64(shared);

    UNROLL
    for (int i = 0; i < RENEWALS_MAX; i++) {
        if (offload_seen_tag(seen) != client->tag)
            return false;
        const uint64_t found = seen < now ? __sync_val_compare_and_swap(shared, seen, now) : seen;
        if (found == seen) {
            __sync_fetch_and_add(&client->record->received, 1);
            return true;
        }
        seen = found;
    }
    return false;
}

/* ---- the rate ---- */

INLINE void store64(uint64_t *shared, uint64_t value)
{
    *(volatile uint64_t *)shared = value;
}

/* Returns the bucket of a tag, or NULL if there is none: user space makes it. */
INLINE struct rate_bucket *find_bucket(uint64_t tag)
{
    const uint32_t block = rate_bucket_block_of(tag);
    struct rate_bucket_set *set = map_lookup(&table_rate_buckets, &block);

    if (set == NULL)
        return NULL;
    UNROLL
    for (int i = 0; i < RATE_LIMITER_WAYS; i++)
        if (load64(&set->ways[i].tag) == tag)
            return &set->ways[i];
    return NULL;
}

/* Whether a bucket has a token, which is not taken yet. *full_ns is the time of the bucket
 * afterwards. */
INLINE bool has_token(const struct rate_bucket *bucket, const struct token_bucket *shared,
                      uint64_t now_ns, uint64_t *full_ns)
{
    const struct token_bucket limit = {load64(&shared->interval_ns), load64(&shared->slack_ns)};

    *full_ns = load64(&bucket->full_ns);
    return token_bucket_take(&limit, full_ns, now_ns);
}

/* Renews the client. Returns false, and counts that, if the datagram is passed on. */
INLINE bool take_without_rate(const struct client *client)
{
    if (renew(client))
        return true;
    count(client, OFFLOAD_PASSED_SETTINGS);
    return false;
}

/* Likewise, and takes a token from the bucket of its address and one from that of its prefix, as
 * rate_limiter_take does; or takes nothing: the server does so if the datagram is passed on. The
 * time is that of the workers, which take from the same buckets. */
INLINE bool take_by_rate(const struct client *client)
{
    const struct offload_worker *worker = client->worker;
    const uint64_t now_ns = client->now_ms * 1000000;
    uint64_t address_ns = 0, prefix_ns = 0;
    struct rate_bucket *address = find_bucket(load64(&client->record->address_hash)),
                       *prefix = find_bucket(load64(&client->record->prefix_hash));

    if (address == NULL || prefix == NULL ||
        !has_token(address, &worker->address_limit, now_ns, &address_ns) ||
        !has_token(prefix, &worker->prefix_limit, now_ns, &prefix_ns)) {
        count(client, OFFLOAD_PASSED_RATE);
        return false;
    }
    if (!take_without_rate(client))
        return false;
    store64(&address->full_ns, address_ns);
    store64(&prefix->full_ns, prefix_ns);
    return true;
}

/* Takes the datagram, which the program answers then. Returns false, and counts that, if it is
 * passed on. */
INLINE bool take(const struct client *client)
{
    return load64(&client->worker->address_limit.interval_ns) != 0 ? take_by_rate(client)
                                                                   : take_without_rate(client);
}

/* ---- replies ---- */

INLINE int reply_silently(const struct client *client)
{
    if (!take(client))
        return XDP_PASS;
    count(client, OFFLOAD_SILENCED);
    return XDP_DROP;
}

/* The frame gets room before the datagram is taken, since that may fail. */
INLINE int take_with_room(struct xdp_md *context, struct datagram *datagram,
                          const struct client *client, uint64_t payload_bytes)
{
    const uint64_t request_bytes = datagram->frame_bytes;
    const uint64_t reply_bytes = frame_bytes_for(datagram->headers_bytes, payload_bytes);

    if (reply_bytes > request_bytes && !resize(context, datagram, reply_bytes))
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
        !write_headers(context, datagram, datagram->payload_bytes, datagram->udp.check))
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
        !write_headers(context, datagram, size, udp_checksum(sum)) ||
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

INLINE int answer_ipv4(struct xdp_md *context)
{
    struct datagram datagram = {.headers_bytes = IPV4_HEADERS_BYTES,
                                .frame_bytes = frame_length(context)};
    struct offload_key key;

    if (!parse_ipv4(context, &datagram, &key))
        return XDP_PASS;
    return answer(context, &datagram, &key, OFFLOAD_ADDRESS_WORDS4);
}

INLINE int answer_ipv6(struct xdp_md *context)
{
    struct datagram datagram = {
        .is_ipv6 = true, .headers_bytes = IPV6_HEADERS_BYTES, .frame_bytes = frame_length(context)};
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
    if (ethernet->h_proto == network16(ETH_P_IP))
        return answer_ipv4(context);
    if (ethernet->h_proto == network16(ETH_P_IPV6))
        return answer_ipv6(context);
    return XDP_PASS;
}
