#include "registry_fixture.h"

#include <inttypes.h>
#include <stdlib.h>

/* Walks in pieces, while clients come and go between them. */

enum { TTL_MS = 60000, CLIENTS = 200 };

/* How often each source came out of a walk. */
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

/* The next piece of a walk, counted. */
static size_t piece(struct shard *shard, struct registry_walk *walk, uint64_t now_ms, size_t room,
                    struct tally *tally)
{
    struct client clients[64];
    cr_assert_leq(room, 64);
    size_t count = registry_walk(shard->registry, walk, now_ms, clients, room);
    cr_assert_leq(count, room);
    for (size_t i = 0; i < count; i++) {
        uint32_t n = number_of(&clients[i]);
        struct client client = found(shard, clients[i].source, now_ms);
        cr_assert(addr_same(&client.source, &clients[i].source));
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
        cr_assert_eq(touch(&shard, any_source(n), n), REGISTRY_JOINED);
    return shard;
}

Test(registry_walk, ends_at_once_when_nobody_is_there)
{
    struct shard shard = shard_new(100, TTL_MS, 0);
    struct registry_walk walks[] = {registry_walk_all(), registry_walk_registered(shard.registry)};
    struct tally tally = {{0}};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_not(walks[i].ended);
        cr_assert_eq(piece(&shard, &walks[i], 0, 1, &tally), 0);
        cr_assert(walks[i].ended);
    }
    shard_free(&shard);
}

Test(registry_walk, gives_each_client_once_in_pieces_of_any_size)
{
    struct shard shard = filled(CLIENTS);
    for (size_t room = 1; room <= 64; room++) {
        struct registry_walk walks[] = {registry_walk_all(),
                                        registry_walk_registered(shard.registry)};
        for (size_t i = 0; i < 2; i++) {
            struct tally tally = {{0}};
            while (!walks[i].ended)
                piece(&shard, &walks[i], CLIENTS, room, &tally);
            for (uint32_t n = 0; n < 4 * CLIENTS; n++)
                cr_assert_eq(tally.seen[n], n < CLIENTS, "%" PRIu32 " by %zu", n, room);
        }
    }
    shard_free(&shard);
}

Test(registry_walk, gives_at_most_room_clients_and_none_for_no_room)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_all();
    struct tally tally = {{0}};
    cr_assert_eq(piece(&shard, &walk, CLIENTS, 0, &tally), 0);
    cr_assert_not(walk.ended);
    for (size_t count = 0; count < CLIENTS; count += 40)
        cr_assert_eq(piece(&shard, &walk, CLIENTS, 40, &tally), 40);
    cr_assert_eq(piece(&shard, &walk, CLIENTS, 40, &tally), 0);
    cr_assert(walk.ended);
    shard_free(&shard);
}

/* Half of the first clients go, some of them come back, and others come, in all phases of a walk
 * by pieces of the given room. */
static void churn(struct registry_walk (*begin)(const struct registry *), size_t room,
                  bool later_ones_too)
{
    struct shard shard = filled(2 * CLIENTS);
    struct registry_walk walk = begin(shard.registry);
    struct tally tally = {{0}};
    uint64_t random = room;
    bool removed[CLIENTS] = {false};
    uint32_t later = CLIENTS;
    while (!walk.ended) {
        piece(&shard, &walk, 1000, room, &tally);
        for (int i = 0; i < 3; i++) {
            uint32_t n = random_below(&random, CLIENTS / 2) * 2;
            removed[n] = true;
            take_out(&shard, any_source(n));
            if (later < 4 * CLIENTS && registry_count(shard.registry) < 2 * CLIENTS)
                touch(&shard, any_source(later++), 1000);
            if (i == 2)
                touch(&shard, any_source(n), 1000);
            touch(&shard, any_source(n + 1), 1000);
        }
    }
    cr_assert_gt(later, CLIENTS);
    for (uint32_t n = 0; n < 4 * CLIENTS; n++) {
        if (n < CLIENTS && !removed[n])
            cr_assert_eq(tally.seen[n], 1, "%" PRIu32 " was there all along", n);
        else if (!later_ones_too)
            cr_assert_leq(tally.seen[n], n < CLIENTS, "%" PRIu32 " came later", n);
    }
    shard_free(&shard);
}

static struct registry_walk begin_all(const struct registry *registry)
{
    (void)registry;
    return registry_walk_all();
}

Test(registry_walk, gives_those_that_are_live_all_along_once_under_churn)
{
    for (size_t room = 1; room <= 33; room += 4) {
        churn(begin_all, room, true);
        churn(registry_walk_registered, room, false);
    }
}

Test(registry_walk, gives_none_that_came_later_into_a_slot_that_was_left)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        uint32_t slot = found(&shard, any_source(n), 1000).slot;
        take_out(&shard, any_source(n));
        /* The same family, so that it gets the place that was left last. */
        cr_assert_eq(touch(&shard, any_source(n + CLIENTS), 1000), REGISTRY_JOINED);
        cr_assert_eq(found(&shard, any_source(n + CLIENTS), 1000).slot, slot, "reused");
    }
    struct tally tally = {{0}};
    while (!walk.ended)
        cr_assert_eq(piece(&shard, &walk, 1000, 16, &tally), 0);
    shard_free(&shard);
}

