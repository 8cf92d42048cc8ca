/* Walks in several steps, while clients join and leave between them. */
#include "registry_fixture.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TTL_MS = 60000, CLIENTS = 200 };

/* How often a walk returned each source. */
struct tally {
    uint32_t seen[4 * CLIENTS];
};

static uint32_t number_of(const struct client *client)
{
    const uint8_t *ip = client->source.ip;
    return client->source.family == ADDR_IPV4
               ? (uint32_t)(ip[1] << 16 | ip[2] << 8 | ip[3])
               : (uint32_t)(ip[12] << 24 | ip[13] << 16 | ip[14] << 8 | ip[15]);
}

/* The next step of a walk: checks the clients and counts them. */
static size_t walk_step(struct shard *shard, struct registry_walk *walk, uint64_t now_ms,
                        size_t max, struct tally *tally)
{
    struct client clients[64];
    cr_assert_leq(max, 64);
    size_t count = registry_walk_next(shard->registry, walk, now_ms, clients, max);
    cr_assert_leq(count, max);
    for (size_t i = 0; i < count; i++) {
        uint32_t n = number_of(&clients[i]);
        struct client client = find_live(shard, clients[i].source, now_ms);
        cr_assert(addr_is_same(&client.source, &clients[i].source));
        cr_assert_lt(client.slot, registry_slots(shard->capacity));
        cr_assert(client.slot == clients[i].slot && client.listener == clients[i].listener);
        cr_assert(client.idle_ms == clients[i].idle_ms && client.age_s == clients[i].age_s);
        cr_assert_eq(client.received, clients[i].received);
        cr_assert_lt(n, 4 * CLIENTS);
        tally->seen[n]++;
    }
    return count;
}

static struct shard filled(uint32_t capacity)
{
    struct shard shard = shard_new(capacity, TTL_MS, 0);
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert_eq(record(&shard, any_source(n), n), REGISTRY_JOINED);
    return shard;
}

Test(registry_walk, ends_at_once_without_clients)
{
    struct shard shard = shard_new(100, TTL_MS, 0);
    struct registry_walk walks[] = {registry_walk_all(), registry_walk_registered(shard.registry)};
    struct tally tally = {{0}};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_not(walks[i].ended);
        cr_assert_eq(walk_step(&shard, &walks[i], 0, 1, &tally), 0);
        cr_assert(walks[i].ended);
    }
    shard_free(&shard);
}

Test(registry_walk, returns_each_client_once_in_steps_of_any_size)
{
    struct shard shard = filled(CLIENTS);
    for (size_t max = 1; max <= 64; max++) {
        struct registry_walk walks[] = {registry_walk_all(),
                                        registry_walk_registered(shard.registry)};
        for (size_t i = 0; i < 2; i++) {
            struct tally tally = {{0}};
            while (!walks[i].ended)
                walk_step(&shard, &walks[i], CLIENTS, max, &tally);
            for (uint32_t n = 0; n < 4 * CLIENTS; n++)
                cr_assert_eq(tally.seen[n], n < CLIENTS, "%" PRIu32 " by %zu", n, max);
        }
    }
    shard_free(&shard);
}

Test(registry_walk, returns_at_most_max_clients)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_all();
    struct tally tally = {{0}};
    cr_assert_eq(walk_step(&shard, &walk, CLIENTS, 0, &tally), 0);
    cr_assert_not(walk.ended);
    for (size_t count = 0; count < CLIENTS; count += 40)
        cr_assert_eq(walk_step(&shard, &walk, CLIENTS, 40, &tally), 40);
    cr_assert_eq(walk_step(&shard, &walk, CLIENTS, 40, &tally), 0);
    cr_assert(walk.ended);
    shard_free(&shard);
}

/* Half of the first clients leave, some of them join again, and others join, during a walk by steps
 * of at most max clients. */
static void churn(struct registry_walk (*begin)(const struct registry *), size_t max,
                  bool later_too)
{
    struct shard shard = filled(2 * CLIENTS);
    struct registry_walk walk = begin(shard.registry);
    struct tally tally = {{0}};
    uint64_t random = max;
    bool removed[CLIENTS] = {false};
    uint32_t later = CLIENTS;
    while (!walk.ended) {
        walk_step(&shard, &walk, 1000, max, &tally);
        for (int i = 0; i < 3; i++) {
            uint32_t n = random_below(&random, CLIENTS / 2) * 2;
            removed[n] = true;
            remove_client(&shard, any_source(n));
            if (later < 4 * CLIENTS && registry_count(shard.registry) < 2 * CLIENTS)
                record(&shard, any_source(later++), 1000);
            if (i == 2)
                record(&shard, any_source(n), 1000);
            record(&shard, any_source(n + 1), 1000);
        }
    }
    cr_assert_gt(later, CLIENTS);
    for (uint32_t n = 0; n < 4 * CLIENTS; n++) {
        if (n < CLIENTS && !removed[n])
            cr_assert_eq(tally.seen[n], 1, "%" PRIu32 " was live all the time", n);
        else if (!later_too)
            cr_assert_leq(tally.seen[n], n < CLIENTS, "%" PRIu32 " joined later", n);
    }
    shard_free(&shard);
}

static struct registry_walk begin_all(const struct registry *registry)
{
    (void)registry;
    return registry_walk_all();
}

Test(registry_walk, returns_clients_that_are_live_all_the_time_once_while_others_join_and_leave)
{
    for (size_t max = 1; max <= 33; max += 4) {
        churn(begin_all, max, true);
        churn(registry_walk_registered, max, false);
    }
}

