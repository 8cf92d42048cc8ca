/* Expiry: deadlines, the clock, changes of the ttl, and the sweep. */
#include "registry_fixture.h"

#include <inttypes.h>

#define HOUR_MS (UINT64_C(3600) * 1000)

/* Times around the limits of 31 and 32 bits, and the last at which a registry may start. */
static const uint64_t starts[] = {0,
                                  1,
                                  (UINT64_C(1) << 31) - 700,
                                  (UINT64_C(1) << 32) - 700,
                                  (UINT64_C(1) << 38) - 700,
                                  (UINT64_C(1) << 39) - 1};
enum { STARTS = sizeof starts / sizeof starts[0] };

/* ---- each client expires after its ttl ---- */

enum { CLIENTS = 300 };

/* Clients join one by one and some send again, with a sweep every sweep_ms, until all are removed.
 * After each sweep exactly the clients are left whose deadline has not passed. */
static void expire_all(uint64_t start_ms, uint32_t ttl_ms, uint32_t sweep_ms, uint32_t budget)
{
    struct shard shard = shard_new(CLIENTS, ttl_ms, start_ms);
    uint64_t deadline_ms[CLIENTS] = {0}, now_ms = start_ms, random = ttl_ms, expired = 0;
    uint32_t joined = 0, left;
    do {
        for (uint32_t i = 0; i < 5 && now_ms < start_ms + 2ULL * ttl_ms + 50ULL * sweep_ms; i++) {
            uint32_t n = joined < CLIENTS ? joined++ : random_below(&random, CLIENTS);
            enum registry_outcome outcome = record(&shard, any_source(n), now_ms);
            cr_assert_eq(outcome == REGISTRY_RENEWED, deadline_ms[n] > now_ms);
            cr_assert_eq(outcome == REGISTRY_REJOINED, false, "it had been swept");
            deadline_ms[n] = now_ms + ttl_ms;
        }
        now_ms += sweep_ms;
        while (registry_sweep(shard.registry, now_ms, budget, &expired))
            continue;
        left = 0;
        for (uint32_t n = 0; n < CLIENTS; n++) {
            left += deadline_ms[n] > now_ms;
            cr_assert_eq(is_live(&shard, any_source(n), now_ms), deadline_ms[n] > now_ms);
        }
        cr_assert_eq(registry_count(shard.registry), left,
                     "at %" PRIu64 ", ttl %" PRIu32 ", sweep %" PRIu32 ": %" PRIu32 " for %" PRIu32,
                     now_ms - start_ms, ttl_ms, sweep_ms, registry_count(shard.registry), left);
    } while (left > 0);
    shard_free(&shard);
}

Test(registry_expiry, removes_no_client_before_its_ttl_and_each_one_in_the_next_sweep_after_it)
{
    for (size_t i = 0; i < STARTS; i++) {
        expire_all(starts[i], 60000, 1000, UINT32_MAX);
        expire_all(starts[i], 1000, 100, 7);
        expire_all(starts[i], 777, 13, 64);
        expire_all(starts[i], 3000000, 100000, 3); /* a ttl of several laps of the wheel */
    }
}

Test(registry_expiry, a_client_is_live_until_the_millisecond_of_its_deadline)
{
    for (size_t i = 0; i < STARTS; i++) {
        for (uint32_t ttl_ms = 1; ttl_ms < 300; ttl_ms += 7) {
            struct shard shard = shard_new(1, ttl_ms, starts[i]);
            struct client clients[2];
            uint64_t deadline_ms = starts[i] + ttl_ms;
            record(&shard, any_source(0), starts[i]);
            cr_assert_eq(sweep(&shard, deadline_ms - 1), 0);
            cr_assert(is_live(&shard, any_source(0), deadline_ms - 1));
            cr_assert_eq(walk_all(&shard, deadline_ms - 1, clients), 1);
            cr_assert_eq(walk_all(&shard, deadline_ms, clients), 0);
            cr_assert_not(is_live(&shard, any_source(0), deadline_ms));
            cr_assert_eq(sweep(&shard, deadline_ms), 1);
            cr_assert_eq(registry_count(shard.registry), 0);
            shard_free(&shard);
        }
    }
}

