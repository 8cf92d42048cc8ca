#ifndef UNIT_REGISTRY_FIXTURE_H
#define UNIT_REGISTRY_FIXTURE_H

#include "registry/registry.h"

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A registry whose memory ends at a page that nobody may touch and begins behind guard bytes. */
struct shard {
    struct registry *registry;
    uint32_t capacity;
    uint8_t *area; /* guard bytes, the registry's memory, the forbidden page */
    size_t guard_bytes, area_bytes;
};

enum { SHARD_GUARD = 0xa5 };

static const struct siphash_key shard_key = {
    .k0 = UINT64_C(0x0706050403020100),
    .k1 = UINT64_C(0x0f0e0d0c0b0a0908),
};

static inline struct shard shard_new(uint32_t capacity, uint32_t ttl_ms, uint64_t now_ms)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = registry_bytes(capacity);
    struct shard shard = {.capacity = capacity, .area_bytes = (bytes / page + 3) * page};
    shard.area = mmap(NULL, shard.area_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq(shard.area, MAP_FAILED);
    cr_assert_eq(mprotect(shard.area + shard.area_bytes - page, page, PROT_NONE), 0);
    shard.guard_bytes = shard.area_bytes - page - bytes;
    cr_assert_eq(shard.guard_bytes % 64, 0, "%zu bytes can't end aligned to 64", bytes);
    memset(shard.area, SHARD_GUARD, shard.guard_bytes);
    shard.registry =
        registry_init(shard.area + shard.guard_bytes, capacity, &shard_key, ttl_ms, now_ms);
    cr_assert_not_null(shard.registry);
    return shard;
}

static inline void shard_free(struct shard *shard)
{
    for (size_t i = 0; i < shard->guard_bytes; i++)
        cr_assert_eq(shard->area[i], SHARD_GUARD, "%zu bytes before its memory",
                     shard->guard_bytes - i);
    cr_assert_eq(munmap(shard->area, shard->area_bytes), 0);
}

/* Sources that differ in the IP alone. */
static inline struct addr ipv4_source(uint32_t n)
{
    return (struct addr){
        .ip = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
        .port = 4000,
        .family = ADDR_IPV4,
    };
}

static inline struct addr ipv6_source(uint32_t n)
{
    struct addr source = {.ip = {0x20, 0x01, 0x0d, 0xb8}, .port = 4000, .family = ADDR_IPV6};
    for (int i = 0; i < 4; i++)
        source.ip[12 + i] = (uint8_t)(n >> (24 - 8 * i));
    return source;
}

/* Both families in turn. */
static inline struct addr any_source(uint32_t n)
{
    return n % 2 ? ipv6_source(n) : ipv4_source(n);
}

/* A datagram alone. */
static inline enum registry_touched touch_at(struct shard *shard, uint8_t listener,
                                             struct addr source, struct addr local, uint64_t now_ms)
{
    struct registry_visit visit = {.source = &source, .local = &local};
    size_t renewed = registry_touch(shard->registry, listener, &visit, 1, now_ms);
    cr_assert_eq(renewed, visit.touched == REGISTRY_RENEWED);
    return visit.touched;
}

/* A datagram on listener 0, through a socket that says our address itself. */
static inline enum registry_touched touch(struct shard *shard, struct addr source, uint64_t now_ms)
{
    return touch_at(shard, 0, source, (struct addr){.family = ADDR_NONE}, now_ms);
}

/* The hash of a source on listener 0. */
static inline uint64_t hash_of(struct addr source)
{
    const struct key key = key_of(0, &source);
    return key_hash(siphash_begin(&shard_key), &key);
}

static inline bool is_live(struct shard *shard, struct addr source, uint64_t now_ms)
{
    return registry_find(shard->registry, 0, &source, now_ms, NULL);
}

static inline bool take_out(struct shard *shard, struct addr source)
{
    return registry_remove(shard->registry, 0, &source);
}

/* A client that must be live. */
static inline struct client found(struct shard *shard, struct addr source, uint64_t now_ms)
{
    struct client client;
    cr_assert(registry_find(shard->registry, 0, &source, now_ms, &client));
    return client;
}

/* A sweep without a bound to its slices; returns the number of evicted. */
static inline uint64_t sweep(struct shard *shard, uint64_t now_ms)
{
    uint64_t expired = 0;
    while (registry_sweep(shard->registry, now_ms, 1000, &expired))
        continue;
    return expired;
}

/* All that a walk over all gives; clients has room for one more than the capacity. */
static inline size_t walk_all(struct shard *shard, uint64_t now_ms, struct client *clients)
{
    struct registry_walk walk = registry_walk_all();
    size_t count = 0;
    while (!walk.ended)
        count += registry_walk(shard->registry, &walk, now_ms, clients + count,
                               shard->capacity - count + 1);
    return count;
}

static inline bool addr_same(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* A pseudo-random number below `below` (at most 2^31), the same at each run. */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % below);
}

#endif
