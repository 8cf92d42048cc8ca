#include "registry_fixture.h"

#include "base/prng.h"

#include <stdlib.h>

/* The actions of datagrams (join, renew, leave), expiry of all clients, and the prefix cap. */

enum { TTL_MS = 60000, START_MS = 1000 };

static enum registry_outcome record_action(struct shard *shard, struct addr source,
                                           enum registry_action action, uint64_t now_ms)
{
    const struct addr none = {.family = ADDR_NONE};
    struct registry_datagram datagram = {.source = &source, .local = &none, .action = action};
    size_t renewed = registry_update(shard->registry, 0, &datagram, 1, now_ms);
    cr_assert_eq(renewed, datagram.outcome == REGISTRY_RENEWED);
    return datagram.outcome;
}

Test(registry_admission, renew_renews_a_known_client_and_registers_no_unknown_one)
{
    struct shard shard = shard_new(10, TTL_MS, START_MS);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_RENEW, START_MS), REGISTRY_UNKNOWN);
    cr_assert_eq(registry_count(shard.registry), 0);
    record(&shard, ipv4_source(1), START_MS);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_RENEW, START_MS + TTL_MS - 1),
                 REGISTRY_RENEWED);
    cr_assert(is_live(&shard, ipv4_source(1), START_MS + 2 * TTL_MS - 2));
    cr_assert_eq(record_action(&shard, ipv6_source(1), REGISTRY_RENEW, START_MS), REGISTRY_UNKNOWN);
    shard_free(&shard);
}

Test(registry_admission, renew_does_not_renew_an_expired_client)
{
    struct shard shard = shard_new(10, TTL_MS, START_MS);
    record(&shard, ipv4_source(1), START_MS);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_RENEW, START_MS + TTL_MS),
                 REGISTRY_UNKNOWN);
    cr_assert_not(is_live(&shard, ipv4_source(1), START_MS + TTL_MS));
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_REJOINED);
    shard_free(&shard);
}

Test(registry_admission, leave_removes_a_client)
{
    struct shard shard = shard_new(10, TTL_MS, START_MS);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_UNKNOWN);
    record(&shard, ipv4_source(1), START_MS);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_LEFT);
    cr_assert_eq(registry_count(shard.registry), 0);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_UNKNOWN);
    shard_free(&shard);
}

/* A client that leaves moves others in the index, after the searches of the batch have begun. */
Test(registry_admission, finds_all_clients_after_others_left_in_the_same_batch)
{
    enum { CLIENTS = 64, BATCH = 64, ROUNDS = 3000 };
    struct shard shard = shard_new(CLIENTS, TTL_MS, START_MS);
    bool present[CLIENTS] = {false};
    struct prng prng;
    prng_init(&prng, 8);
    for (int round = 0; round < ROUNDS; round++) {
        const struct addr none = {.family = ADDR_NONE};
        struct addr sources[BATCH];
        struct registry_datagram datagrams[BATCH];
        enum registry_outcome expected[BATCH];
        size_t renewed = 0;
        for (int i = 0; i < BATCH; i++) {
            uint32_t client = (uint32_t)(prng_next(&prng) % CLIENTS);
            enum registry_action action = (enum registry_action)(prng_next(&prng) % 3);
            sources[i] = any_source(client);
            datagrams[i] =
                (struct registry_datagram){.source = &sources[i], .local = &none, .action = action};
            expected[i] = action == REGISTRY_LEAVE
                              ? present[client] ? REGISTRY_LEFT : REGISTRY_UNKNOWN
                          : present[client]         ? REGISTRY_RENEWED
                          : action == REGISTRY_JOIN ? REGISTRY_JOINED
                                                    : REGISTRY_UNKNOWN;
            present[client] =
                action == REGISTRY_JOIN || (action == REGISTRY_RENEW && present[client]);
            renewed += expected[i] == REGISTRY_RENEWED;
        }
        cr_assert_eq(registry_update(shard.registry, 0, datagrams, BATCH, START_MS), renewed);
        uint32_t count = 0;
        for (int i = 0; i < BATCH; i++)
            cr_assert_eq(datagrams[i].outcome, expected[i], "round %d, datagram %d: %d for %d",
                         round, i, (int)datagrams[i].outcome, (int)expected[i]);
        for (uint32_t client = 0; client < CLIENTS; client++)
            count += present[client];
        cr_assert_eq(registry_count(shard.registry), count);
    }
    shard_free(&shard);
}