Test(registry_expiry, works_with_the_longest_ttl)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct shard shard = shard_new(1, REGISTRY_TTL_MAX_MS, starts[i]);
        record(&shard, any_source(1), starts[i]);
        uint64_t deadline_ms = starts[i] + REGISTRY_TTL_MAX_MS;
        for (uint64_t now_ms = starts[i]; now_ms < deadline_ms; now_ms += 13 * HOUR_MS)
            cr_assert_eq(sweep(&shard, now_ms), 0);
        cr_assert_eq(sweep(&shard, deadline_ms - 1), 0);
        cr_assert_eq(find_live(&shard, any_source(1), deadline_ms - 1).idle_ms,
                     REGISTRY_TTL_MAX_MS - 1);
        cr_assert_eq(sweep(&shard, deadline_ms), 1);
        shard_free(&shard);
    }
}

Test(registry_expiry, an_expired_client_that_sends_before_the_sweep_is_a_new_one)
{
    struct shard shard = shard_new(1, 1000, 0);
    record(&shard, any_source(0), 0);
    record(&shard, any_source(0), 999);
    cr_assert_eq(find_live(&shard, any_source(0), 999).received, 2);
    cr_assert_eq(record(&shard, any_source(0), 1999), REGISTRY_REJOINED,
                 "though the registry is full");
    struct client client = find_live(&shard, any_source(0), 1999);
    cr_assert(client.received == 1 && client.idle_ms == 0 && client.age_s == 0);
    cr_assert_eq(registry_count(shard.registry), 1);
    cr_assert_eq(sweep(&shard, 2998), 0, "it has a whole ttl again");
    cr_assert_eq(sweep(&shard, 2999), 1);
    shard_free(&shard);
}

Test(registry_expiry, refuses_a_new_client_until_the_sweep_has_freed_a_place)
{
    struct shard shard = shard_new(1, 1000, 0);
    record(&shard, any_source(0), 0);
    cr_assert_eq(record(&shard, any_source(1), 5000), REGISTRY_REFUSED);
    cr_assert_eq(sweep(&shard, 5000), 1);
    cr_assert_eq(record(&shard, any_source(1), 5000), REGISTRY_JOINED);
    shard_free(&shard);
}

/* ---- another ttl ---- */

Test(registry_expiry, counts_a_longer_ttl_from_the_next_datagram_on)
{
    struct shard shard = shard_new(2, 1000, 0);
    record(&shard, any_source(0), 0);
    record(&shard, any_source(1), 0);
    registry_set_ttl(shard.registry, 5000);
    record(&shard, any_source(1), 500);
    cr_assert_eq(sweep(&shard, 999), 0);
    cr_assert_eq(sweep(&shard, 1000), 1, "a client that has not sent since has the former ttl");
    cr_assert_eq(sweep(&shard, 5499), 0);
    cr_assert_eq(sweep(&shard, 5500), 1);
    shard_free(&shard);
}

Test(registry_expiry, counts_a_shorter_ttl_from_the_next_datagram_on)
{
    struct shard shard = shard_new(2, (uint32_t)HOUR_MS, 0);
    record(&shard, any_source(0), 0);
    record(&shard, any_source(1), 0);
    registry_set_ttl(shard.registry, 1000);
    record(&shard, any_source(1), 500);
    cr_assert_eq(sweep(&shard, 1499), 0);
    cr_assert(is_live(&shard, any_source(1), 1499));
    cr_assert_not(is_live(&shard, any_source(1), 1500));
    cr_assert_eq(sweep(&shard, 1500), 1, "the place is free at the new deadline");
    cr_assert_eq(sweep(&shard, HOUR_MS - 1), 0);
    cr_assert_eq(sweep(&shard, HOUR_MS), 1);
    shard_free(&shard);
}

