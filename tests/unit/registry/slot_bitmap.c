/* The slot bitmap, compared with an array. */
#include "registry/slot_bitmap.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 0xa5, GUARD_BYTES = 64 };

/* A set in memory that ends with guard bytes, and an array with the same members. */
struct pair {
    struct slot_bitmap set;
    uint32_t limit;
    bool *model;
    uint8_t *memory;
};

static struct pair pair_new(uint32_t limit)
{
    struct pair pair = {.limit = limit, .model = calloc(limit, sizeof(bool))};
    size_t bytes = slot_bitmap_bytes(limit);
    pair.memory = calloc(1, bytes + GUARD_BYTES);
    cr_assert(pair.model != NULL && pair.memory != NULL);
    memset(pair.memory + bytes, GUARD, GUARD_BYTES);
    slot_bitmap_init(&pair.set, pair.memory, limit);
    return pair;
}

static void pair_free(struct pair *pair)
{
    size_t bytes = slot_bitmap_bytes(pair->limit);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        cr_assert_eq(pair->memory[bytes + i], GUARD, "limit %" PRIu32 ": %zu bytes too far",
                     pair->limit, i + 1);
    free(pair->memory);
    free(pair->model);
}

static void add(struct pair *pair, uint32_t slot)
{
    slot_bitmap_add(&pair->set, slot);
    pair->model[slot] = true;
}

static void remove_slot(struct pair *pair, uint32_t slot)
{
    slot_bitmap_remove(&pair->set, slot);
    pair->model[slot] = false;
}

static void compare_bytes(const struct pair *pair)
{
    for (uint32_t n = 0; n <= (pair->limit - 1) / 8; n++) {
        uint32_t expected = 0;
        for (uint32_t i = 0; i < 8 && 8 * n + i < pair->limit; i++)
            expected |= (uint32_t)pair->model[8 * n + i] << i;
        cr_assert_eq(slot_bitmap_byte(&pair->set, n), expected, "limit %" PRIu32 ", byte %" PRIu32,
                     pair->limit, n);
    }
}

/* From every slot, and from the limit, the next member is that of the array. */
static void compare(const struct pair *pair)
{
    compare_bytes(pair);
    uint32_t expected = SLOT_BITMAP_END;
    for (uint32_t from = pair->limit;; from--) {
        if (from < pair->limit && pair->model[from])
            expected = from;
        uint32_t next = slot_bitmap_next(&pair->set, from);
        cr_assert_eq(next, expected,
                     "limit %" PRIu32 ", from %" PRIu32 ": %" PRIu32 " for %" PRIu32, pair->limit,
                     from, next, expected);
        if (from == 0)
            return;
    }
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % limit);
}

/* Sizes around the limits of words and levels. */
static const uint32_t limits[] = {1,    2,      62,     63,     64,     65,    127,
                                  128,  4031,   4032,   4095,   4096,   4097,  4160,
                                  8192, 262079, 262080, 262143, 262144, 262145};
enum { LIMITS = sizeof limits / sizeof limits[0] };

Test(slot_bitmap, is_empty_at_first)
{
    for (size_t i = 0; i < LIMITS; i++) {
        struct pair pair = pair_new(limits[i]);
        compare(&pair);
        pair_free(&pair);
    }
}

Test(slot_bitmap, finds_a_single_member_from_every_slot_up_to_it_and_from_none_after_it)
{
    for (size_t i = 0; i < LIMITS; i++) {
        uint32_t limit = limits[i];
        const uint32_t members[] = {0, limit / 2, limit - 1};
        for (size_t k = 0; k < 3; k++) {
            struct pair pair = pair_new(limit);
            add(&pair, members[k]);
            compare(&pair);
            remove_slot(&pair, members[k]);
            compare(&pair);
            pair_free(&pair);
        }
    }
}

