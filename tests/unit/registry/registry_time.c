#include "registry_fixture.h"

#include <inttypes.h>

/* Deadlines, the clock, and the sweep. */

#define HOUR_MS (UINT64_C(3600) * 1000)

/* Where milliseconds leave 31 and 32 bits, and the last that a registry may start at. */
static const uint64_t starts[] = {0,
                                  1,
                                  (UINT64_C(1) << 31) - 700,
                                  (UINT64_C(1) << 32) - 700,
                                  (UINT64_C(1) << 38) - 700,
                                  (UINT64_C(1) << 39) - 1};
enum { STARTS = sizeof starts / sizeof starts[0] };

/* ---- nobody before ttl, everybody within ttl and a sweep ---- */

enum { CLIENTS = 300 };

/* Sweeps every sweep_ms clients that joined one by one and now and then spoke again, until all are
 * gone. After each sweep just those are left whose deadline is to come. */
static void expire_all(uint64_t start_ms, uint32_t ttl_ms, uint32_t sweep_ms, uint32_t budget)
{
    struct shard shard = shard_new(CLIENTS, ttl_ms, start_ms);
    uint64_t deadline_ms[CLIENTS] = {0}, now_ms = start_ms, random = ttl_ms, expired = 0;
    uint32_t joined = 0, left;
    do {
        for (uint32_t i = 0; i < 5 && now_ms < start_ms + 2ULL * ttl_ms + 50ULL * sweep_ms; i++) {
            uint32_t n = joined < CLIENTS ? joined++ : random_below(&random, CLIENTS);
            enum registry_outcome touched = touch(&shard, any_source(n), now_ms);
            cr_assert_eq(touched == REGISTRY_RENEWED, deadline_ms[n] > now_ms);
            cr_assert_eq(touched == REGISTRY_REJOINED, false, "it had been swept");
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

Test(registry_time, evicts_nobody_before_ttl_and_everybody_within_a_sweep_after_it)
{
    for (size_t i = 0; i < STARTS; i++) {
        expire_all(starts[i], 60000, 1000, UINT32_MAX);
        expire_all(starts[i], 1000, 100, 7);
        expire_all(starts[i], 777, 13, 64);
        expire_all(starts[i], 3000000, 100000, 3); /* a ttl of several laps of the wheel */
    }
}

Test(registry_time, lives_until_the_millisecond_of_its_deadline)
{
    for (size_t i = 0; i < STARTS; i++) {
        for (uint32_t ttl_ms = 1; ttl_ms < 300; ttl_ms += 7) {
            struct shard shard = shard_new(1, ttl_ms, starts[i]);
            struct client clients[2];
            uint64_t deadline_ms = starts[i] + ttl_ms;
            touch(&shard, any_source(0), starts[i]);
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

Test(registry_time, bears_the_longest_ttl)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct shard shard = shard_new(1, REGISTRY_TTL_MAX_MS, starts[i]);
        touch(&shard, any_source(1), starts[i]);
        uint64_t deadline_ms = starts[i] + REGISTRY_TTL_MAX_MS;
        for (uint64_t now_ms = starts[i]; now_ms < deadline_ms; now_ms += 13 * HOUR_MS)
            cr_assert_eq(sweep(&shard, now_ms), 0);
        cr_assert_eq(sweep(&shard, deadline_ms - 1), 0);
        cr_assert_eq(found(&shard, any_source(1), deadline_ms - 1).idle_ms,
                     REGISTRY_TTL_MAX_MS - 1);
        cr_assert_eq(sweep(&shard, deadline_ms), 1);
        shard_free(&shard);
    }
}

Test(registry_time, makes_one_that_comes_back_before_the_sweep_a_new_client)
{
    struct shard shard = shard_new(1, 1000, 0);
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(0), 999);
    cr_assert_eq(found(&shard, any_source(0), 999).received, 2);
    cr_assert_eq(touch(&shard, any_source(0), 1999), REGISTRY_REJOINED, "though all is full");
    struct client client = found(&shard, any_source(0), 1999);
    cr_assert(client.received == 1 && client.idle_ms == 0 && client.age_s == 0);
    cr_assert_eq(registry_count(shard.registry), 1);
    cr_assert_eq(sweep(&shard, 2998), 0, "it has a whole ttl again");
    cr_assert_eq(sweep(&shard, 2999), 1);
    shard_free(&shard);
}

Test(registry_time, refuses_a_newcomer_until_the_sweep_has_made_room)
{
    struct shard shard = shard_new(1, 1000, 0);
    touch(&shard, any_source(0), 0);
    cr_assert_eq(touch(&shard, any_source(1), 5000), REGISTRY_REFUSED);
    cr_assert_eq(sweep(&shard, 5000), 1);
    cr_assert_eq(touch(&shard, any_source(1), 5000), REGISTRY_JOINED);
    shard_free(&shard);
}

/* ---- another ttl ---- */

Test(registry_time, counts_a_longer_ttl_from_the_next_datagram_on)
{
    struct shard shard = shard_new(2, 1000, 0);
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(1), 0);
    registry_set_ttl(shard.registry, 5000);
    touch(&shard, any_source(1), 500);
    cr_assert_eq(sweep(&shard, 999), 0);
    cr_assert_eq(sweep(&shard, 1000), 1, "who said nothing since has the former ttl");
    cr_assert_eq(sweep(&shard, 5499), 0);
    cr_assert_eq(sweep(&shard, 5500), 1);
    shard_free(&shard);
}

Test(registry_time, counts_a_shorter_ttl_from_the_next_datagram_on)
{
    struct shard shard = shard_new(2, (uint32_t)HOUR_MS, 0);
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(1), 0);
    registry_set_ttl(shard.registry, 1000);
    touch(&shard, any_source(1), 500);
    cr_assert_eq(sweep(&shard, 1499), 0);
    cr_assert(is_live(&shard, any_source(1), 1499));
    cr_assert_not(is_live(&shard, any_source(1), 1500));
    cr_assert_eq(sweep(&shard, 1500), 1, "the place is free at the new deadline");
    cr_assert_eq(sweep(&shard, HOUR_MS - 1), 0);
    cr_assert_eq(sweep(&shard, HOUR_MS), 1);
    shard_free(&shard);
}

/* Neighbours in memory are looked at together, at the time of the first that is due. */
Test(registry_time, evicts_a_newcomer_of_a_shorter_ttl_in_time_beside_neighbours_of_a_longer_one)
{
    for (uint32_t others = 1; others < 20; others++) {
        struct shard shard = shard_new(40, (uint32_t)HOUR_MS, 0);
        for (uint32_t n = 0; n < others; n++)
            touch(&shard, ipv4_source(n), 0);
        registry_set_ttl(shard.registry, 1000);
        touch(&shard, ipv4_source(others), 0);
        registry_set_ttl(shard.registry, (uint32_t)HOUR_MS);
        touch(&shard, ipv4_source(others + 1), 0);
        cr_assert_eq(sweep(&shard, 999), 0);
        cr_assert_eq(sweep(&shard, 1000), 1);
        cr_assert_eq(sweep(&shard, HOUR_MS - 1), 0);
        cr_assert_eq(sweep(&shard, HOUR_MS), others + 1);
        shard_free(&shard);
    }
}

Test(registry_time, counts_idle_time_from_the_last_datagram_under_whichever_ttl_it_came)
{
    struct shard shard = shard_new(2, 10000, 0);
    touch(&shard, any_source(0), 100);
    /* 255 changes are as many as an entry can tell apart. */
    for (uint32_t change = 0; change < 255; change++) {
        registry_set_ttl(shard.registry, 20000 + change);
        cr_assert_eq(found(&shard, any_source(0), 400).idle_ms, 300);
    }
    touch(&shard, any_source(1), 500);
    cr_assert_eq(found(&shard, any_source(1), 600).idle_ms, 100);
    cr_assert_eq(found(&shard, any_source(0), 600).idle_ms, 500);
    shard_free(&shard);
}

Test(registry_time, keeps_deadlines_through_any_number_of_ttl_changes)
{
    struct shard shard = shard_new(1, 10000, 0);
    touch(&shard, any_source(0), 0);
    for (uint32_t change = 1; change <= 1000; change++)
        registry_set_ttl(shard.registry, change);
    cr_assert_eq(sweep(&shard, 9999), 0);
    cr_assert(is_live(&shard, any_source(0), 9999));
    cr_assert_eq(sweep(&shard, 10000), 1);
    shard_free(&shard);
}

/* ---- idle and age ---- */

Test(registry_time, tells_idle_time_age_and_datagrams)
{
    for (size_t i = 0; i < STARTS; i++) {
        const uint64_t start_ms = starts[i] / 1000 * 1000;
        struct shard shard = shard_new(1, 60000, start_ms);
        for (uint32_t datagram = 0; datagram < 100; datagram++)
            touch(&shard, any_source(1), start_ms + datagram * 1000);
        struct client client = found(&shard, any_source(1), start_ms + 99000 + 1999);
        cr_assert_eq(client.idle_ms, 1999);
        cr_assert_eq(client.age_s, 100);
        cr_assert_eq(client.received, 100);
        shard_free(&shard);
    }
}

Test(registry_time, tells_an_age_that_is_less_than_a_second_off)
{
    struct shard shard = shard_new(1, 60000, 0);
    touch(&shard, any_source(0), 1999);
    for (uint64_t now_ms = 1999; now_ms < 60000; now_ms += 37) {
        uint64_t age_ms = now_ms - 1999;
        uint64_t told_ms = found(&shard, any_source(0), now_ms).age_s * 1000;
        cr_assert(told_ms < age_ms + 1000 && age_ms < told_ms + 1000, "%" PRIu64, age_ms);
    }
    shard_free(&shard);
}

/* ---- the clock ---- */

Test(registry_time, takes_an_earlier_time_as_the_latest_seen)
{
    struct shard shard = shard_new(2, 1000, 10 * HOUR_MS);
    touch(&shard, any_source(0), 10 * HOUR_MS - 500);
    cr_assert_eq(found(&shard, any_source(0), 0).idle_ms, 0);
    cr_assert(is_live(&shard, any_source(0), 10 * HOUR_MS + 999));
    touch(&shard, any_source(1), 9 * HOUR_MS);
    cr_assert_eq(sweep(&shard, 0), 0);
    cr_assert_eq(sweep(&shard, 10 * HOUR_MS + 1000), 1, "the first's deadline");
    struct client clients[3];
    cr_assert_eq(walk_all(&shard, 0, clients), 1);
    cr_assert_eq(clients[0].idle_ms, 1);
    cr_assert_eq(sweep(&shard, 10 * HOUR_MS + 1998), 0);
    cr_assert_eq(sweep(&shard, 10 * HOUR_MS + 1999), 1, "the second came at +999");
    shard_free(&shard);
}

Test(registry_time, evicts_all_that_a_leap_of_the_clock_has_outlived_and_nobody_else)
{
    static const uint64_t leaps_ms[] = {2 * HOUR_MS, 24 * HOUR_MS, 1000 * HOUR_MS};
    for (size_t i = 0; i < STARTS; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct shard shard = shard_new(50, (uint32_t)HOUR_MS, starts[i]);
            for (uint32_t n = 0; n < 50; n++)
                touch(&shard, any_source(n), starts[i] + n);
            cr_assert_eq(sweep(&shard, starts[i] + 1000), 0);
            uint64_t now_ms = starts[i] + leaps_ms[k];
            cr_assert_eq(touch(&shard, any_source(49), now_ms), REGISTRY_REJOINED);
            cr_assert_eq(sweep(&shard, now_ms), 49);
            cr_assert_eq(sweep(&shard, now_ms + HOUR_MS - 1), 0);
            cr_assert_eq(sweep(&shard, now_ms + HOUR_MS), 1);
            shard_free(&shard);
        }
    }
}

