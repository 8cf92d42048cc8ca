#include "registry_fixture.h"

#include "base/prng.h"

#include <stdlib.h>

/* Who may join, who may only be renewed, who leaves, and how many of a prefix there may be. */

enum { TTL_MS = 60000, START_MS = 1000 };

static enum registry_outcome visit(struct shard *shard, struct addr source,
                                   enum registry_action verb, uint64_t now_ms)
{
    const struct addr none = {.family = ADDR_NONE};
    struct registry_datagram visit = {.source = &source, .local = &none, .verb = verb};
    size_t renewed = registry_update(shard->registry, 0, &visit, 1, now_ms);
    cr_assert_eq(renewed, visit.touched == REGISTRY_RENEWED);
    return visit.touched;
}

Test(registry_admission, renews_whom_it_knows_and_lets_no_stranger_join)
{
    struct shard shard = shard_new(10, TTL_MS, START_MS);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_RENEW, START_MS), REGISTRY_UNKNOWN);
    cr_assert_eq(registry_count(shard.registry), 0);
    touch(&shard, ipv4_source(1), START_MS);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_RENEW, START_MS + TTL_MS - 1),
                 REGISTRY_RENEWED);
    cr_assert(is_live(&shard, ipv4_source(1), START_MS + 2 * TTL_MS - 2));
    cr_assert_eq(visit(&shard, ipv6_source(1), REGISTRY_RENEW, START_MS), REGISTRY_UNKNOWN);
    shard_free(&shard);
}

Test(registry_admission, takes_one_whose_deadline_has_passed_for_a_stranger)
{
    struct shard shard = shard_new(10, TTL_MS, START_MS);
    touch(&shard, ipv4_source(1), START_MS);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_RENEW, START_MS + TTL_MS),
                 REGISTRY_UNKNOWN);
    cr_assert_not(is_live(&shard, ipv4_source(1), START_MS + TTL_MS));
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_REJOINED);
    shard_free(&shard);
}

Test(registry_admission, lets_clients_leave)
{
    struct shard shard = shard_new(10, TTL_MS, START_MS);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_UNKNOWN);
    touch(&shard, ipv4_source(1), START_MS);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_LEFT);
    cr_assert_eq(registry_count(shard.registry), 0);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_UNKNOWN);
    shard_free(&shard);
}

/* Leaves move others about in the index, in the middle of a batch that has looked already. */
Test(registry_admission, finds_everyone_behind_those_who_leave_in_the_same_batch)
{
    enum { CLIENTS = 64, BATCH = 64, ROUNDS = 3000 };
    struct shard shard = shard_new(CLIENTS, TTL_MS, START_MS);
    bool present[CLIENTS] = {false};
    struct prng prng;
    prng_init(&prng, 8);
    for (int round = 0; round < ROUNDS; round++) {
        const struct addr none = {.family = ADDR_NONE};
        struct addr sources[BATCH];
        struct registry_datagram visits[BATCH];
        enum registry_outcome expected[BATCH];
        size_t renewed = 0;
        for (int i = 0; i < BATCH; i++) {
            uint32_t who = (uint32_t)(prng_next(&prng) % CLIENTS);
            enum registry_action verb = (enum registry_action)(prng_next(&prng) % 3);
            sources[i] = any_source(who);
            visits[i] =
                (struct registry_datagram){.source = &sources[i], .local = &none, .verb = verb};
            expected[i] = verb == REGISTRY_LEAVE  ? present[who] ? REGISTRY_LEFT : REGISTRY_UNKNOWN
                          : present[who]          ? REGISTRY_RENEWED
                          : verb == REGISTRY_JOIN ? REGISTRY_JOINED
                                                  : REGISTRY_UNKNOWN;
            present[who] = verb == REGISTRY_JOIN || (verb == REGISTRY_RENEW && present[who]);
            renewed += expected[i] == REGISTRY_RENEWED;
        }
        cr_assert_eq(registry_update(shard.registry, 0, visits, BATCH, START_MS), renewed);
        uint32_t count = 0;
        for (int i = 0; i < BATCH; i++)
            cr_assert_eq(visits[i].touched, expected[i], "round %d, visit %d: %d for %d", round, i,
                         (int)visits[i].touched, (int)expected[i]);
        for (uint32_t who = 0; who < CLIENTS; who++)
            count += present[who];
        cr_assert_eq(registry_count(shard.registry), count);
    }
    shard_free(&shard);
}

