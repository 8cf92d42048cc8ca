/* The tables that all workers share, in memory that a second process maps: it continues with the
 * same limits. */
#include "admission/prefix_counts.h"
#include "admission/rate_limiter.h"
#include "admission/shared_capacity.h"
#include "os/process/memory.h"

#include <criterion/criterion.h>

#include <unistd.h>

static const struct siphash_key key = {5, 6};

/* Memory of two processes. */
static struct shared_memory first, next;

static void *reserve(size_t bytes)
{
    cr_assert_eq(memory_reserve_shared(&first, bytes, 0), 0);
    return first.memory;
}

static void *map_again(void)
{
    cr_assert_eq(memory_map_shared(&next, dup(first.descriptor), first.bytes, 0), 0);
    cr_assert_neq(next.memory, first.memory);
    return next.memory;
}

static void tear_down(void)
{
    memory_release_shared(&first);
    memory_release_shared(&next);
}

TestSuite(mapped_tables, .fini = tear_down);

static struct addr source_of(uint8_t n)
{
    return (struct addr){.ip = {192, 0, n, 1}, .port = 4000, .family = ADDR_IPV4};
}

Test(mapped_tables, have_the_counts_of_prefixes)
{
    enum { CLIENTS = 1000 };
    struct prefix_counts *prefixes =
        prefix_counts_init(reserve(prefix_counts_bytes(CLIENTS)), CLIENTS, &key);
    for (int i = 0; i < 300; i++) {
        struct addr source = source_of((uint8_t)(i % 100));
        cr_assert(prefix_counts_add(prefixes, &source, 3));
    }
    prefixes = prefix_counts_map(map_again());
    memory_release_shared(&first);
    for (uint8_t n = 0; n < 100; n++) {
        struct addr source = source_of(n);
        cr_assert_eq(prefix_counts_count(prefixes, &source), 3);
        cr_assert_not(prefix_counts_add(prefixes, &source, 3));
        prefix_counts_remove(prefixes, &source);
        cr_assert(prefix_counts_add(prefixes, &source, 3));
    }
}

Test(mapped_tables, have_the_tokens_that_are_left)
{
    const struct rate_limiter_limits limits = rate_limiter_limits(1, 5);
    struct rate_limiter *limiter = rate_limiter_init(reserve(rate_limiter_bytes()), &key);
    struct addr source = source_of(1), other = source_of(2);
    for (int i = 0; i < 4; i++)
        cr_assert(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, 1000));
    limiter = rate_limiter_map(map_again());
    memory_release_shared(&first);
    cr_assert(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, 1000));
    cr_assert_not(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, 1000));
    cr_assert(rate_limiter_take(limiter, &limits, &other, RATE_LIMITER_VERIFIED, 1000));
    cr_assert(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, 2000));
}

Test(mapped_tables, have_the_places_that_are_left)
{
    enum { PLACES = 100, SHARDS = 2, TAKEN = 30 };
    struct shared_capacity *capacity =
        shared_capacity_init(reserve(shared_capacity_bytes(SHARDS)), PLACES, SHARDS);
    for (int i = 0; i < TAKEN; i++)
        cr_assert(capacity_share_acquire(shared_capacity_share(capacity, 1)));
    capacity = shared_capacity_map(map_again(), PLACES, SHARDS);
    cr_assert_not_null(capacity);
    memory_release_shared(&first);
    cr_assert_eq(shared_capacity_unused(capacity), PLACES - TAKEN);
    for (int i = TAKEN; i < PLACES; i++)
        cr_assert(capacity_share_acquire(shared_capacity_share(capacity, 0)));
    cr_assert_not(capacity_share_acquire(shared_capacity_share(capacity, 0)));
    capacity_share_release(shared_capacity_share(capacity, 1));
    cr_assert(capacity_share_acquire(shared_capacity_share(capacity, 0)));
}

Test(mapped_tables, of_another_capacity_are_refused)
{
    shared_capacity_init(reserve(shared_capacity_bytes(2)), 100, 2);
    void *memory = map_again();
    cr_assert_null(shared_capacity_map(memory, 101, 2));
    cr_assert_null(shared_capacity_map(memory, 100, 1));
}