Test(registry_walk, returns_no_client_that_joined_later_in_a_reused_slot)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        uint32_t slot = find_live(&shard, any_source(n), 1000).slot;
        remove_client(&shard, any_source(n));
        /* The same family, so that it gets the slot that was freed last. */
        cr_assert_eq(record(&shard, any_source(n + CLIENTS), 1000), REGISTRY_JOINED);
        cr_assert_eq(find_live(&shard, any_source(n + CLIENTS), 1000).slot, slot, "reused");
    }
    struct tally tally = {{0}};
    while (!walk.ended)
        cr_assert_eq(walk_step(&shard, &walk, 1000, 16, &tally), 0);
    shard_free(&shard);
}

Test(registry_walk, returns_no_client_that_left_and_joined_again)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    remove_client(&shard, any_source(10));
    record(&shard, any_source(10), 1000);
    struct tally tally = {{0}};
    while (!walk.ended)
        walk_step(&shard, &walk, 1000, 16, &tally);
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert_eq(tally.seen[n], n != 10);
    shard_free(&shard);
}

Test(registry_walk, returns_no_client_that_joined_again_after_it_expired_and_before_the_sweep)
{
    struct shard shard = shard_new(2, 1000, 0);
    record(&shard, any_source(0), 0);
    record(&shard, any_source(1), 500);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    cr_assert_eq(record(&shard, any_source(0), 1000), REGISTRY_REJOINED);
    cr_assert_eq(record(&shard, any_source(1), 1000), REGISTRY_RENEWED);
    struct tally tally = {{0}};
    while (!walk.ended)
        walk_step(&shard, &walk, 1000, 1, &tally);
    cr_assert(tally.seen[0] == 0 && tally.seen[1] == 1);
    shard_free(&shard);
}

Test(registry_walk, returns_no_expired_client_before_a_sweep)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct tally tally = {{0}};
    while (!walk.ended)
        walk_step(&shard, &walk, TTL_MS + CLIENTS / 2, 16, &tally);
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert_eq(tally.seen[n], n > CLIENTS / 2, "%" PRIu32, n);
    cr_assert_eq(registry_count(shard.registry), CLIENTS);
    shard_free(&shard);
}

Test(registry_walk, continues_at_the_client_to_which_it_was_rewound)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct client clients[16];
    uint32_t seen[CLIENTS] = {0};
    size_t count;
    /* As if a socket accepted half of each step, so that the rest is sent again. */
    while (!walk.ended) {
        count = registry_walk_next(shard.registry, &walk, 1000, clients, 16);
        size_t taken = (count + 1) / 2;
        for (size_t i = 0; i < taken; i++)
            seen[number_of(&clients[i])]++;
        if (taken < count)
            registry_walk_rewind(&walk, &clients[taken]);
        /* A client that is to be sent to again may leave meanwhile. */
        if (taken < count && number_of(&clients[taken]) % 10 == 3)
            remove_client(&shard, clients[taken].source);
    }
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert(is_live(&shard, any_source(n), 1000) ? seen[n] == 1 : seen[n] == 0);
    shard_free(&shard);
}

Test(registry_walk, has_not_ended_when_it_is_rewound_to_a_client_of_its_last_step)
{
    struct shard shard = shard_new(3, TTL_MS, 0);
    for (uint32_t n = 0; n < 3; n++)
        record(&shard, any_source(n), 0);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct client clients[16];
    uint32_t sent = 0;
    while (!walk.ended) {
        size_t count = registry_walk_next(shard.registry, &walk, 0, clients, 16);
        sent += count > 0; /* the socket accepts one at a time */
        if (count > 1)
            registry_walk_rewind(&walk, &clients[1]);
    }
    cr_assert_eq(sent, 3);
    shard_free(&shard);
}

Test(registry_walk, reads_at_most_the_documented_number_of_entries)
{
    struct shard shard = filled(4 * CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    /* All clients of the walk leave; the ones that join do not belong to it. */
    for (uint32_t n = 0; n < CLIENTS; n++)
        remove_client(&shard, any_source(n));
    for (uint32_t n = CLIENTS; n < 4 * CLIENTS; n++)
        record(&shard, any_source(n), 1000);
    struct tally tally = {{0}};
    uint32_t steps = 0;
    while (!walk.ended) {
        cr_assert_eq(walk_step(&shard, &walk, 1000, 2, &tally), 0);
        steps++;
    }
    /* One more step finds the end. */
    cr_assert_eq(steps, 3 * CLIENTS / (2 * REGISTRY_WALK_STEPS) + 1);
    shard_free(&shard);
}

Test(registry_walk, costs_what_the_live_clients_cost_after_many_have_expired)
{
    enum { MANY = 100000 };
    struct shard shard = shard_new(MANY, TTL_MS, 0);
    for (uint32_t n = 0; n < MANY; n++)
        record(&shard, any_source(n), 0);
    record(&shard, any_source(4), 1000);
    record(&shard, any_source(MANY - 1), 1000);
    cr_assert_eq(sweep(&shard, TTL_MS), MANY - 2);
    struct registry_walk walk = registry_walk_all();
    struct client clients[3];
    cr_assert_eq(registry_walk_next(shard.registry, &walk, TTL_MS, clients, 3), 2);
    cr_assert(walk.ended || registry_walk_next(shard.registry, &walk, TTL_MS, clients, 1) == 0);
    cr_assert(walk.ended);
    shard_free(&shard);
}
