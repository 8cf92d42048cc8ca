#include "registry/shared_capacity.h"

#include <criterion/criterion.h>

#include <stdint.h>

/* Takes until it is refused; returns how many. */
static uint32_t take_all(struct shared_capacity *budget, size_t shard)
{
    uint32_t taken = 0;
    while (capacity_share_take(shared_capacity_share(budget, shard)))
        taken++;
    return taken;
}

static void give_all(struct shared_capacity *budget, size_t shard, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        capacity_share_give(shared_capacity_share(budget, shard));
}

Test(shared_capacity, gives_one_shard_all_places_and_not_one_more)
{
    static const uint32_t places[] = {1, 2, 63, 64, 65, 1000};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct shared_capacity *budget = shared_capacity_new(places[i], 1);
        cr_assert_eq(take_all(budget, 0), places[i]);
        cr_assert_eq(shared_capacity_unused(budget), 0);
        give_all(budget, 0, places[i]);
        cr_assert_eq(shared_capacity_unused(budget), places[i]);
        cr_assert_eq(take_all(budget, 0), places[i], "what was given back can be had again");
        shared_capacity_free(budget);
    }
}

Test(shared_capacity, lets_any_shard_have_what_the_others_leave_to_the_last_place)
{
    static const uint32_t places[] = {1, 3, 10, 100, 1000, 10000};
    enum { SHARDS = 4 };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct shared_capacity *budget = shared_capacity_new(places[i], SHARDS);
        uint32_t taken = 0;
        /* Each of them has a client, and with it, where places are many, a block. */
        for (size_t shard = 0; shard < SHARDS; shard++)
            taken += capacity_share_take(shared_capacity_share(budget, shard));
        cr_assert_eq(taken, places[i] < SHARDS ? places[i] : SHARDS);
        cr_assert_eq(taken + take_all(budget, 2), places[i]);
        for (size_t shard = 0; shard < SHARDS; shard++)
            cr_assert_not(capacity_share_take(shared_capacity_share(budget, shard)));
        shared_capacity_free(budget);
    }
}

Test(shared_capacity, lets_others_have_at_once_what_a_shard_gives_back)
{
    struct shared_capacity *budget = shared_capacity_new(1000, 3);
    cr_assert_eq(take_all(budget, 0), 1000);
    for (int i = 0; i < 500; i++) {
        cr_assert_not(capacity_share_take(shared_capacity_share(budget, 1)));
        capacity_share_give(shared_capacity_share(budget, 0));
        cr_assert(capacity_share_take(shared_capacity_share(budget, 1)));
    }
    shared_capacity_free(budget);
}

Test(shared_capacity, keeps_no_more_than_two_blocks_from_the_pool)
{
    struct shared_capacity *budget = shared_capacity_new(100000, 2);
    uint32_t taken = take_all(budget, 0);
    give_all(budget, 0, taken);
    /* Shard 1 visits the pool as long as it lasts, and then takes half of what the other keeps. */
    for (uint32_t i = 0; i < 100000 - 2 * SHARED_CAPACITY_BLOCK_MAX; i++)
        cr_assert(capacity_share_take(shared_capacity_share(budget, 1)));
    cr_assert_leq(shared_capacity_unused(budget), 2 * SHARED_CAPACITY_BLOCK_MAX);
    shared_capacity_free(budget);
}

Test(shared_capacity, loses_and_invents_no_place_in_a_million_random_steps)
{
    enum { SHARDS = 7, PLACES = 300 };
    struct shared_capacity *budget = shared_capacity_new(PLACES, SHARDS);
    uint32_t used[SHARDS] = {0}, total = 0;
    uint64_t state = 4711;
    for (int step = 0; step < 1000000; step++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t shard = (state >> 33) % SHARDS;
        /* Long runs of coming and of going, so that it is full and empty now and then. */
        bool filling = step / 2000 % 2 == 0, strays = (state >> 50) % 4 == 0;
        if (filling != strays) {
            bool got = capacity_share_take(shared_capacity_share(budget, shard));
            cr_assert_eq(got, total < PLACES, "step %d: %u of %d in use", step, total, PLACES);
            used[shard] += got;
            total += got;
        } else if (used[shard] > 0) {
            capacity_share_give(shared_capacity_share(budget, shard));
            used[shard]--;
            total--;
        }
        cr_assert_eq(shared_capacity_unused(budget), PLACES - total);
    }
    shared_capacity_free(budget);
}

Test(shared_capacity, gives_each_allowance_cache_lines_of_its_own)
{
    struct shared_capacity *budget = shared_capacity_new(10, 3);
    cr_assert_eq((uintptr_t)budget % 64, 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq((uintptr_t)shared_capacity_share(budget, i) % 64, 0);
    cr_assert_geq(
        (char *)shared_capacity_share(budget, 1) - (char *)shared_capacity_share(budget, 0), 64);
    cr_assert_geq((char *)shared_capacity_share(budget, 0) - (char *)budget, 128);
    shared_capacity_free(budget);
}

Test(shared_capacity, makes_shards_roomy_enough_for_uneven_hashing_and_no_roomier_than_all)
{
    cr_assert_eq(shared_capacity_shard_room(1000, 1), 1000);
    cr_assert_eq(shared_capacity_shard_room(10, 4), 10);
    cr_assert_eq(shared_capacity_shard_room(1000000, 4), 250000 + 31250 + 64);
    cr_assert_eq(shared_capacity_shard_room(100000000, 256), 390625 + 48828 + 64);
    for (uint32_t part = 1; part < 100000; part += 1 + part / 50) {
        uint32_t places = 256 * part, room = shared_capacity_shard_room(places, 256);
        double more = room - part;
        cr_assert(room == places || more * more >= 5.6 * 5.6 * part, "part %u", part);
    }
}
