/* The capacity shared by shards. */
#include "capacity_fixture.h"

#include <criterion/criterion.h>

#include <stdint.h>

/* Acquires places until it is refused. Returns their number. */
static uint32_t acquire_all(struct shared_capacity *capacity, size_t shard)
{
    uint32_t taken = 0;
    while (capacity_share_acquire(shared_capacity_share(capacity, shard)))
        taken++;
    return taken;
}

static void release_all(struct shared_capacity *capacity, size_t shard, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        capacity_share_release(shared_capacity_share(capacity, shard));
}

Test(shared_capacity, one_shard_can_acquire_all_places_and_not_one_more)
{
    static const uint32_t places[] = {1, 2, 63, 64, 65, 1000};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct shared_capacity *capacity = capacity_new(places[i], 1);
        cr_assert_eq(acquire_all(capacity, 0), places[i]);
        cr_assert_eq(shared_capacity_unused(capacity), 0);
        release_all(capacity, 0, places[i]);
        cr_assert_eq(shared_capacity_unused(capacity), places[i]);
        cr_assert_eq(acquire_all(capacity, 0), places[i], "released places can be acquired again");
        free(capacity);
    }
}

Test(shared_capacity, any_shard_can_acquire_all_places_that_the_others_do_not_use)
{
    static const uint32_t places[] = {1, 3, 10, 100, 1000, 10000};
    enum { SHARDS = 4 };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct shared_capacity *capacity = capacity_new(places[i], SHARDS);
        uint32_t taken = 0;
        /* Each shard acquires a place, and keeps the rest of a block if there are many places. */
        for (size_t shard = 0; shard < SHARDS; shard++)
            taken += capacity_share_acquire(shared_capacity_share(capacity, shard));
        cr_assert_eq(taken, places[i] < SHARDS ? places[i] : SHARDS);
        cr_assert_eq(taken + acquire_all(capacity, 2), places[i]);
        for (size_t shard = 0; shard < SHARDS; shard++)
            cr_assert_not(capacity_share_acquire(shared_capacity_share(capacity, shard)));
        free(capacity);
    }
}

Test(shared_capacity, released_places_are_available_to_other_shards_at_once)
{
    struct shared_capacity *capacity = capacity_new(1000, 3);
    cr_assert_eq(acquire_all(capacity, 0), 1000);
    for (int i = 0; i < 500; i++) {
        cr_assert_not(capacity_share_acquire(shared_capacity_share(capacity, 1)));
        capacity_share_release(shared_capacity_share(capacity, 0));
        cr_assert(capacity_share_acquire(shared_capacity_share(capacity, 1)));
    }
    free(capacity);
}

Test(shared_capacity, a_share_keeps_at_most_two_blocks)
{
    struct shared_capacity *capacity = capacity_new(100000, 2);
    uint32_t taken = acquire_all(capacity, 0);
    release_all(capacity, 0, taken);
    /* Shard 1 takes from the pool until it is empty, and then half of the share of shard 0. */
    for (uint32_t i = 0; i < 100000 - 2 * SHARED_CAPACITY_BLOCK_MAX; i++)
        cr_assert(capacity_share_acquire(shared_capacity_share(capacity, 1)));
    cr_assert_leq(shared_capacity_unused(capacity), 2 * SHARED_CAPACITY_BLOCK_MAX);
    free(capacity);
}

Test(shared_capacity, keeps_the_number_of_places_in_a_million_random_steps)
{
    enum { SHARDS = 7, PLACES = 300 };
    struct shared_capacity *capacity = capacity_new(PLACES, SHARDS);
    uint32_t used[SHARDS] = {0}, total = 0;
    uint64_t state = 4711;
    for (int step = 0; step < 1000000; step++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t shard = (state >> 33) % SHARDS;
        /* Long phases of acquiring and of releasing, so that the capacity is full and empty at
         * times. */
        bool filling = step / 2000 % 2 == 0, reverse = (state >> 50) % 4 == 0;
        if (filling != reverse) {
            bool acquired = capacity_share_acquire(shared_capacity_share(capacity, shard));
            cr_assert_eq(acquired, total < PLACES, "step %d: %u of %d in use", step, total, PLACES);
            used[shard] += acquired;
            total += acquired;
        } else if (used[shard] > 0) {
            capacity_share_release(shared_capacity_share(capacity, shard));
            used[shard]--;
            total--;
        }
        cr_assert_eq(shared_capacity_unused(capacity), PLACES - total);
    }
    free(capacity);
}

Test(shared_capacity, each_share_has_cache_lines_of_its_own)
{
    struct shared_capacity *capacity = capacity_new(10, 3);
    cr_assert_eq((uintptr_t)capacity % 64, 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq((uintptr_t)shared_capacity_share(capacity, i) % 64, 0);
    cr_assert_geq((char *)shared_capacity_share(capacity, 1) -
                      (char *)shared_capacity_share(capacity, 0),
                  64);
    cr_assert_geq((char *)shared_capacity_share(capacity, 0) - (char *)capacity, 128);
    free(capacity);
}

Test(shared_capacity, shard_max_allows_for_uneven_hashing_and_is_at_most_the_capacity)
{
    cr_assert_eq(shared_capacity_shard_max(1000, 1), 1000);
    cr_assert_eq(shared_capacity_shard_max(10, 4), 10);
    cr_assert_eq(shared_capacity_shard_max(1000000, 4), 250000 + 31250 + 64);
    cr_assert_eq(shared_capacity_shard_max(100000000, 256), 390625 + 48828 + 64);
    for (uint32_t mean = 1; mean < 100000; mean += 1 + mean / 50) {
        uint32_t places = 256 * mean, max = shared_capacity_shard_max(places, 256);
        double more = max - mean;
        cr_assert(max == places || more * more >= 5.6 * 5.6 * mean, "mean %u", mean);
    }
}
