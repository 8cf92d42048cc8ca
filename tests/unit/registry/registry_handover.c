/* A registry that is handed over to another process: the second one maps the same block, and goes
 * on exactly as the first one would have. */
#include "registry_fixture.h"

#include "os/process/memory.h"
#include "registry/registry_restore.h"

#include <errno.h>
#include <stdlib.h>

enum { TTL_MS = 60000, CAPACITY = 200, SOURCES = 300 };

/* A registry in a block that other processes can map. */
struct handed {
    struct shared_memory block;
    struct shard shard; /* only its registry and capacity */
};

static struct handed first_of(uint32_t capacity, uint64_t now_ms)
{
    struct handed first;
    cr_assert_eq(memory_reserve_shared(&first.block, registry_bytes(capacity), 0), 0);
    first.shard = (struct shard){
        .registry = registry_new(first.block.memory, capacity, &shard_key, TTL_MS, now_ms),
        .capacity = capacity};
    return first;
}

/* As a process that begins later, with a key and a ttl of its own. */
static struct handed mapped_from(const struct handed *first, uint32_t ttl_ms)
{
    static const struct siphash_key other_key = {17, 4};
    struct handed next;
    uint32_t capacity = first->shard.capacity;
    cr_assert_eq(memory_map_shared(&next.block, dup(first->block.descriptor),
                                   registry_bytes(capacity), registry_index_bytes(capacity)),
                 0);
    next.shard = (struct shard){
        .registry = registry_new(next.block.memory, capacity, &other_key, ttl_ms, 12345),
        .capacity = capacity};
    return next;
}

static void free_handed(struct handed *handed)
{
    registry_free(handed->shard.registry);
    memory_release_shared(&handed->block);
}

static struct handover_writer record_of(const struct handed *handed)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    registry_hand_over(handed->shard.registry, &writer);
    handover_end(&writer);
    cr_assert_not(writer.failed);
    return writer;
}

static struct handover_reader reader_of(const struct handover_writer *writer)
{
    struct handover_reader reader = {.bytes = writer->bytes, .size = writer->size};
    cr_assert_eq(handover_next(&reader), 1);
    return reader;
}

