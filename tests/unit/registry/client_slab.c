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
    size_t bytes = ipv4 ? ENTRY4_BYTES : ENTRY6_BYTES;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        cr_assert_eq(client_slab_take(&slab, ipv4), first + i);
        memset(client_slab_entry(&slab, first + i), (int)(first + i + 1), bytes);
    }
}

static void holds(bool ipv4, uint32_t first)
{
    size_t bytes = ipv4 ? ENTRY4_BYTES : ENTRY6_BYTES;
    for (uint32_t slot = first; slot < first + CAPACITY; slot++)
        for (size_t i = 0; i < bytes; i++)
            cr_assert_eq(((uint8_t *)client_slab_entry(&slab, slot))[i], slot + 1);
}

Test(client_slab, has_room_for_all_in_each_family_and_none_overlap)
{
    fill(true, 0);
    fill(false, CAPACITY);
    holds(true, 0);
    holds(false, CAPACITY);
}

Test(client_slab, gives_what_was_freed_last_before_what_was_never_used)
{
    for (uint32_t i = 0; i < 3; i++)
        client_slab_take(&slab, true);
    client_slab_give(&slab, 0);
    client_slab_give(&slab, 2);
    cr_assert_eq(client_slab_take(&slab, true), 2);
    cr_assert_eq(client_slab_take(&slab, true), 0);
    cr_assert_eq(client_slab_take(&slab, true), 3);
}

Test(client_slab, keeps_the_families_apart_when_slots_are_freed)
{
    client_slab_take(&slab, true);
    client_slab_take(&slab, false);
    client_slab_give(&slab, 0);
    client_slab_give(&slab, CAPACITY);
    cr_assert_eq(client_slab_take(&slab, false), CAPACITY);
    cr_assert_eq(client_slab_take(&slab, true), 0);
}

Test(client_slab, lays_an_ipv4_entry_in_half_a_cache_line)
{
    cr_assert_eq((uintptr_t)client_slab_entry(&slab, 0) % 64, 0);
    cr_assert_eq((uintptr_t)client_slab_entry(&slab, 1) % 64, 32);
    cr_assert_eq((uintptr_t)client_slab_entry(&slab, CAPACITY) % 64, 0);
}
