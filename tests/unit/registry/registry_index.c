/* How the registry uses its index: runs of cells that wrap around, gaps, and equal tags. */
#include "registry_fixture.h"

#include <endian.h>
#include <stdlib.h>

enum { TTL_MS = 60000 };

/* The index of capacity 5 has 8 cells; the search for a hash starts at the cell of its top bits. */
enum { SMALL = 5, SMALL_CELLS = 8 };

/* The next source from n on whose search starts at the given cell. */
static uint32_t source_starting_at(uint32_t n, uint32_t cell)
{
    while (hash_of(any_source(n)) / (UINT64_MAX / SMALL_CELLS + 1) != cell)
        n++;
    return n;
}

/* Removes the clients in the order with the given number, and checks that the others are found. */
static void remove_in_order(struct shard *shard, const uint32_t clients[SMALL], uint32_t order)
{
    bool present[SMALL];
    for (uint32_t i = 0; i < SMALL; i++) {
        present[i] = true;
        cr_assert_eq(record(shard, any_source(clients[i]), 0), REGISTRY_JOINED);
    }
    for (uint32_t left = SMALL; left > 0; left--) {
        uint32_t choice = order % left;
        order /= left;
        uint32_t gone = 0;
        while (!present[gone] || choice-- > 0)
            gone++;
        present[gone] = false;
        cr_assert(remove_client(shard, any_source(clients[gone])));
        for (uint32_t i = 0; i < SMALL; i++) {
            cr_assert_eq(is_live(shard, any_source(clients[i]), 0), present[i]);
            if (present[i])
                cr_assert_eq(record(shard, any_source(clients[i]), 0), REGISTRY_RENEWED);
        }
    }
}

Test(registry_index, closes_every_gap_of_a_run_that_wraps_in_every_order_of_removal)
{
    /* Searches start at or near the last cell, so that runs wrap around in many ways. */
    static const uint32_t starts[][SMALL] = {{7, 7, 7, 7, 7}, {7, 0, 7, 0, 7}, {6, 7, 0, 1, 2},
                                             {6, 6, 7, 7, 0}, {5, 7, 5, 7, 0}, {0, 7, 6, 5, 7},
                                             {7, 1, 7, 0, 1}, {3, 7, 7, 3, 3}};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct shard shard = shard_new(SMALL, TTL_MS, 0);
        uint32_t clients[SMALL], next = 0;
        for (size_t k = 0; k < SMALL; k++, next++)
            clients[k] = next = source_starting_at(next, starts[i][k]);
        for (uint32_t order = 0; order < 5 * 4 * 3 * 2; order++)
            remove_in_order(&shard, clients, order);
        shard_free(&shard);
    }
}

Test(registry_index, registers_new_clients_of_one_batch_that_need_the_same_cell)
{
    static const enum registry_outcome first[SMALL] = {
        REGISTRY_JOINED, REGISTRY_JOINED, REGISTRY_JOINED, REGISTRY_JOINED, REGISTRY_JOINED};
    static const enum registry_outcome again[SMALL] = {
        REGISTRY_RENEWED, REGISTRY_RENEWED, REGISTRY_RENEWED, REGISTRY_RENEWED, REGISTRY_RENEWED};
    struct shard shard = shard_new(SMALL, TTL_MS, 0);
    uint32_t clients[SMALL], next = 0;
    for (size_t i = 0; i < SMALL; i++, next++)
        clients[i] = next = source_starting_at(next, SMALL_CELLS - 1);
    record_batch(&shard, clients, first, SMALL);
    record_batch(&shard, clients, again, SMALL);
    for (size_t i = 0; i < SMALL; i++)
        cr_assert(remove_client(&shard, any_source(clients[i])));
    shard_free(&shard);
}

struct hashed {
    uint64_t hash;
    uint32_t n;
};

static int compare_hashed(const void *left, const void *right)
{
    const struct hashed *a = left, *b = right;
    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

Test(registry_index, distinguishes_clients_with_the_same_cell_and_the_same_tag)
{
    /* A small index uses the top 3 bits and the low 28 bits of a hash. */
    enum { SOURCES = 250000, COLLISIONS = 5 };
    struct shard shard = shard_new(SMALL, TTL_MS, 0);
    struct hashed *hashed = calloc(SOURCES, sizeof *hashed);
    cr_assert_not_null(hashed);
    for (uint32_t n = 0; n < SOURCES; n++) {
        uint64_t hash = hash_of(any_source(n));
        hashed[n] = (struct hashed){.hash = hash >> 61 << 28 | (hash & 0xfffffff), .n = n};
    }
    qsort(hashed, SOURCES, sizeof *hashed, compare_hashed);
    int collisions = 0;
    for (size_t i = 0; i + 1 < SOURCES && collisions < COLLISIONS; i++) {
        if (hashed[i].hash != hashed[i + 1].hash)
            continue;
        collisions++;
        struct addr a = any_source(hashed[i].n), b = any_source(hashed[i + 1].n);
        cr_assert_eq(record(&shard, a, 0), REGISTRY_JOINED);
        cr_assert_not(is_live(&shard, b, 0));
        cr_assert_eq(record(&shard, b, 0), REGISTRY_JOINED);
        cr_assert_eq(record(&shard, a, 0), REGISTRY_RENEWED);
        cr_assert(remove_client(&shard, a));
        cr_assert(is_live(&shard, b, 0));
        cr_assert(remove_client(&shard, b));
    }
    cr_assert_eq(collisions, COLLISIONS, "%d sources are too few", SOURCES);
    free(hashed);
    shard_free(&shard);
}

Test(registry_index, distinguishes_families_with_the_same_used_bits_of_the_hash)
{
    /* Found by search: the port and listener are equal, the IPv6 scope equals the IPv4 address, and
     * the hashes agree in the top 3 bits and the low 28. */
    const struct addr ipv4 = ipv4_source(12);
    struct addr ipv6 = ipv6_source(0xcded7c23);
    memcpy(&ipv6.scope, ipv4.ip, sizeof ipv6.scope);
    ipv6.scope = le32toh(ipv6.scope);
    for (int first = 0; first < 2; first++) {
        struct shard shard = shard_new(SMALL, TTL_MS, 0);
        cr_assert_eq((hash_of(ipv4) ^ hash_of(ipv6)) & UINT64_C(0xe00000000fffffff), 0);
        cr_assert_eq(record(&shard, first ? ipv4 : ipv6, 0), REGISTRY_JOINED);
        cr_assert_not(is_live(&shard, first ? ipv6 : ipv4, 0));
        cr_assert_eq(record(&shard, first ? ipv6 : ipv4, 0), REGISTRY_JOINED);
        cr_assert(remove_client(&shard, ipv4));
        cr_assert(is_live(&shard, ipv6, 0));
        shard_free(&shard);
    }
}
