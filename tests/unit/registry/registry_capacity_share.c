/* Two shards that share a capacity: a client that joins acquires a place, and releases it. */
#include "capacity_fixture.h"
#include "registry_fixture.h"

enum { TTL_MS = 60000, PLACES = 100 };

struct pair {
    struct shared_capacity *capacity;
    struct shard shards[2];
};

static struct pair pair_new(void)
{
    struct pair pair = {.capacity = capacity_new(PLACES, 2)};
    cr_assert_not_null(pair.capacity);
    for (size_t i = 0; i < 2; i++) {
        pair.shards[i] = shard_new(PLACES, TTL_MS, 0);
        registry_set_capacity_share(pair.shards[i].registry,
                                    shared_capacity_share(pair.capacity, i));
    }
    return pair;
}

static void pair_free(struct pair *pair)
{
    for (size_t i = 0; i < 2; i++)
        shard_free(&pair->shards[i]);
    free(pair->capacity);
}

static void fill(struct shard *shard, uint32_t count)
{
    for (uint32_t n = 0; n < count; n++)
        cr_assert_eq(record(shard, any_source(n), 0), REGISTRY_JOINED);
}

Test(registry_capacity_share, refuses_when_all_shards_together_are_full_and_not_before)
{
    for (uint32_t first = 0; first <= PLACES; first += 7) {
        struct pair pair = pair_new();
        fill(&pair.shards[0], first);
        fill(&pair.shards[1], PLACES - first);
        for (size_t i = 0; i < 2; i++)
            cr_assert_eq(record(&pair.shards[i], any_source(4711), 1), REGISTRY_REFUSED);
        cr_assert_eq(registry_count(pair.shards[0].registry), first, "nothing changed");
        cr_assert_eq(registry_count(pair.shards[1].registry), PLACES - first);
        pair_free(&pair);
    }
}

Test(registry_capacity_share, acquires_no_place_for_a_known_client)
{
    struct pair pair = pair_new();
    fill(&pair.shards[0], 1);
    for (uint32_t n = 0; n < 3 * PLACES; n++)
        cr_assert_eq(record(&pair.shards[0], any_source(0), 1), REGISTRY_RENEWED);
    cr_assert_eq(record(&pair.shards[0], any_source(0), 1 + TTL_MS), REGISTRY_REJOINED);
    cr_assert_eq(shared_capacity_unused(pair.capacity), PLACES - 1);
    pair_free(&pair);
}

Test(registry_capacity_share, gives_the_places_of_removed_and_expired_clients_to_any_shard)
{
    struct pair pair = pair_new();
    fill(&pair.shards[0], PLACES);
    cr_assert(remove_client(&pair.shards[0], any_source(3)));
    cr_assert_eq(record(&pair.shards[1], any_source(3), 1), REGISTRY_JOINED);
    cr_assert_eq(record(&pair.shards[1], any_source(4), 1), REGISTRY_REFUSED);
    cr_assert_eq(sweep(&pair.shards[0], TTL_MS), PLACES - 1);
    cr_assert_eq(shared_capacity_unused(pair.capacity), PLACES - 1);
    for (uint32_t n = 1000; n < 1000 + PLACES - 1; n++)
        cr_assert_eq(record(&pair.shards[1], any_source(n), TTL_MS), REGISTRY_JOINED);
    pair_free(&pair);
}

Test(registry_capacity_share, acquires_no_place_when_the_shard_itself_is_full)
{
    struct shared_capacity *capacity = capacity_new(PLACES, 2);
    struct shard shard = shard_new(3, TTL_MS, 0);
    registry_set_capacity_share(shard.registry, shared_capacity_share(capacity, 0));
    fill(&shard, 3);
    for (uint32_t n = 10; n < 20; n++)
        cr_assert_eq(record(&shard, any_source(n), 0), REGISTRY_REFUSED);
    cr_assert_eq(shared_capacity_unused(capacity), PLACES - 3);
    shard_free(&shard);
    free(capacity);
}