/* ---- slices of a sweep ---- */

Test(registry_time, sweeps_in_slices_no_larger_than_the_budget_and_ends)
{
    for (uint32_t budget = 1; budget < 120; budget += 17) {
        struct shard shard = shard_new(100, 1000, 0);
        for (uint32_t n = 0; n < 100; n++)
            touch(&shard, any_source(n), n);
        uint64_t expired = 0, before;
        uint32_t slices = 0;
        bool more;
        do {
            before = expired;
            more = registry_sweep(shard.registry, 2000, budget, &expired);
            cr_assert_leq(expired - before, budget);
            cr_assert_eq(registry_count(shard.registry), 100 - expired);
            cr_assert_leq(++slices, 100 / budget + 1);
        } while (more);
        cr_assert_eq(expired, 100);
        shard_free(&shard);
    }
}

Test(registry_time, ends_a_sweep_that_finds_all_alive)
{
    struct shard shard = shard_new(100, 50, 0);
    for (uint64_t now_ms = 0; now_ms < 5000; now_ms += 10) {
        for (uint32_t n = 0; n < 100; n++)
            touch(&shard, any_source(n), now_ms);
        uint64_t expired = 0;
        uint32_t slices = 1;
        while (registry_sweep(shard.registry, now_ms, 1, &expired))
            cr_assert_leq(++slices, 301, "each is looked at over and over");
        cr_assert_eq(expired, 0);
    }
    shard_free(&shard);
}

