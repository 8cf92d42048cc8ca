/* The hash index, with hashes that the tests choose. */
#include "registry/hash_index.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CAPACITY = 8, SLOTS = 16 };

static uint32_t memory[64];
static uint64_t hashes[SLOTS];
static struct hash_index table;

static void begin(void)
{
    cr_assert_leq(hash_index_bytes(CAPACITY), sizeof memory);
    hash_index_init(&table, memory, CAPACITY, SLOTS);
}

TestSuite(hash_index, .init = begin, .timeout = 10);

static uint64_t hash_of(const void *state, uint32_t slot)
{
    (void)state;
    return hashes[slot];
}

/* A hash whose search starts at that cell. */
static uint64_t hash_starting_at(uint32_t cell, uint32_t low)
{
    uint64_t top = (((uint64_t)cell << 32) + table.cell_count - 1) / table.cell_count;
    uint64_t hash = top << 32 | low;
    cr_assert_eq(hash_index_start(&table, hash), cell);
    return hash;
}

/* The cell of the slot, or the empty cell in which it would be added. */
static uint32_t find(uint32_t slot)
{
    uint32_t cell = hash_index_start(&table, hashes[slot]);
    while (table.cells[cell] != 0 && hash_index_slot(&table, cell) != slot)
        cell = hash_index_next(&table, cell);
    return cell;
}

static void add(uint32_t slot, uint64_t hash)
{
    hashes[slot] = hash;
    hash_index_add(&table, find(slot), hash, slot);
}

static void expect_found(uint32_t slot)
{
    cr_assert_neq(table.cells[find(slot)], 0, "slot %u", slot);
}

Test(hash_index, every_search_starts_at_an_existing_cell)
{
    cr_assert_eq(hash_index_start(&table, 0), 0);
    cr_assert_eq(hash_index_start(&table, UINT64_MAX), table.cell_count - 1);
}

Test(hash_index, stores_the_lowest_and_the_highest_slot)
{
    add(SLOTS - 1, hash_starting_at(3, 0xffffffff));
    cr_assert_eq(hash_index_slot(&table, 3), SLOTS - 1);
    add(0, hash_starting_at(4, 0));
    cr_assert_eq(hash_index_slot(&table, 4), 0);
    cr_assert_neq(table.cells[4], 0);
}

Test(hash_index, find_tag_skips_other_tags_and_stops_at_its_own_or_at_an_empty_cell)
{
    add(1, hash_starting_at(5, 1));
    add(2, hash_starting_at(5, 2));
    cr_assert_eq(hash_index_find_tag(&table, 5, hash_starting_at(5, 1)), 5);
    cr_assert_eq(hash_index_find_tag(&table, 5, hash_starting_at(5, 2)), 6);
    cr_assert_eq(hash_index_find_tag(&table, 5, hash_starting_at(5, 3)), 7);
    cr_assert_eq(table.cells[7], 0);
}

Test(hash_index, a_removal_moves_later_cells_of_the_run_but_not_one_at_its_start)
{
    add(1, hash_starting_at(2, 1));
    add(2, hash_starting_at(2, 2)); /* at 3 */
    add(3, hash_starting_at(4, 3)); /* at its start */
    add(4, hash_starting_at(2, 4)); /* at 5 */
    hash_index_remove(&table, find(1), hash_of, NULL);
    cr_assert_eq(hash_index_slot(&table, 2), 2);
    cr_assert_eq(hash_index_slot(&table, 3), 4);
    cr_assert_eq(hash_index_slot(&table, 4), 3);
    cr_assert_eq(table.cells[5], 0);
}

Test(hash_index, a_removal_closes_gaps_across_the_end_of_the_ring)
{
    uint32_t last = table.cell_count - 1;
    add(1, hash_starting_at(last, 1));
    add(2, hash_starting_at(last, 2)); /* at 0 */
    add(3, hash_starting_at(0, 3));    /* at 1 */
    add(4, hash_starting_at(last, 4)); /* at 2 */
    hash_index_remove(&table, last, hash_of, NULL);
    for (uint32_t slot = 2; slot <= 4; slot++)
        expect_found(slot);
    cr_assert_eq(hash_index_slot(&table, last), 2);
    hash_index_remove(&table, find(2), hash_of, NULL);
    expect_found(3);
    expect_found(4);
    hash_index_remove(&table, find(4), hash_of, NULL);
    expect_found(3);
    hash_index_remove(&table, find(3), hash_of, NULL);
    for (uint32_t i = 0; i < table.cell_count; i++)
        cr_assert_eq(table.cells[i], 0);
}