Test(registry_walk, gives_none_that_left_and_came_back)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    take_out(&shard, any_source(10));
    touch(&shard, any_source(10), 1000);
    struct tally tally = {{0}};
    while (!walk.ended)
        piece(&shard, &walk, 1000, 16, &tally);
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert_eq(tally.seen[n], n != 10);
    shard_free(&shard);
}

Test(registry_walk, gives_none_that_came_back_after_its_deadline_and_before_the_sweep)
{
    struct shard shard = shard_new(2, 1000, 0);
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(1), 500);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    cr_assert_eq(touch(&shard, any_source(0), 1000), REGISTRY_REJOINED);
    cr_assert_eq(touch(&shard, any_source(1), 1000), REGISTRY_RENEWED);
    struct tally tally = {{0}};
    while (!walk.ended)
        piece(&shard, &walk, 1000, 1, &tally);
    cr_assert(tally.seen[0] == 0 && tally.seen[1] == 1);
    shard_free(&shard);
}

Test(registry_walk, gives_none_whose_deadline_has_passed_though_no_sweep_came)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct tally tally = {{0}};
    while (!walk.ended)
        piece(&shard, &walk, TTL_MS + CLIENTS / 2, 16, &tally);
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert_eq(tally.seen[n], n > CLIENTS / 2, "%" PRIu32, n);
    cr_assert_eq(registry_count(shard.registry), CLIENTS);
    shard_free(&shard);
}

Test(registry_walk, goes_on_from_a_client_that_it_was_set_back_to)
{
    struct shard shard = filled(CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct client clients[16];
    uint32_t seen[CLIENTS] = {0};
    size_t count;
    /* Of each piece a socket takes half, and the rest is to be sent again. */
    while (!walk.ended) {
        count = registry_walk(shard.registry, &walk, 1000, clients, 16);
        size_t taken = (count + 1) / 2;
        for (size_t i = 0; i < taken; i++)
            seen[number_of(&clients[i])]++;
        if (taken < count)
            registry_walk_back(&walk, &clients[taken]);
        /* Those to be sent again may have gone meanwhile. */
        if (taken < count && number_of(&clients[taken]) % 10 == 3)
            take_out(&shard, clients[taken].source);
    }
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert(is_live(&shard, any_source(n), 1000) ? seen[n] == 1 : seen[n] == 0);
    shard_free(&shard);
}

Test(registry_walk, has_not_ended_when_it_is_set_back_to_a_client_of_its_last_piece)
{
    struct shard shard = shard_new(3, TTL_MS, 0);
    for (uint32_t n = 0; n < 3; n++)
        touch(&shard, any_source(n), 0);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct client clients[16];
    uint32_t sent = 0;
    while (!walk.ended) {
        size_t count = registry_walk(shard.registry, &walk, 0, clients, 16);
        sent += count > 0; /* the socket takes one at a time */
        if (count > 1)
            registry_walk_back(&walk, &clients[1]);
    }
    cr_assert_eq(sent, 3);
    shard_free(&shard);
}

Test(registry_walk, looks_at_no_more_clients_than_it_says)
{
    struct shard shard = filled(4 * CLIENTS);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    /* All that is registered goes, and what comes is none of the walk's. */
    for (uint32_t n = 0; n < CLIENTS; n++)
        take_out(&shard, any_source(n));
    for (uint32_t n = CLIENTS; n < 4 * CLIENTS; n++)
        touch(&shard, any_source(n), 1000);
    struct tally tally = {{0}};
    uint32_t pieces = 0;
    while (!walk.ended) {
        cr_assert_eq(piece(&shard, &walk, 1000, 2, &tally), 0);
        pieces++;
    }
    /* One look more finds the end. */
    cr_assert_eq(pieces, 3 * CLIENTS / (2 * REGISTRY_WALK_STEPS) + 1);
    shard_free(&shard);
}

Test(registry_walk, costs_what_the_living_cost_after_a_crowd_has_gone)
{
    enum { CROWD = 100000 };
    struct shard shard = shard_new(CROWD, TTL_MS, 0);
    for (uint32_t n = 0; n < CROWD; n++)
        touch(&shard, any_source(n), 0);
    touch(&shard, any_source(4), 1000);
    touch(&shard, any_source(CROWD - 1), 1000);
    cr_assert_eq(sweep(&shard, TTL_MS), CROWD - 2);
    struct registry_walk walk = registry_walk_all();
    struct client clients[3];
    cr_assert_eq(registry_walk(shard.registry, &walk, TTL_MS, clients, 3), 2);
    cr_assert(walk.ended || registry_walk(shard.registry, &walk, TTL_MS, clients, 1) == 0);
    cr_assert(walk.ended);
    shard_free(&shard);
}