Test(registry_admission, ends_everyones_life_at_once)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    struct client clients[101];
    for (uint32_t i = 0; i < 100; i++)
        touch(&shard, any_source(i), START_MS);
    registry_expire_all(shard.registry, START_MS + 10);
    cr_assert_eq(walk_all(&shard, START_MS + 10, clients), 0);
    cr_assert_not(is_live(&shard, any_source(1), START_MS + 10));
    cr_assert_eq(visit(&shard, any_source(1), REGISTRY_RENEW, START_MS + 10), REGISTRY_UNKNOWN);
    cr_assert_eq(visit(&shard, any_source(1), REGISTRY_JOIN, START_MS + 10), REGISTRY_REJOINED);
    cr_assert_eq(walk_all(&shard, START_MS + 10, clients), 1);
    /* The next sweep makes room, and who came back lives on behind it. */
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

Test(registry_admission, refuses_more_of_a_prefix_than_its_cap_until_one_goes, .init = begin)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    registry_cap(shard.registry, prefixes, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(visit(&shard, ipv4_source(i), REGISTRY_JOIN, START_MS), REGISTRY_JOINED);
    cr_assert_eq(visit(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS), REGISTRY_PREFIX_FULL);
    cr_assert_eq(visit(&shard, ipv4_source(256), REGISTRY_JOIN, START_MS), REGISTRY_JOINED);
    cr_assert_eq(visit(&shard, ipv4_source(2), REGISTRY_JOIN, START_MS), REGISTRY_RENEWED);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_LEAVE, START_MS), REGISTRY_LEFT);
    cr_assert_eq(visit(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS), REGISTRY_JOINED);
    cr_assert(take_out(&shard, ipv4_source(3)));
    cr_assert_eq(counted(ipv4_source(0)), 2);
    sweep(&shard, START_MS + TTL_MS);
    cr_assert_eq(counted(ipv4_source(0)), 0);
    cr_assert_eq(counted(ipv4_source(256)), 0);
    free(prefixes);
    shard_free(&shard);
}

Test(registry_admission, counts_those_who_join_once_it_is_told_to_and_forgets_no_more_than_those,
     .init = begin)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    touch(&shard, ipv4_source(0), START_MS);
    touch(&shard, ipv4_source(1), START_MS);
    registry_cap(shard.registry, prefixes, 2);
    touch(&shard, ipv4_source(2), START_MS);
    cr_assert_eq(counted(ipv4_source(0)), 1);
    take_out(&shard, ipv4_source(0));
    cr_assert_eq(counted(ipv4_source(0)), 1);
    /* One who wasn't counted, and comes back before the sweep, is. */
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_REJOINED);
    cr_assert_eq(counted(ipv4_source(0)), 2);
    cr_assert_eq(visit(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_PREFIX_FULL);
    registry_cap(shard.registry, prefixes, 0);
    cr_assert_eq(visit(&shard, ipv4_source(3), REGISTRY_JOIN, START_MS + TTL_MS), REGISTRY_JOINED);
    cr_assert_eq(counted(ipv4_source(0)), 3);
    sweep(&shard, START_MS + 3 * TTL_MS);
    cr_assert_eq(counted(ipv4_source(0)), 0);
    free(prefixes);
    shard_free(&shard);
}

Test(registry_admission, refuses_one_who_comes_back_late_when_others_have_his_place, .init = begin)
{
    struct shard shard = shard_new(100, TTL_MS, START_MS);
    touch(&shard, ipv4_source(0), START_MS);
    registry_cap(shard.registry, prefixes, 1);
    cr_assert_eq(visit(&shard, ipv4_source(1), REGISTRY_JOIN, START_MS + 1), REGISTRY_JOINED);
    cr_assert_eq(visit(&shard, ipv4_source(0), REGISTRY_JOIN, START_MS + TTL_MS),
                 REGISTRY_PREFIX_FULL);
    cr_assert_not(is_live(&shard, ipv4_source(0), START_MS + TTL_MS));
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS + 200), 2);
    free(prefixes);
    shard_free(&shard);
}
