/* Tests of registry/registry_restore: clients that are registered again after a restart, with the
 * rest of their ttl. */
#include "registry/registry_restore.h"

#include "capacity_fixture.h"
#include "registry_fixture.h"

#include <stdlib.h>

enum { CAPACITY = 100, TTL_MS = 60000, START_MS = 1000 };

static const struct addr none = {.family = ADDR_NONE};
static struct shard shard;

static void open_shard(void)
{
    shard = shard_new(CAPACITY, TTL_MS, START_MS);
}

static void close_shard(void)
{
    shard_free(&shard);
}

TestSuite(registry_restore, .init = open_shard, .fini = close_shard);

/* A client of listener 0 that was active idle_ms ago, under a ttl of TTL_MS. */
static struct registry_restored restored_of(const struct addr *source, uint64_t idle_ms)
{
    return (struct registry_restored){
        .source = source,
        .local = &none,
        .left_ms = TTL_MS - idle_ms,
        .idle_ms = idle_ms,
        .join_number = 7,
        .age_s = 100,
        .received = 5,
    };
}

/* Whether the last client that was restored was not registered before. */
static bool was_new;

static uint32_t restore_to(const struct shard *to, const struct registry_restored *client)
{
    return registry_restore(to->registry, client, START_MS, &was_new);
}

static uint32_t restore(struct addr source, uint64_t idle_ms)
{
    const struct registry_restored client = restored_of(&source, idle_ms);
    return restore_to(&shard, &client);
}

Test(registry_restore, a_client_is_as_it_was)
{
    struct addr source = ipv6_source(1), local = ipv6_source(2);
    local.port = 0;
    struct registry_restored restored = restored_of(&source, 20000);
    restored.local = &local;
    restored.listener = 3;
    restored.frames = true;
    uint32_t slot = restore_to(&shard, &restored);
    struct client client;
    cr_assert_neq(slot, UINT32_MAX);
    cr_assert(registry_find(shard.registry, 3, &source, START_MS, &client));
    cr_assert(addr_is_same(&client.source, &source));
    cr_assert(addr_is_same(&client.local, &local));
    cr_assert_eq(client.slot, slot);
    cr_assert_eq(client.listener, 3);
    cr_assert_eq(client.idle_ms, 20000);
    cr_assert_eq(client.received, 5);
    cr_assert_eq(client.join_number, 7);
    cr_assert(client.frames);
    cr_assert_not(client.named);
    cr_assert_eq(registry_left_ms(shard.registry, slot, START_MS), TTL_MS - 20000);
    cr_assert_eq(registry_left_ms(shard.registry, slot, START_MS + 500), TTL_MS - 20500);
    cr_assert_eq(registry_left_ms(shard.registry, slot, START_MS + TTL_MS), 0);
    cr_assert_not(is_live(&shard, source, START_MS), "it is registered on another listener");
}

/* The clock of the registry begins at the boot of the host, and the client may be older. */
Test(registry_restore, a_client_may_have_joined_and_been_active_before_the_clock_began)
{
    struct addr source = ipv4_source(1);
    struct registry_restored restored = restored_of(&source, 50000);
    restored.age_s = 1000000;
    restore_to(&shard, &restored);
    struct client client = find_live(&shard, source, START_MS);
    cr_assert_eq(client.age_s, 1000000);
    cr_assert_eq(client.idle_ms, 50000);
    client = find_live(&shard, source, START_MS + 5000);
    cr_assert_eq(client.age_s, 1000005);
    cr_assert_eq(client.idle_ms, 55000);
}

Test(registry_restore, a_client_lives_for_the_rest_of_its_ttl_and_is_swept_then)
{
    for (uint32_t n = 0; n < 60; n++)
        restore(any_source(n), 1000 * n);
    for (uint32_t n = 60; n-- > 0;) {
        uint64_t end_ms = START_MS + TTL_MS - 1000 * n;
        cr_assert_eq(sweep(&shard, end_ms - 1), 0, "client %u, too early", n);
        cr_assert(is_live(&shard, any_source(n), end_ms - 1));
        cr_assert_not(is_live(&shard, any_source(n), end_ms));
        cr_assert_eq(sweep(&shard, end_ms), 1, "client %u", n);
        cr_assert_eq(registry_count(shard.registry), n);
    }
}

Test(registry_restore, clients_of_any_rest_expire_within_it_whatever_the_order)
{
    enum { CLIENTS = 5000 };
    static uint64_t left_ms[CLIENTS];
    struct shard many = shard_new(CLIENTS, TTL_MS, START_MS);
    uint64_t random = 4711, now_ms = START_MS;
    for (uint32_t n = 0; n < CLIENTS; n++) {
        struct addr source = any_source(n);
        struct registry_restored restored = restored_of(&source, 0);
        left_ms[n] = restored.left_ms = 1 + random_below(&random, TTL_MS);
        restore_to(&many, &restored);
    }
    while (registry_count(many.registry) > 0) {
        uint32_t live = 0;
        now_ms += 1 + random_below(&random, 2000);
        sweep(&many, now_ms);
        for (uint32_t n = 0; n < CLIENTS; n++) {
            cr_assert_eq(is_live(&many, any_source(n), now_ms), START_MS + left_ms[n] > now_ms);
            live += START_MS + left_ms[n] > now_ms;
        }
        cr_assert_eq(registry_count(many.registry), live);
    }
    shard_free(&many);
}