Test(registry_admission, expires_all_clients_at_once)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    struct client clients[101];
    for (uint32_t i = 0; i < 100; i++)
        record(&shard, any_source(i), START_MS);
    registry_expire_all(shard.registry, START_MS + 10);
    cr_assert_eq(walk_all(&shard, START_MS + 10, clients), 0);
    cr_assert_not(is_live(&shard, any_source(1), START_MS + 10));
    cr_assert_eq(record_action(&shard, any_source(1), REGISTRY_RENEW, START_MS + 10),
                 REGISTRY_UNKNOWN);
    cr_assert_eq(record_action(&shard, any_source(1), REGISTRY_JOIN, START_MS + 10),
                 REGISTRY_REJOINED);
    cr_assert_eq(walk_all(&shard, START_MS + 10, clients), 1);
    /* The next sweep frees the places; the client that joined again stays. */
    cr_assert_eq(sweep(&shard, START_MS + 10), 99);
    cr_assert_eq(registry_count(shard.registry), 1);
    cr_assert(is_live(&shard, any_source(1), START_MS + TTL_MS + 9));
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS + 9), 0);
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS + 1000), 1);
    shard_free(&shard);
}

/* ---- prefixes ---- */

static struct prefix_counts *prefixes;

static void begin(void)
{
    size_t bytes = (prefix_counts_bytes(1000) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    cr_assert_not_null(memory);
    memset(memory, 0, bytes);
    prefixes = prefix_counts_init(memory, 1000, &shard_key);
}

static uint32_t counted(struct addr source)
{
    return prefix_counts_count(prefixes, &source);
}

Test(registry_admission, refuses_more_clients_of_a_prefix_than_its_cap_until_one_is_removed,
     .init = begin)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    registry_set_prefix_cap(shard.registry, prefixes, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(record_action(&shard, ipv4_source(i), REGISTRY_JOIN, START_MS),
                     REGISTRY_JOINED);
    cr_assert_eq(record_action(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS),
                 REGISTRY_PREFIX_FULL);
    cr_assert_eq(record_action(&shard, ipv4_source(256), REGISTRY_JOIN, START_MS), REGISTRY_JOINED);
    cr_assert_eq(record_action(&shard, ipv4_source(2), REGISTRY_JOIN, START_MS), REGISTRY_RENEWED);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_LEFT);
    cr_assert_eq(record_action(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS), REGISTRY_JOINED);
    cr_assert(remove_client(&shard, ipv4_source(3)));
    cr_assert_eq(counted(ipv4_source(0)), 2);
    sweep(&shard, START_MS + TTL_MS);
    cr_assert_eq(counted(ipv4_source(0)), 0);
    cr_assert_eq(counted(ipv4_source(256)), 0);
    free(prefixes);
    shard_free(&shard);
}

Test(registry_admission, counts_and_uncounts_only_clients_that_joined_after_the_table_was_set,
     .init = begin)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    record(&shard, ipv4_source(0), START_MS);
    record(&shard, ipv4_source(1), START_MS);
    registry_set_prefix_cap(shard.registry, prefixes, 2);
    record(&shard, ipv4_source(2), START_MS);
    cr_assert_eq(counted(ipv4_source(0)), 1);
    remove_client(&shard, ipv4_source(0));
    cr_assert_eq(counted(ipv4_source(0)), 1);
    /* A client that was not counted is counted when it joins again before the sweep. */
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_REJOINED);
    cr_assert_eq(counted(ipv4_source(0)), 2);
    cr_assert_eq(record_action(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_PREFIX_FULL);
    registry_set_prefix_cap(shard.registry, prefixes, 0);
    cr_assert_eq(record_action(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_JOINED);
    cr_assert_eq(counted(ipv4_source(0)), 3);
    sweep(&shard, START_MS + 3 * TTL_MS);
    cr_assert_eq(counted(ipv4_source(0)), 0);
    free(prefixes);
    shard_free(&shard);
}

Test(registry_admission, refuses_an_expired_client_whose_prefix_is_full_meanwhile, .init = begin)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    record(&shard, ipv4_source(0), START_MS);
    registry_set_prefix_cap(shard.registry, prefixes, 1);
    cr_assert_eq(record_action(&shard, ipv4_source(1), REGISTRY_JOIN, START_MS + 1),
                 REGISTRY_JOINED);
    cr_assert_eq(record_action(&shard, ipv4_source(0), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_PREFIX_FULL);
    cr_assert_not(is_live(&shard, ipv4_source(0), START_MS + TTL_MS));
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS + 200), 2);
    free(prefixes);
    shard_free(&shard);
}