/* The clients of a cluster are checked together, at the earliest deadline. */
Test(registry_expiry,
     removes_a_client_with_a_shorter_ttl_in_time_beside_neighbours_with_a_longer_one)
{
    for (uint32_t others = 1; others < 20; others++) {
        struct shard shard = shard_new(40, (uint32_t)HOUR_MS, 0);
        for (uint32_t n = 0; n < others; n++)
            record(&shard, ipv4_source(n), 0);
        registry_set_ttl(shard.registry, 1000);
        record(&shard, ipv4_source(others), 0);
        registry_set_ttl(shard.registry, (uint32_t)HOUR_MS);
        record(&shard, ipv4_source(others + 1), 0);
        cr_assert_eq(sweep(&shard, 999), 0);
        cr_assert_eq(sweep(&shard, 1000), 1);
        cr_assert_eq(sweep(&shard, HOUR_MS - 1), 0);
        cr_assert_eq(sweep(&shard, HOUR_MS), others + 1);
        shard_free(&shard);
    }
}

Test(registry_expiry, counts_idle_time_from_the_last_datagram_whatever_the_ttl_was_then)
{
    struct shard shard = shard_new(2, 10000, 0);
    record(&shard, any_source(0), 100);
    /* An entry can distinguish 255 changes. */
    for (uint32_t change = 0; change < 255; change++) {
        registry_set_ttl(shard.registry, 20000 + change);
        cr_assert_eq(find_live(&shard, any_source(0), 400).idle_ms, 300);
    }
    record(&shard, any_source(1), 500);
    cr_assert_eq(find_live(&shard, any_source(1), 600).idle_ms, 100);
    cr_assert_eq(find_live(&shard, any_source(0), 600).idle_ms, 500);
    shard_free(&shard);
}

Test(registry_expiry, keeps_deadlines_through_any_number_of_ttl_changes)
{
    struct shard shard = shard_new(1, 10000, 0);
    record(&shard, any_source(0), 0);
    for (uint32_t change = 1; change <= 1000; change++)
        registry_set_ttl(shard.registry, change);
    cr_assert_eq(sweep(&shard, 9999), 0);
    cr_assert(is_live(&shard, any_source(0), 9999));
    cr_assert_eq(sweep(&shard, 10000), 1);
    shard_free(&shard);
}

/* ---- idle and age ---- */

Test(registry_expiry, reports_idle_time_age_and_datagrams)
{
    for (size_t i = 0; i < STARTS; i++) {
        const uint64_t start_ms = starts[i] / 1000 * 1000;
        struct shard shard = shard_new(1, 60000, start_ms);
        for (uint32_t datagram = 0; datagram < 100; datagram++)
            record(&shard, any_source(1), start_ms + datagram * 1000);
        struct client client = find_live(&shard, any_source(1), start_ms + 99000 + 1999);
        cr_assert_eq(client.idle_ms, 1999);
        cr_assert_eq(client.age_s, 100);
        cr_assert_eq(client.received, 100);
        shard_free(&shard);
    }
}

Test(registry_expiry, reports_an_age_with_an_error_of_less_than_a_second)
{
    struct shard shard = shard_new(1, 60000, 0);
    record(&shard, any_source(0), 1999);
    for (uint64_t now_ms = 1999; now_ms < 60000; now_ms += 37) {
        uint64_t age_ms = now_ms - 1999;
        uint64_t reported_ms = find_live(&shard, any_source(0), now_ms).age_s * 1000;
        cr_assert(reported_ms < age_ms + 1000 && age_ms < reported_ms + 1000, "%" PRIu64, age_ms);
    }
    shard_free(&shard);
}

/* ---- the clock ---- */