Test(registry_restore, the_next_datagram_gives_the_client_the_ttl_in_use)
{
    registry_set_ttl(shard.registry, 2 * TTL_MS);
    restore(ipv4_source(1), TTL_MS - 10);
    cr_assert_eq(record(&shard, ipv4_source(1), START_MS + 9), REGISTRY_RENEWED);
    cr_assert_eq(find_live(&shard, ipv4_source(1), START_MS + 9).received, 6);
    cr_assert(is_live(&shard, ipv4_source(1), START_MS + 9 + 2 * TTL_MS - 1));
    cr_assert_not(is_live(&shard, ipv4_source(1), START_MS + 9 + 2 * TTL_MS));
}

Test(registry_restore, a_former_ttl_shows_in_the_idle_time_and_the_ttl_in_use_stays)
{
    for (uint32_t n = 0; n < 20; n++) {
        struct addr source = any_source(n);
        struct registry_restored restored = restored_of(&source, 100 * n);
        restored.left_ms = 1000 * (n % 3 + 1);
        restore_to(&shard, &restored);
    }
    cr_assert_eq(registry_ttl(shard.registry), TTL_MS);
    for (uint32_t n = 0; n < 20; n++)
        cr_assert_eq(find_live(&shard, any_source(n), START_MS).idle_ms, 100 * n);
    cr_assert_eq(record(&shard, ipv4_source(1000), START_MS), REGISTRY_JOINED);
    cr_assert(is_live(&shard, ipv4_source(1000), START_MS + TTL_MS - 1));
    cr_assert_not(is_live(&shard, ipv4_source(1000), START_MS + TTL_MS));
}

Test(registry_restore, any_number_of_former_ttls_changes_no_rest)
{
    enum { CLIENTS = 1000 };
    struct shard many = shard_new(CLIENTS, TTL_MS, START_MS);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        struct addr source = any_source(n);
        struct registry_restored restored = restored_of(&source, n);
        restored.left_ms = 1 + n;
        restore_to(&many, &restored);
    }
    cr_assert_eq(registry_ttl(many.registry), TTL_MS);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        struct addr source = any_source(n);
        cr_assert(is_live(&many, source, START_MS + n));
        cr_assert_not(is_live(&many, source, START_MS + n + 1));
    }
    cr_assert_eq(sweep(&many, START_MS + CLIENTS), CLIENTS);
    shard_free(&many);
}

Test(registry_restore, the_longest_rest_and_idle_time_are_accepted)
{
    struct addr source = ipv4_source(1);
    struct registry_restored restored = restored_of(&source, 0);
    restored.left_ms = REGISTRY_TTL_MAX_MS;
    restored.idle_ms = REGISTRY_TTL_MAX_MS;
    restored.age_s = UINT32_MAX;
    restored.received = UINT32_MAX;
    uint32_t slot = restore_to(&shard, &restored);
    cr_assert_eq(registry_left_ms(shard.registry, slot, START_MS), REGISTRY_TTL_MAX_MS);
    cr_assert(is_live(&shard, source, START_MS + REGISTRY_TTL_MAX_MS - 1));
    cr_assert_eq(sweep(&shard, START_MS + (uint64_t)REGISTRY_TTL_MAX_MS - 1), 0);
    cr_assert_eq(sweep(&shard, START_MS + (uint64_t)REGISTRY_TTL_MAX_MS), 1);
}

Test(registry_restore, the_capacity_holds)
{
    for (uint32_t n = 0; n < CAPACITY; n++)
        cr_assert_neq(restore(any_source(n), 0), UINT32_MAX);
    cr_assert_eq(restore(any_source(CAPACITY), 0), UINT32_MAX);
    cr_assert_eq(registry_count(shard.registry), CAPACITY);
    cr_assert_neq(restore(any_source(3), 1000), UINT32_MAX, "it is registered already");
    cr_assert_eq(registry_count(shard.registry), CAPACITY);
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS), CAPACITY);
    struct client clients[CAPACITY + 1];
    cr_assert_eq(walk_all(&shard, START_MS + TTL_MS, clients), 0);
}