Test(registry_time, adds_to_the_number_of_expired_and_does_nothing_without_a_budget)
{
    struct shard shard = shard_new(2, 1000, 0);
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(1), 0);
    uint64_t expired = 40;
    cr_assert(registry_sweep(shard.registry, 1000, 0, &expired));
    cr_assert(expired == 40 && registry_count(shard.registry) == 2);
    cr_assert_not(registry_sweep(shard.registry, 1000, 3, &expired));
    cr_assert_eq(expired, 42);
    shard_free(&shard);
}

Test(registry_time, lets_clients_come_speak_and_go_between_two_slices)
{
    struct shard shard = shard_new(10, 1000, 0);
    for (uint32_t n = 0; n < 10; n++)
        touch(&shard, any_source(n), 0);
    uint64_t expired = 0;
    cr_assert(registry_sweep(shard.registry, 1000, 3, &expired));
    cr_assert_eq(expired, 3);
    uint32_t removed = 0, rejoined = 0, joined = 0;
    for (uint32_t n = 0; n < 10; n += 2)
        removed += take_out(&shard, any_source(n));
    for (uint32_t n = 1; n < 10; n += 2) {
        enum registry_outcome touched = touch(&shard, any_source(n), 1000);
        rejoined += touched == REGISTRY_REJOINED;
        joined += touched == REGISTRY_JOINED;
    }
    cr_assert_eq(removed + rejoined, 7);
    cr_assert_eq(rejoined + joined, 5);
    cr_assert_eq(sweep(&shard, 1000), 0);
    cr_assert_eq(registry_count(shard.registry), 5);
    cr_assert_eq(sweep(&shard, 2000), 5);
    shard_free(&shard);
}

Test(registry_time, evicts_what_was_due_when_the_sweep_began_and_the_rest_in_the_next_one)
{
    struct shard shard = shard_new(3, 100, 0);
    registry_set_ttl(shard.registry, 40);
    touch(&shard, any_source(0), 0);
    registry_set_ttl(shard.registry, 100);
    touch(&shard, any_source(1), 0);
    touch(&shard, any_source(2), 0);
    uint64_t expired = 0;
    cr_assert(registry_sweep(shard.registry, 50, 1, &expired));
    /* What falls due while slices of a sweep are waited for isn't found any more ... */
    while (registry_sweep(shard.registry, 120, 1, &expired))
        continue;
    cr_assert_geq(expired, 1);
    cr_assert_not(is_live(&shard, any_source(1), 120));
    /* ... and is gone with the next. */
    while (registry_sweep(shard.registry, 120, 1, &expired))
        continue;
    cr_assert_eq(expired, 3);
    cr_assert_eq(registry_count(shard.registry), 0);
    shard_free(&shard);
}