Test(registry_expiry, takes_an_earlier_time_as_the_latest_seen)
{
    struct shard shard = shard_new(2, 1000, 10 * HOUR_MS);
    record(&shard, any_source(0), 10 * HOUR_MS - 500);
    cr_assert_eq(find_live(&shard, any_source(0), 0).idle_ms, 0);
    cr_assert(is_live(&shard, any_source(0), 10 * HOUR_MS + 999));
    record(&shard, any_source(1), 9 * HOUR_MS);
    cr_assert_eq(sweep(&shard, 0), 0);
    cr_assert_eq(sweep(&shard, 10 * HOUR_MS + 1000), 1, "the first's deadline");
    struct client clients[3];
    cr_assert_eq(walk_all(&shard, 0, clients), 1);
    cr_assert_eq(clients[0].idle_ms, 1);
    cr_assert_eq(sweep(&shard, 10 * HOUR_MS + 1998), 0);
    cr_assert_eq(sweep(&shard, 10 * HOUR_MS + 1999), 1, "the second came at +999");
    shard_free(&shard);
}

Test(registry_expiry, removes_exactly_the_clients_that_expired_during_a_jump_of_the_clock)
{
    static const uint64_t jumps_ms[] = {2 * HOUR_MS, 24 * HOUR_MS, 1000 * HOUR_MS};
    for (size_t i = 0; i < STARTS; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct shard shard = shard_new(50, (uint32_t)HOUR_MS, starts[i]);
            for (uint32_t n = 0; n < 50; n++)
                record(&shard, any_source(n), starts[i] + n);
            cr_assert_eq(sweep(&shard, starts[i] + 1000), 0);
            uint64_t now_ms = starts[i] + jumps_ms[k];
            cr_assert_eq(record(&shard, any_source(49), now_ms), REGISTRY_REJOINED);
            cr_assert_eq(sweep(&shard, now_ms), 49);
            cr_assert_eq(sweep(&shard, now_ms + HOUR_MS - 1), 0);
            cr_assert_eq(sweep(&shard, now_ms + HOUR_MS), 1);
            shard_free(&shard);
        }
    }
}

/* ---- a sweep in several calls ---- */

Test(registry_expiry, each_call_removes_at_most_the_budget_and_the_sweep_ends)
{
    for (uint32_t budget = 1; budget < 120; budget += 17) {
        struct shard shard = shard_new(100, 1000, 0);
        for (uint32_t n = 0; n < 100; n++)
            record(&shard, any_source(n), n);
        uint64_t expired = 0, before;
        uint32_t calls = 0;
        bool more;
        do {
            before = expired;
            more = registry_sweep(shard.registry, 2000, budget, &expired);
            cr_assert_leq(expired - before, budget);
            cr_assert_eq(registry_count(shard.registry), 100 - expired);
            cr_assert_leq(++calls, 100 / budget + 1);
        } while (more);
        cr_assert_eq(expired, 100);
        shard_free(&shard);
    }
}

Test(registry_expiry, a_sweep_that_finds_only_live_clients_ends)
{
    struct shard shard = shard_new(100, 50, 0);
    for (uint64_t now_ms = 0; now_ms < 5000; now_ms += 10) {
        for (uint32_t n = 0; n < 100; n++)
            record(&shard, any_source(n), now_ms);
        uint64_t expired = 0;
        uint32_t calls = 1;
        while (registry_sweep(shard.registry, now_ms, 1, &expired))
            cr_assert_leq(++calls, 301, "clients are checked over and over");
        cr_assert_eq(expired, 0);
    }
    shard_free(&shard);
}

Test(registry_expiry, adds_to_the_number_of_expired_and_does_nothing_without_a_budget)
{
    struct shard shard = shard_new(2, 1000, 0);
    record(&shard, any_source(0), 0);
    record(&shard, any_source(1), 0);
    uint64_t expired = 40;
    cr_assert(registry_sweep(shard.registry, 1000, 0, &expired));
    cr_assert(expired == 40 && registry_count(shard.registry) == 2);
    cr_assert_not(registry_sweep(shard.registry, 1000, 3, &expired));
    cr_assert_eq(expired, 42);
    shard_free(&shard);
}