Test(slot_bitmap, agrees_with_an_array_while_it_fills_and_empties)
{
    for (size_t i = 0; i < LIMITS && limits[i] <= 4160; i++) {
        struct pair pair = pair_new(limits[i]);
        uint32_t step = limits[i] / 5 + 1;
        for (uint32_t slot = 0; slot < limits[i]; slot++) {
            add(&pair, slot);
            if (slot % step == 0)
                compare(&pair);
        }
        compare(&pair);
        for (uint32_t slot = 0; slot < limits[i]; slot++) {
            remove_slot(&pair, slot);
            if (slot % step == 0)
                compare(&pair);
        }
        compare(&pair);
        pair_free(&pair);
    }
}

Test(slot_bitmap, agrees_with_an_array_under_random_insertions_and_removals)
{
    uint64_t random = 7;
    for (size_t i = 0; i < LIMITS; i++) {
        struct pair pair = pair_new(limits[i]);
        for (int round = 0; round < 4; round++) {
            for (uint32_t operation = 0; operation < 200; operation++) {
                uint32_t slot = random_below(&random, limits[i]);
                if (random_below(&random, 2 + (uint32_t)round) == 0)
                    add(&pair, slot);
                else
                    remove_slot(&pair, slot);
            }
            compare(&pair);
        }
        pair_free(&pair);
    }
}

Test(slot_bitmap, accepts_a_slot_added_twice_and_one_removed_that_is_not_a_member)
{
    struct pair pair = pair_new(4097);
    add(&pair, 4096);
    add(&pair, 4096);
    remove_slot(&pair, 64);
    remove_slot(&pair, 4095);
    compare(&pair);
    remove_slot(&pair, 4096);
    remove_slot(&pair, 4096);
    compare(&pair);
    pair_free(&pair);
}

Test(slot_bitmap, finds_the_members_of_a_huge_sparse_set_in_few_steps)
{
    const uint32_t limit = SLOT_BITMAP_LIMIT_MAX;
    /* 64 MiB are allocated; the kernel provides only the pages that are touched, some 100 KiB. */
    void *memory = calloc(1, slot_bitmap_bytes(limit));
    cr_assert_not_null(memory);
    struct slot_bitmap set;
    slot_bitmap_init(&set, memory, limit);
    cr_assert_eq(slot_bitmap_next(&set, 0), SLOT_BITMAP_END);
    const uint32_t members[] = {0,         63,         64,        4095,          4096,
                                262143,    262144,     1 << 24,   (1 << 24) + 1, limit / 2 - 1,
                                limit / 2, limit - 64, limit - 2, limit - 1};
    enum { MEMBERS = sizeof members / sizeof members[0] };
    for (size_t i = 0; i < MEMBERS; i++)
        slot_bitmap_add(&set, members[MEMBERS - 1 - i]);
    uint32_t from = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        cr_assert_eq(slot_bitmap_next(&set, from), members[i], "member %zu", i);
        from = members[i] + 1;
    }
    cr_assert_eq(from, limit);
    cr_assert_eq(slot_bitmap_next(&set, limit), SLOT_BITMAP_END);
    for (size_t i = 0; i < MEMBERS; i++) {
        slot_bitmap_remove(&set, members[i]);
        cr_assert_eq(slot_bitmap_next(&set, 0), i + 1 < MEMBERS ? members[i + 1] : SLOT_BITMAP_END);
    }
    free(memory);
}

Test(slot_bitmap, needs_a_bit_for_each_slot_and_a_sixtieth_of_that_in_addition)
{
    for (size_t i = 0; i < LIMITS; i++) {
        size_t bytes = slot_bitmap_bytes(limits[i]);
        cr_assert_eq(bytes % sizeof(uint64_t), 0);
        cr_assert_leq(bytes, limits[i] / 8 + limits[i] / 480 + 5 * sizeof(uint64_t));
    }
    cr_assert_leq(slot_bitmap_bytes(SLOT_BITMAP_LIMIT_MAX),
                  (size_t)SLOT_BITMAP_LIMIT_MAX / 8 / 60 * 61 + 64);
}
