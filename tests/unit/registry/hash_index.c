/* Places by hash, with hashes that are chosen here. */
#include "registry/hash_index.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CAPACITY = 8, SLOTS = 16 };

static uint32_t memory[64];
static uint64_t hashes[SLOTS];
static struct hash_index places;

static void begin(void)
{
    cr_assert_leq(hash_index_bytes(CAPACITY), sizeof memory);
    hash_index_init(&places, memory, CAPACITY, SLOTS);
}

TestSuite(hash_index, .init = begin, .timeout = 10);

static uint64_t hash_of(const void *state, uint32_t slot)
{
    (void)state;
    return hashes[slot];
}

/* A hash whose home is that place. */
static uint64_t hash_at_home(uint32_t place, uint32_t low)
{
    uint64_t top = (((uint64_t)place << 32) + places.places - 1) / places.places;
    uint64_t hash = top << 32 | low;
    cr_assert_eq(hash_index_home(&places, hash), place);
    return hash;
}

/* Where a search for the slot ends; the empty place it would get if it isn't there. */
static uint32_t find(uint32_t slot)
{
    uint32_t place = hash_index_home(&places, hashes[slot]);
    while (places.values[place] != 0 && hash_index_slot(&places, place) != slot)
        place = hash_index_next(&places, place);
    return place;
}

static void put(uint32_t slot, uint64_t hash)
{
    hashes[slot] = hash;
    hash_index_put(&places, find(slot), hash, slot);
}

static void expect_found(uint32_t slot)
{
    cr_assert_neq(places.values[find(slot)], 0, "slot %u", slot);
}

Test(hash_index, every_hash_has_a_home_among_the_places)
{
    cr_assert_eq(hash_index_home(&places, 0), 0);
    cr_assert_eq(hash_index_home(&places, UINT64_MAX), places.places - 1);
}

Test(hash_index, the_highest_slot_comes_back_as_it_was)
{
    put(SLOTS - 1, hash_at_home(3, 0xffffffff));
    cr_assert_eq(hash_index_slot(&places, 3), SLOTS - 1);
    put(0, hash_at_home(4, 0));
    cr_assert_eq(hash_index_slot(&places, 4), 0);
    cr_assert_neq(places.values[4], 0);
}

Test(hash_index, a_guess_passes_other_tags_over_and_stops_at_its_own_or_where_nothing_is)
{
    put(1, hash_at_home(5, 1));
    put(2, hash_at_home(5, 2));
    cr_assert_eq(hash_index_guess(&places, 5, hash_at_home(5, 1)), 5);
    cr_assert_eq(hash_index_guess(&places, 5, hash_at_home(5, 2)), 6);
    cr_assert_eq(hash_index_guess(&places, 5, hash_at_home(5, 3)), 7);
    cr_assert_eq(places.values[7], 0);
}

Test(hash_index, who_stands_behind_a_gap_moves_up_and_who_is_at_home_stays)
{
    put(1, hash_at_home(2, 1));
    put(2, hash_at_home(2, 2)); /* at 3 */
    put(3, hash_at_home(4, 3)); /* at home */
    put(4, hash_at_home(2, 4)); /* at 5 */
    hash_index_remove(&places, find(1), hash_of, NULL);
    cr_assert_eq(hash_index_slot(&places, 2), 2);
    cr_assert_eq(hash_index_slot(&places, 3), 4);
    cr_assert_eq(hash_index_slot(&places, 4), 3);
    cr_assert_eq(places.values[5], 0);
}

Test(hash_index, gaps_are_closed_around_the_end_of_the_ring)
{
    uint32_t last = places.places - 1;
    put(1, hash_at_home(last, 1));
    put(2, hash_at_home(last, 2)); /* at 0 */
    put(3, hash_at_home(0, 3));    /* at 1 */
    put(4, hash_at_home(last, 4)); /* at 2 */
    hash_index_remove(&places, last, hash_of, NULL);
    for (uint32_t slot = 2; slot <= 4; slot++)
        expect_found(slot);
    cr_assert_eq(hash_index_slot(&places, last), 2);
    hash_index_remove(&places, find(2), hash_of, NULL);
    expect_found(3);
    expect_found(4);
    hash_index_remove(&places, find(4), hash_of, NULL);
    expect_found(3);
    hash_index_remove(&places, find(3), hash_of, NULL);
    for (uint32_t i = 0; i < places.places; i++)
        cr_assert_eq(places.values[i], 0);
}