/* Hands the registry over to a second one, and ends the first one's. */
static void hand_on(struct handed *handed, uint32_t ttl_ms)
{
    struct handed next = mapped_from(handed, ttl_ms);
    struct handover_writer writer = record_of(handed);
    struct handover_reader reader = reader_of(&writer);
    cr_assert_eq(registry_take_over(next.shard.registry, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_writer_free(&writer);
    free_handed(handed);
    *handed = next;
}

/* ---- a model: the same operations on a registry that is never handed over ---- */

static struct addr local_address(uint32_t n)
{
    return (struct addr){.ip = {192, 0, 2, (uint8_t)n}, .family = n == 0 ? ADDR_NONE : ADDR_IPV4};
}

static void update_both(struct shard *a, struct shard *b, uint64_t *state, uint64_t now_ms)
{
    enum { BATCH = 16 };
    struct registry_datagram datagrams[2][BATCH];
    struct addr sources[BATCH], locals[BATCH];
    size_t count = 1 + random_below(state, BATCH);
    for (size_t i = 0; i < count; i++) {
        uint32_t action = random_below(state, 10);
        sources[i] = any_source(random_below(state, SOURCES));
        locals[i] = local_address(random_below(state, 4));
        datagrams[0][i] = datagrams[1][i] = (struct registry_datagram){
            .source = &sources[i],
            .local = &locals[i],
            .action = action < 7   ? REGISTRY_JOIN
                      : action < 9 ? REGISTRY_RENEW
                                   : REGISTRY_LEAVE,
        };
    }
    uint8_t listener = (uint8_t)random_below(state, 2);
    cr_assert_eq(registry_update(a->registry, listener, datagrams[0], count, now_ms),
                 registry_update(b->registry, listener, datagrams[1], count, now_ms));
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(datagrams[0][i].outcome, datagrams[1][i].outcome);
        if (datagrams[0][i].outcome == REGISTRY_LEFT)
            cr_assert_eq(datagrams[0][i].was_named, datagrams[1][i].was_named);
    }
}

static void mark_both(struct shard *a, struct shard *b, uint64_t *state, uint64_t now_ms)
{
    struct addr source = any_source(random_below(state, SOURCES));
    struct client ours, theirs;
    bool is_found = registry_find(a->registry, 0, &source, now_ms, &ours);
    cr_assert_eq(is_found, registry_find(b->registry, 0, &source, now_ms, &theirs));
    if (!is_found)
        return;
    cr_assert_eq(ours.slot, theirs.slot);
    if (random_below(state, 2) == 0) {
        registry_set_frames(a->registry, ours.slot, true);
        registry_set_frames(b->registry, ours.slot, true);
    } else {
        registry_set_named(a->registry, ours.slot);
        registry_set_named(b->registry, ours.slot);
    }
}

static void sweep_both(struct shard *a, struct shard *b, uint32_t budget, uint64_t now_ms)
{
    uint64_t expired[2] = {0, 0};
    bool more = registry_sweep(a->registry, now_ms, budget, &expired[0]);
    cr_assert_eq(registry_sweep(b->registry, now_ms, budget, &expired[1]), more);
    cr_assert_eq(expired[0], expired[1]);
}

static void expect_same_clients(struct shard *a, struct shard *b, uint64_t now_ms)
{
    static struct client ours[CAPACITY + 1], theirs[CAPACITY + 1];
    size_t count = walk_all(a, now_ms, ours);
    cr_assert_eq(walk_all(b, now_ms, theirs), count);
    cr_assert_eq(registry_count(a->registry), registry_count(b->registry));
    cr_assert_eq(registry_ttl(a->registry), registry_ttl(b->registry));
    for (size_t i = 0; i < count; i++) {
        cr_assert(addr_is_same(&ours[i].source, &theirs[i].source));
        cr_assert(addr_is_same(&ours[i].local, &theirs[i].local));
        cr_assert_eq(ours[i].slot, theirs[i].slot);
        cr_assert_eq(ours[i].join_number, theirs[i].join_number);
        cr_assert_eq(ours[i].idle_ms, theirs[i].idle_ms);
        cr_assert_eq(ours[i].age_s, theirs[i].age_s);
        cr_assert_eq(ours[i].received, theirs[i].received);
        cr_assert_eq(ours[i].listener, theirs[i].listener);
        cr_assert_eq(ours[i].frames, theirs[i].frames);
        cr_assert_eq(ours[i].named, theirs[i].named);
        cr_assert_eq(registry_left_ms(a->registry, ours[i].slot, now_ms),
                     registry_left_ms(b->registry, theirs[i].slot, now_ms));
    }
}

Test(registry_handover, goes_on_as_one_that_was_never_handed_over)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t state = seed, now_ms = 1000000;
        uint32_t ttl_ms = TTL_MS;
        struct shard model = shard_new(CAPACITY, TTL_MS, now_ms);
        struct handed handed = first_of(CAPACITY, now_ms);
        for (int step = 0; step < 1500; step++) {
            uint32_t kind = random_below(&state, 100);
            if (kind < 60) {
                update_both(&model, &handed.shard, &state, now_ms);
            } else if (kind < 75) {
                mark_both(&model, &handed.shard, &state, now_ms);
            } else if (kind < 90) {
                sweep_both(&model, &handed.shard, 1 + random_below(&state, 20), now_ms);
            } else if (kind < 92) {
                ttl_ms = 1000 + random_below(&state, 2 * TTL_MS);
                registry_set_ttl(model.registry, ttl_ms);
                registry_set_ttl(handed.shard.registry, ttl_ms);
            } else if (kind < 93) {
                registry_expire_all(model.registry, now_ms);
                registry_expire_all(handed.shard.registry, now_ms);
            } else if (kind < 95) {
                hand_on(&handed, ttl_ms);
            }
            now_ms += random_below(&state, 400);
        }
        expect_same_clients(&model, &handed.shard, now_ms);
        free_handed(&handed);
        shard_free(&model);
    }
}

Test(registry_handover, changes_no_byte_of_the_block)
{
    struct handed first = first_of(CAPACITY, 0);
    for (uint32_t n = 0; n < 100; n++)
        record(&first.shard, any_source(n), n);
    void *before = malloc(first.block.bytes);
    memcpy(before, first.block.memory, first.block.bytes);
    struct handed next = mapped_from(&first, TTL_MS / 2);
    struct handover_writer writer = record_of(&first);
    struct handover_reader reader = reader_of(&writer);
    cr_assert_eq(registry_take_over(next.shard.registry, &reader), 0);
    cr_assert_eq(memcmp(before, first.block.memory, first.block.bytes), 0);
    cr_assert_eq(find_live(&first.shard, any_source(7), 200).received, 1, "it can go on");
    cr_assert_eq(record(&first.shard, any_source(7), 300), REGISTRY_RENEWED);
    handover_writer_free(&writer);
    free(before);
    free_handed(&next);
    free_handed(&first);
}

Test(registry_handover, applies_another_ttl_from_the_next_datagram_of_a_client_on)
{
    struct handed handed = first_of(CAPACITY, 0);
    record(&handed.shard, any_source(1), 0);
    record(&handed.shard, any_source(2), 0);
    hand_on(&handed, TTL_MS / 2);
    cr_assert_eq(registry_ttl(handed.shard.registry), TTL_MS / 2);
    record(&handed.shard, any_source(2), 10);
    cr_assert_not(is_live(&handed.shard, any_source(2), 10 + TTL_MS / 2));
    cr_assert(is_live(&handed.shard, any_source(1), TTL_MS - 1));
    cr_assert_not(is_live(&handed.shard, any_source(1), TTL_MS));
    free_handed(&handed);
}

