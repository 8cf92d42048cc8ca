/* The slab of client entries. */
#include "registry/client_slab.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 5, GUARD = 0xa5, GUARD_BYTES = 64 };

static struct client_slab slab;
static uint8_t *memory;

static void set_up(void)
{
    memory = aligned_alloc(64, client_slab_bytes(CAPACITY) + GUARD_BYTES);
    cr_assert_not_null(memory);
    memset(memory, 0, client_slab_bytes(CAPACITY));
    memset(memory + client_slab_bytes(CAPACITY), GUARD, GUARD_BYTES);
    client_slab_init(&slab, memory, CAPACITY);
}

static void tear_down(void)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        cr_assert_eq(memory[client_slab_bytes(CAPACITY) + i], GUARD);
    free(memory);
}

TestSuite(client_slab, .init = set_up, .fini = tear_down);

static void fill(bool ipv4, uint32_t first)
{
    size_t bytes = ipv4 ? CLIENT_ENTRY4_BYTES : CLIENT_ENTRY6_BYTES;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        cr_assert_eq(client_slab_allocate(&slab, ipv4), first + i);
        memset(client_slab_entry(&slab, first + i), (int)(first + i + 1), bytes);
    }
}

static void expect_filled(bool ipv4, uint32_t first)
{
    size_t bytes = ipv4 ? CLIENT_ENTRY4_BYTES : CLIENT_ENTRY6_BYTES;
    for (uint32_t slot = first; slot < first + CAPACITY; slot++)
        for (size_t i = 0; i < bytes; i++)
            cr_assert_eq(((uint8_t *)client_slab_entry(&slab, slot))[i], slot + 1);
}

Test(client_slab, has_space_for_all_entries_of_each_family_without_overlap)
{
    fill(true, 0);
    fill(false, CAPACITY);
    expect_filled(true, 0);
    expect_filled(false, CAPACITY);
}

Test(client_slab, allocates_the_slot_freed_last_before_unused_ones)
{
    for (uint32_t i = 0; i < 3; i++)
        client_slab_allocate(&slab, true);
    client_slab_release(&slab, 0);
    client_slab_release(&slab, 2);
    cr_assert_eq(client_slab_allocate(&slab, true), 2);
    cr_assert_eq(client_slab_allocate(&slab, true), 0);
    cr_assert_eq(client_slab_allocate(&slab, true), 3);
}

Test(client_slab, reuses_freed_slots_for_the_same_family_only)
{
    client_slab_allocate(&slab, true);
    client_slab_allocate(&slab, false);
    client_slab_release(&slab, 0);
    client_slab_release(&slab, CAPACITY);
    cr_assert_eq(client_slab_allocate(&slab, false), CAPACITY);
    cr_assert_eq(client_slab_allocate(&slab, true), 0);
}

Test(client_slab, an_ipv4_entry_is_half_a_cache_line)
{
    cr_assert_eq((uintptr_t)client_slab_entry(&slab, 0) % 64, 0);
    cr_assert_eq((uintptr_t)client_slab_entry(&slab, 1) % 64, 32);
    cr_assert_eq((uintptr_t)client_slab_entry(&slab, CAPACITY) % 64, 0);
}
