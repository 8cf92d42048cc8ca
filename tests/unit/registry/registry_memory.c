/* The memory of a registry: its size, which parts of it are touched, and slots. */
#include "registry_fixture.h"

#include <errno.h>
#include <stdlib.h>

enum { TTL_MS = 60000 };

Test(registry_memory, has_an_index_of_one_and_a_half_cells_a_client)
{
    /* Fewer cells make searches long; more cost memory that is written from the start. */
    for (uint32_t capacity = 1000; capacity < 1 << 26; capacity = capacity * 5 / 4) {
        size_t bytes = registry_index_bytes(capacity);
        cr_assert_geq(bytes, (size_t)capacity * 6);
        cr_assert_leq(bytes, (size_t)capacity * 6 + 4096);
        cr_assert_lt(bytes, registry_bytes(capacity));
    }
}

Test(registry_memory, gives_each_client_a_slot_that_it_keeps)
{
    enum { CLIENTS = 100 };
    struct shard shard = shard_new(CLIENTS, TTL_MS, 0);
    uint32_t slots[CLIENTS];
    for (uint32_t n = 0; n < CLIENTS; n++) {
        record(&shard, any_source(n), 0);
        slots[n] = find_live(&shard, any_source(n), 0).slot;
        for (uint32_t k = 0; k < n; k++)
            cr_assert_neq(slots[k], slots[n]);
    }
    for (uint32_t n = 0; n < CLIENTS; n += 3)
        remove_client(&shard, any_source(n));
    for (uint32_t n = 0; n < CLIENTS; n += 3)
        record(&shard, any_source(CLIENTS + n), 0);
    for (uint32_t n = 0; n < CLIENTS; n++)
        if (n % 3 != 0)
            cr_assert_eq(find_live(&shard, any_source(n), 0).slot, slots[n]);
    shard_free(&shard);
}

/* The number of pages between two offsets in the memory that have been touched. */
static size_t touched_pages(const struct shard *shard, size_t first, size_t end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    size_t from = (shard->guard_bytes + first + page - 1) / page;
    size_t to = (shard->guard_bytes + end) / page;
    unsigned char *resident = calloc(to - from, 1);
    cr_assert_not_null(resident);
    cr_assert_eq(mincore(shard->area + from * page, (to - from) * page, resident), 0);
    for (size_t i = 0; i < to - from; i++)
        count += resident[i] & 1;
    free(resident);
    return count;
}

Test(registry_memory, touches_memory_after_its_index_only_as_far_as_clients_fill_it)
{
    enum { CAPACITY = 1000000 };
    struct shard shard = shard_new(CAPACITY, TTL_MS, 0);
    size_t hash_index_bytes = registry_index_bytes(CAPACITY), bytes = registry_bytes(CAPACITY);
    cr_assert_lt(hash_index_bytes, bytes);
    /* Transparent huge pages would hide which pages were touched. */
    cr_assert(madvise(shard.area, shard.area_bytes, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
    for (uint32_t n = 0; n < 20000; n++)
        cr_assert_not(is_live(&shard, any_source(n), 0));
    cr_assert_eq(touched_pages(&shard, hash_index_bytes, bytes), 0, "looking up unknown clients");
    for (uint32_t n = 0; n < 100; n++)
        record(&shard, any_source(n), 0);
    sweep(&shard, TTL_MS / 2);
    /* 100 entries of 32 and 48 bytes, their links and bits by family, the wheel's 32 KiB. */
    cr_assert_leq(touched_pages(&shard, hash_index_bytes, bytes), 32, "for 100 clients");
    shard_free(&shard);
}

Test(registry_memory, of_frames_is_touched_when_the_first_client_asks_for_them)
{
    enum { CAPACITY = 1000000 };
    struct shard shard = shard_new(CAPACITY, TTL_MS, 0);
    /* The bits come last, for frames and for names: one for each slot. */
    size_t bytes = registry_bytes(CAPACITY), bits = 2 * (registry_slots(CAPACITY) / 8);
    cr_assert(madvise(shard.area, shard.area_bytes, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
    for (uint32_t n = 0; n < 1000; n++)
        record(&shard, any_source(n), 0);
    for (uint32_t n = 0; n < 1000; n++)
        cr_assert_not(find_live(&shard, any_source(n), 0).frames);
    cr_assert_eq(touched_pages(&shard, bytes - bits, bytes), 0, "without a client that asks");
    for (uint32_t n = 0; n < 1000; n++)
        registry_set_frames(shard.registry, find_live(&shard, any_source(n), 0).slot, true);
    cr_assert_leq(touched_pages(&shard, bytes - bits, bytes), 2, "the bits of each family");
    for (uint32_t n = 0; n < 1000; n++)
        registry_set_named(shard.registry, find_live(&shard, any_source(n), 0).slot);
    cr_assert_leq(touched_pages(&shard, bytes - bits, bytes), 4, "and those of names");
    shard_free(&shard);
}

Test(registry_memory, works_with_the_largest_capacity)
{
    size_t bytes = registry_bytes(REGISTRY_CAPACITY_MAX);
    cr_assert_gt(bytes, (size_t)REGISTRY_CAPACITY_MAX * (4 + 32 + 48));
    /* Only address space is used; a host that limits it cannot run this. */
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        cr_skip("no %zu bytes of address space", bytes);
    struct shard shard = {.capacity = REGISTRY_CAPACITY_MAX};
    shard.registry = registry_new(memory, REGISTRY_CAPACITY_MAX, &shard_key, TTL_MS, 0);
    struct client clients[5];
    for (uint32_t n = 0; n < 200; n++)
        cr_assert_eq(record(&shard, any_source(n), 0), REGISTRY_JOINED);
    for (uint32_t n = 0; n < 200; n++)
        cr_assert_eq(record(&shard, any_source(n), 1), REGISTRY_RENEWED);
    for (uint32_t n = 0; n < 196; n++)
        cr_assert(remove_client(&shard, any_source(n)));
    struct registry_walk walk = registry_walk_all();
    size_t count = 0;
    while (!walk.ended)
        count += registry_walk_next(shard.registry, &walk, 1, clients + count, 5 - count);
    cr_assert_eq(count, 4);
    cr_assert_eq(sweep(&shard, 1 + TTL_MS), 4);
    registry_free(shard.registry);
    munmap(memory, bytes);
}
