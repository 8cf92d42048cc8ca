/* The client of a datagram: how the program finds it in the index, renews it in its record, and
 * takes the tokens of its rate. offload/offload_tables has what the tables mean. */
#ifndef CLIENTS_BPF_H
#define CLIENTS_BPF_H

#include "packet.bpf.h"

#include "admission/rate_buckets.h"
#include "base/token_bucket.h"
#include "offload/client_index.h"
#include "offload/offload_tables.h"

extern struct table table_index, table_records, table_workers, table_counters, table_rate_buckets;

/* By its number in linux/bpf.h. */
static uint64_t (*const boot_time_ns)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;

enum {
    /* Attempts to renew a client that other processors renew at the same time, and to take a token
     * while others take from the bucket. */
    RENEWALS_MAX = 4,
    TOKEN_ATTEMPTS = 3,
};

/* What the tables have for the client of a datagram. */
struct client {
    struct offload_record *record;
    uint64_t counters; /* the index of its worker's first one */
    uint64_t settings; /* of its worker */
    uint64_t ttl_ms;   /* likewise */
    uint64_t now_ms;
    /* For a reply of IPv4: for each client another random number, as the hash has a secret, plus
     * the time in about microseconds, so that the client's replies have different ones. It takes
     * less time than a random number of the kernel. */
    uint64_t identification;
    uint64_t tag;
    const struct offload_worker *worker;
};

INLINE uint64_t load64(const uint64_t *shared)
{
    return *(const volatile uint64_t *)shared;
}

/* ---- the index ---- */

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

/* Returns whether an entry names the client of the key. The clock is read before the record, since
 * to read it waits for all loads before, and that of the record may come from memory. */
INLINE bool take_entry(uint64_t entry, const struct offload_key *key, uint64_t address_words,
                       struct client *client)
{
    const uint32_t number = offload_entry_record(entry);

    if (entry == 0)
        return false;
    client->tag = offload_entry_tag(entry);
    const uint64_t now_ns = boot_time_ns();
    client->now_ms = now_ns / 1000000;
    client->identification = now_ns >> 10;
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
        if (take_entry(find_entry(line, offload_hash_mark(hash)), key, address_words, client)) {
            client->identification += hash >> 32;
            return true;
        }
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
    return true;
}

/* ---- its record ---- */

INLINE bool has_record(const struct client *client)
{
    return offload_seen_tag(load64(&client->record->seen)) == client->tag;
}

INLINE uint64_t next_hop_of(const struct xdp_md *context)
{
    const uint8_t *frame = frame_of(context);
    const uint8_t *source = frame + offsetof(struct ethhdr, h_source);
    uint64_t next_hop = (uint64_t)(uint16_t)context->ingress_ifindex << 48;

    if (frame + sizeof(struct ethhdr) > frame_end(context))
        return 0;
    return next_hop | *(const uint16_t *)(const void *)source |
           (uint64_t) * (const uint32_t *)(const void *)(source + 2) << 16;
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

/* Returns the bucket of a tag, or NULL if there is none: user space makes it. */
INLINE struct rate_bucket *find_bucket(uint64_t tag)
{
    const uint32_t block = rate_bucket_block_of(tag);
    struct rate_bucket_set *set = map_lookup(&table_rate_buckets, &block);

    if (set == NULL || tag == 0) /* the tag of a free bucket */
        return NULL;
    UNROLL
    for (int i = 0; i < RATE_LIMITER_WAYS; i++)
        if (load64(&set->ways[i].tag) == tag)
            return &set->ways[i];
    return NULL;
}

/* The time of a bucket before and after a token was taken. */
struct taken {
    uint64_t before_ns, after_ns;
};

/* Takes a token, if there is one, that nobody else takes. */
INLINE bool take_token(struct rate_bucket *bucket, const struct token_bucket *shared,
                       uint64_t now_ns, struct taken *taken)
{
    const struct token_bucket limit = {load64(&shared->interval_ns), load64(&shared->slack_ns)};

    UNROLL
    for (int i = 0; i < TOKEN_ATTEMPTS; i++) {
        taken->before_ns = taken->after_ns = load64(&bucket->full_ns);
        if (!token_bucket_take(&limit, &taken->after_ns, now_ns))
            return false;
        if (__sync_val_compare_and_swap(&bucket->full_ns, taken->before_ns, taken->after_ns) ==
            taken->before_ns)
            return true;
    }
    return false;
}

/* The token is lost if another one was taken in the meantime. */
INLINE void give_back(struct rate_bucket *bucket, const struct taken *taken)
{
    __sync_val_compare_and_swap(&bucket->full_ns, taken->after_ns, taken->before_ns);
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
    struct taken of_address = {0, 0}, of_prefix = {0, 0};
    struct rate_bucket *address = find_bucket(load64(&client->record->address_hash)),
                       *prefix = find_bucket(load64(&client->record->prefix_hash));

    if (address == NULL || prefix == NULL ||
        !take_token(address, &worker->address_limit, now_ns, &of_address)) {
        count(client, OFFLOAD_PASSED_RATE);
        return false;
    }
    if (!take_token(prefix, &worker->prefix_limit, now_ns, &of_prefix)) {
        give_back(address, &of_address);
        count(client, OFFLOAD_PASSED_RATE);
        return false;
    }
    if (take_without_rate(client))
        return true;
    give_back(address, &of_address);
    give_back(prefix, &of_prefix);
    return false;
}

/* Takes the datagram, which the program answers then. Returns false, and counts that, if it is
 * passed on. */
INLINE bool take(const struct client *client)
{
    return load64(&client->worker->address_limit.interval_ns) != 0 ? take_by_rate(client)
                                                                   : take_without_rate(client);
}

#endif