Test(registry_expiry, clients_may_join_renew_and_leave_between_two_calls)
{
    struct shard shard = shard_new(10, 1000, 0);
    for (uint32_t n = 0; n < 10; n++)
        record(&shard, any_source(n), 0);
    uint64_t expired = 0;
    cr_assert(registry_sweep(shard.registry, 1000, 3, &expired));
    cr_assert_eq(expired, 3);
    uint32_t removed = 0, rejoined = 0, joined = 0;
    for (uint32_t n = 0; n < 10; n += 2)
        removed += remove_client(&shard, any_source(n));
    for (uint32_t n = 1; n < 10; n += 2) {
        enum registry_outcome outcome = record(&shard, any_source(n), 1000);
        rejoined += outcome == REGISTRY_REJOINED;
        joined += outcome == REGISTRY_JOINED;
    }
    cr_assert_eq(removed + rejoined, 7);
    cr_assert_eq(rejoined + joined, 5);
    cr_assert_eq(sweep(&shard, 1000), 0);
    cr_assert_eq(registry_count(shard.registry), 5);
    cr_assert_eq(sweep(&shard, 2000), 5);
    shard_free(&shard);
}

Test(registry_expiry, removes_what_was_due_when_the_sweep_began_and_the_rest_in_the_next_one)
{
    struct shard shard = shard_new(3, 100, 0);
    registry_set_ttl(shard.registry, 40);
    record(&shard, any_source(0), 0);
    registry_set_ttl(shard.registry, 100);
    record(&shard, any_source(1), 0);
    record(&shard, any_source(2), 0);
    uint64_t expired = 0;
    cr_assert(registry_sweep(shard.registry, 50, 1, &expired));
    /* Clients that expire between two calls of a sweep are no longer found ... */
    while (registry_sweep(shard.registry, 120, 1, &expired))
        continue;
    cr_assert_geq(expired, 1);
    cr_assert_not(is_live(&shard, any_source(1), 120));
    /* ... and are removed by the next sweep. */
    while (registry_sweep(shard.registry, 120, 1, &expired))
        continue;
    cr_assert_eq(expired, 3);
    cr_assert_eq(registry_count(shard.registry), 0);
    shard_free(&shard);
}

struct seen {
    struct client clients[100];
    uint32_t count;
};

static void see(void *state, const struct client *client)
{
    struct seen *seen = state;
    seen->clients[seen->count++] = *client;
}

Test(registry_expiry, passes_each_client_that_a_sweep_removes_to_the_callback_once)
{
    struct shard shard = shard_new(100, 1000, 0);
    struct seen seen = {.count = 0};
    registry_set_expiry_callback(shard.registry,
                                 &(struct client_callback){.call = see, .state = &seen});
    for (uint32_t n = 0; n < 20; n++)
        record_at(&shard, (uint8_t)(n % 3), any_source(n), (struct addr){.family = ADDR_NONE}, n);
    remove_client(&shard, any_source(0));
    record_at(&shard, 1, any_source(1), (struct addr){.family = ADDR_NONE}, 900);
    uint64_t expired = 0;
    while (registry_sweep(shard.registry, 1100, 3, &expired))
        continue;
    cr_assert_eq(expired, 18);
    cr_assert_eq(seen.count, 18);
    for (uint32_t n = 2; n < 20; n++) {
        struct addr source = any_source(n);
        uint32_t times = 0;
        for (uint32_t i = 0; i < seen.count; i++) {
            if (!addr_is_same(&seen.clients[i].source, &source))
                continue;
            times++;
            cr_expect_eq(seen.clients[i].listener, n % 3);
            cr_expect_geq(seen.clients[i].idle_ms, 1000);
        }
        cr_expect_eq(times, 1, "client %u", n);
    }
    registry_set_expiry_callback(shard.registry, &(struct client_callback){.call = NULL});
    cr_assert_eq(sweep(&shard, 5000), 1);
    cr_assert_eq(seen.count, 18);
    shard_free(&shard);
}
