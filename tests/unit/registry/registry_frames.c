/* Tests of registry/registry: which clients want messages as frames. */
#include "registry_fixture.h"

enum { CAPACITY = 100, TTL_MS = 1000 };

static struct shard shard;

static void open_shard(void)
{
    shard = shard_new(CAPACITY, TTL_MS, 0);
}

static void close_shard(void)
{
    shard_free(&shard);
}

TestSuite(registry_frames, .init = open_shard, .fini = close_shard);

static void set_frames(uint32_t source, bool frames, uint64_t now_ms)
{
    registry_set_frames(shard.registry, find_live(&shard, any_source(source), now_ms).slot, frames);
}

static bool has_frames(uint32_t source, uint64_t now_ms)
{
    return find_live(&shard, any_source(source), now_ms).frames;
}

Test(registry_frames, are_sent_to_no_client_that_did_not_ask)
{
    for (uint32_t n = 0; n < CAPACITY; n++)
        record(&shard, any_source(n), 0);
    set_frames(7, true, 0);
    for (uint32_t n = 0; n < CAPACITY; n++)
        cr_assert_eq(has_frames(n, 0), n == 7, "client %u", n);
}

Test(registry_frames, are_set_and_cleared_for_each_client_alone)
{
    bool expected[CAPACITY] = {false};
    uint64_t random = 1;
    for (uint32_t n = 0; n < CAPACITY; n++)
        record(&shard, any_source(n), 0);
    for (int step = 0; step < 1000; step++) {
        uint32_t n = random_below(&random, CAPACITY);
        expected[n] = random_below(&random, 2);
        set_frames(n, expected[n], 0);
        n = random_below(&random, CAPACITY);
        cr_assert_eq(has_frames(n, 0), expected[n]);
    }
    for (uint32_t n = 0; n < CAPACITY; n++)
        cr_assert_eq(has_frames(n, 0), expected[n]);
}

Test(registry_frames, stay_while_the_client_is_renewed)
{
    record(&shard, any_source(1), 0);
    set_frames(1, true, 0);
    cr_assert_eq(record(&shard, any_source(1), TTL_MS - 1), REGISTRY_RENEWED);
    cr_assert(has_frames(1, TTL_MS));
}

Test(registry_frames, end_with_the_client_that_asked)
{
    record(&shard, any_source(1), 0);
    set_frames(1, true, 0);
    uint32_t slot = find_live(&shard, any_source(1), 0).slot;
    cr_assert(remove_client(&shard, any_source(1)));
    cr_assert_eq(record(&shard, any_source(1), 0), REGISTRY_JOINED);
    cr_assert_eq(find_live(&shard, any_source(1), 0).slot, slot);
    cr_assert_not(has_frames(1, 0), "after it was removed and has joined again");
    set_frames(1, true, 0);
    cr_assert_eq(record(&shard, any_source(1), TTL_MS), REGISTRY_REJOINED);
    cr_assert_not(has_frames(1, TTL_MS), "after it has expired and rejoined before the sweep");
    set_frames(1, true, TTL_MS);
    cr_assert_eq(sweep(&shard, 2 * TTL_MS), 1);
    record(&shard, any_source(3), 2 * TTL_MS);
    cr_assert_eq(find_live(&shard, any_source(3), 2 * TTL_MS).slot, slot);
    cr_assert_not(has_frames(3, 2 * TTL_MS), "another client in the slot of one that has expired");
}

/* ---- clients that may have a name ---- */

static bool is_named(uint32_t source, uint64_t now_ms)
{
    return find_live(&shard, any_source(source), now_ms).named;
}

static void mark_named(uint32_t source, uint64_t now_ms)
{
    registry_set_named(shard.registry, find_live(&shard, any_source(source), now_ms).slot);
}

/* Returns whether the client that leaves was marked. */
static bool leaves_named(uint32_t source, uint64_t now_ms)
{
    const struct addr addr = any_source(source), none = {.family = ADDR_NONE};
    struct registry_datagram leave = {.source = &addr, .local = &none, .action = REGISTRY_LEAVE};
    registry_update(shard.registry, 0, &leave, 1, now_ms);
    cr_assert_eq(leave.outcome, REGISTRY_LEFT);
    return leave.was_named;
}

Test(registry_frames, a_name_is_marked_until_the_end_of_its_client)
{
    for (uint32_t n = 0; n < 3; n++)
        record(&shard, any_source(n), 0);
    cr_assert_not(leaves_named(0, 0), "no client was ever marked");
    mark_named(1, 0);
    mark_named(1, 0);
    cr_assert(is_named(1, 0));
    cr_assert_not(is_named(2, 0));
    cr_assert_not(has_frames(1, 0), "that is another mark");
    cr_assert_eq(record(&shard, any_source(1), TTL_MS - 1), REGISTRY_RENEWED);
    cr_assert(is_named(1, TTL_MS - 1));
    cr_assert(leaves_named(1, TTL_MS - 1));
    record(&shard, any_source(1), TTL_MS - 1);
    cr_assert_not(is_named(1, TTL_MS - 1), "the next client of its slot");
    cr_assert_not(leaves_named(1, TTL_MS - 1));
}

Test(registry_frames, and_join_numbers_are_in_the_clients_of_a_walk)
{
    struct client clients[CAPACITY + 1];
    for (uint32_t n = 0; n < CAPACITY; n++) {
        record(&shard, any_source(n), 0);
        set_frames(n, n % 3 == 0, 0);
    }
    size_t count = walk_all(&shard, 0, clients);
    cr_assert_eq(count, CAPACITY);
    for (size_t i = 0; i < count; i++) {
        cr_assert_lt(clients[i].join_number, CAPACITY);
        const struct addr source = any_source((uint32_t)clients[i].join_number);
        cr_assert(addr_is_same(&clients[i].source, &source));
        cr_assert_eq(clients[i].frames, clients[i].join_number % 3 == 0);
    }
}