Test(registry_handover, to_another_capacity_is_refused)
{
    struct handed first = first_of(CAPACITY, 0), other = first_of(CAPACITY + 1, 0);
    cr_assert_neq(registry_layout(CAPACITY), registry_layout(CAPACITY + 1));
    struct handover_writer writer = record_of(&first);
    struct handover_reader reader = reader_of(&writer);
    cr_assert_eq(registry_take_over(other.shard.registry, &reader), -EPROTO);
    handover_writer_free(&writer);
    free_handed(&other);
    free_handed(&first);
}

Test(registry_handover, that_fails_changes_nothing)
{
    struct handed first = first_of(CAPACITY, 0), other = first_of(CAPACITY, 0);
    for (uint32_t n = 0; n < 50; n++)
        record(&first.shard, any_source(n), 0);
    record(&other.shard, any_source(200), 0);
    struct handover_writer writer = record_of(&first);
    enum { HEAD = 9 /* the type and the length */ };
    for (size_t size = HEAD; size < writer.size; size += 3) {
        struct handover_reader reader = {
            .bytes = writer.bytes, .size = size, .at = HEAD, .end = size};
        cr_assert_eq(registry_take_over(other.shard.registry, &reader), -EPROTO, "%zu bytes", size);
        cr_assert_eq(registry_count(other.shard.registry), 1);
    }
    /* Each byte of the numbers before the table of ttls: what cannot be is refused, and what can be
     * is not used by this test. */
    writer.bytes[HEAD] ^= 1;
    struct handover_reader reader = reader_of(&writer);
    cr_assert_eq(registry_take_over(other.shard.registry, &reader), -EPROTO, "another layout");
    cr_assert(is_live(&other.shard, any_source(200), 1));
    cr_assert_not(is_live(&other.shard, any_source(7), 1));
    handover_writer_free(&writer);
    free_handed(&other);
    free_handed(&first);
}

/* ---- clients by prefix ---- */

static struct prefix_counts *new_prefixes(void **memory)
{
    size_t bytes = (prefix_counts_bytes(CAPACITY) + 63) / 64 * 64;
    *memory = aligned_alloc(64, bytes);
    memset(*memory, 0, bytes);
    return prefix_counts_init(*memory, CAPACITY, &shard_key);
}

Test(registry_handover, keeps_the_counts_of_prefixes)
{
    void *memory;
    struct prefix_counts *prefixes = new_prefixes(&memory);
    struct handed first = first_of(CAPACITY, 0);
    struct addr source = ipv4_source(1), uncounted = ipv4_source(2);
    record(&first.shard, uncounted, 0);
    registry_set_prefix_cap(first.shard.registry, prefixes, 0);
    record(&first.shard, source, 0);
    cr_assert_eq(prefix_counts_count(prefixes, &source), 1);
    struct handed next = mapped_from(&first, TTL_MS);
    registry_set_prefix_cap(next.shard.registry, prefixes, 0);
    struct handover_writer writer = record_of(&first);
    struct handover_reader reader = reader_of(&writer);
    cr_assert_eq(registry_take_over(next.shard.registry, &reader), 0);
    cr_assert(remove_client(&next.shard, uncounted));
    cr_assert_eq(prefix_counts_count(prefixes, &source), 1, "it was never counted");
    cr_assert(remove_client(&next.shard, source));
    cr_assert_eq(prefix_counts_count(prefixes, &source), 0);
    handover_writer_free(&writer);
    free_handed(&next);
    free_handed(&first);
    free(memory);
}

Test(registry_handover, counts_all_clients_in_a_new_table_of_prefixes)
{
    void *memory;
    struct handed handed = first_of(CAPACITY, 0);
    struct prefix_counts *prefixes = new_prefixes(&memory);
    for (uint32_t n = 0; n < 10; n++)
        record(&handed.shard, ipv4_source(n), 0);
    hand_on(&handed, TTL_MS);
    registry_set_prefix_cap(handed.shard.registry, prefixes, 11);
    registry_recount_prefixes(handed.shard.registry);
    struct addr source = ipv4_source(1);
    cr_assert_eq(prefix_counts_count(prefixes, &source), 10);
    cr_assert_eq(record(&handed.shard, ipv4_source(100), 0), REGISTRY_JOINED);
    cr_assert_eq(record(&handed.shard, ipv4_source(101), 0), REGISTRY_PREFIX_FULL);
    for (uint32_t n = 0; n < 10; n++)
        cr_assert(remove_client(&handed.shard, ipv4_source(n)));
    cr_assert_eq(prefix_counts_count(prefixes, &source), 1);
    free_handed(&handed);
    free(memory);
}