Test(registry_restore, the_capacity_that_shards_share_holds_and_is_released)
{
    enum { PLACES = 10 };
    struct shared_capacity *capacity = capacity_new(PLACES, 2);
    registry_set_capacity_share(shard.registry, shared_capacity_share(capacity, 0));
    for (uint32_t n = 0; n < PLACES; n++)
        cr_assert_neq(restore(any_source(n), 0), UINT32_MAX);
    cr_assert_eq(restore(any_source(PLACES), 0), UINT32_MAX);
    cr_assert_eq(shared_capacity_unused(capacity), 0);
    cr_assert_neq(restore(any_source(1), 1000), UINT32_MAX, "a replaced client keeps its place");
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS), PLACES);
    cr_assert_eq(shared_capacity_unused(capacity), PLACES);
    registry_set_capacity_share(shard.registry, NULL);
    free(capacity);
}

Test(registry_restore, clients_count_for_their_prefix_whose_cap_they_may_exceed)
{
    size_t bytes = (prefix_counts_bytes(CAPACITY) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    struct prefix_counts *prefixes = prefix_counts_init(memory, CAPACITY, &shard_key);
    struct addr source = ipv4_source(1);
    registry_set_prefix_cap(shard.registry, prefixes, 2);
    for (uint32_t n = 0; n < 5; n++)
        cr_assert_neq(restore(ipv4_source(n), 1000 * n), UINT32_MAX);
    restore(ipv4_source(4), 0);
    cr_assert_eq(prefix_counts_count(prefixes, &source), 5, "a replaced client counts once");
    cr_assert_eq(record(&shard, ipv4_source(50), START_MS), REGISTRY_PREFIX_FULL);
    cr_assert_eq(record(&shard, ipv4_source(3), START_MS), REGISTRY_RENEWED);
    remove_client(&shard, ipv4_source(0));
    cr_assert_eq(prefix_counts_count(prefixes, &source), 4);
    sweep(&shard, START_MS + TTL_MS);
    cr_assert_eq(prefix_counts_count(prefixes, &source), 0);
    cr_assert_eq(record(&shard, ipv4_source(50), START_MS + TTL_MS), REGISTRY_JOINED);
    free(memory);
}

Test(registry_restore, a_client_that_is_registered_already_is_replaced)
{
    struct addr source = ipv4_source(1);
    struct registry_restored restored = restored_of(&source, 1000);
    restored.frames = true;
    uint32_t slot = restore_to(&shard, &restored);
    cr_assert(was_new);
    registry_set_named(shard.registry, slot);
    restored = restored_of(&source, 50000);
    restored.received = 77;
    restored.join_number = 8;
    cr_assert_eq(restore_to(&shard, &restored), slot);
    cr_assert_not(was_new);
    cr_assert_eq(registry_count(shard.registry), 1);
    struct client client = find_live(&shard, source, START_MS);
    cr_assert_eq(client.received, 77);
    cr_assert_eq(client.join_number, 8);
    cr_assert_eq(client.idle_ms, 50000);
    cr_assert_not(client.frames);
    cr_assert_not(client.named);
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS - 50000 - 1), 0);
    cr_assert_eq(sweep(&shard, START_MS + TTL_MS - 50000), 1, "the earlier end is in the wheel");
}

Test(registry_restore, frames_are_those_of_each_client)
{
    for (uint32_t n = 0; n < CAPACITY; n++) {
        struct addr source = any_source(n);
        struct registry_restored restored = restored_of(&source, 0);
        restored.frames = n % 3 == 0;
        restore_to(&shard, &restored);
    }
    for (uint32_t n = 0; n < CAPACITY; n++)
        cr_assert_eq(find_live(&shard, any_source(n), START_MS).frames, n % 3 == 0);
}

Test(registry_restore, clients_that_join_later_have_higher_join_numbers)
{
    static const uint64_t numbers[] = {5, 1000000, 3, UINT64_C(1) << 62};
    for (uint32_t n = 0; n < 4; n++) {
        struct addr source = any_source(n);
        struct registry_restored restored = restored_of(&source, 0);
        restored.join_number = numbers[n];
        restore_to(&shard, &restored);
        cr_assert_eq(find_live(&shard, source, START_MS).join_number, numbers[n]);
    }
    record(&shard, any_source(10), START_MS);
    record(&shard, any_source(11), START_MS);
    cr_assert_eq(find_live(&shard, any_source(10), START_MS).join_number, numbers[3] + 1);
    cr_assert_eq(find_live(&shard, any_source(11), START_MS).join_number, numbers[3] + 2);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    struct client clients[CAPACITY];
    cr_assert_eq(registry_walk_next(shard.registry, &walk, START_MS, clients, CAPACITY), 6);
}

Test(registry_restore, restored_clients_leave_and_join_again)
{
    for (uint32_t n = 0; n < CAPACITY; n++)
        restore(any_source(n), n);
    for (uint32_t n = 0; n < CAPACITY; n += 2)
        cr_assert(remove_client(&shard, any_source(n)));
    for (uint32_t n = 0; n < CAPACITY; n++)
        cr_assert_eq(record(&shard, any_source(n), START_MS),
                     n % 2 == 0 ? REGISTRY_JOINED : REGISTRY_RENEWED);
    cr_assert_eq(registry_count(shard.registry), CAPACITY);
}
