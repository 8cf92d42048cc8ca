#include "registry/timer_wheel.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LAP_MS ((uint64_t)TIMER_WHEEL_BUCKETS * TIMER_WHEEL_TICK_MS)

enum { GUARD = 0xa5, GUARD_BYTES = 64 };

/* A wheel, and beside it what its user knows: the deadline of each slot now, which may have moved
 * on since the slot was inserted. */
struct bench {
    struct timer_wheel wheel;
    uint8_t *memory;
    uint32_t slots;
    struct known {
        uint64_t deadline_ms;
        bool in;
    } * known;
    uint64_t looks; /* slots that timer_wheel_take gave */
    bool passing;
    uint64_t pass_ms; /* when the pass at hand began */
};

static struct bench bench_new(uint32_t slots, uint64_t now_ms)
{
    struct bench bench = {.slots = slots, .known = calloc(slots, sizeof *bench.known)};
    bench.memory = calloc(1, timer_wheel_bytes(slots) + GUARD_BYTES);
    cr_assert(bench.known != NULL && bench.memory != NULL);
    memset(bench.memory + timer_wheel_bytes(slots), GUARD, GUARD_BYTES);
    timer_wheel_init(&bench.wheel, bench.memory, now_ms);
    return bench;
}

static void bench_free(struct bench *bench)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        cr_assert_eq(bench->memory[timer_wheel_bytes(bench->slots) + i], GUARD);
    free(bench->memory);
    free(bench->known);
}

static void insert(struct bench *bench, uint32_t slot, uint64_t deadline_ms)
{
    bench->known[slot] = (struct known){.deadline_ms = deadline_ms, .in = true};
    timer_wheel_insert(&bench->wheel, slot, deadline_ms);
}

static void take_out(struct bench *bench, uint32_t slot)
{
    bench->known[slot].in = false;
    timer_wheel_remove(&bench->wheel, slot);
}

static void no_due_one_is_left(const struct bench *bench, uint64_t now_ms)
{
    for (uint32_t slot = 0; slot < bench->slots; slot++)
        cr_assert(!bench->known[slot].in || bench->known[slot].deadline_ms > now_ms,
                  "slot %" PRIu32 ", due at %" PRIu64 ", is missed at %" PRIu64, slot,
                  bench->known[slot].deadline_ms, now_ms);
}

/* Takes one slot as a sweep does: one that isn't due is inserted again. TIMER_WHEEL_NONE at the
 * end, and otherwise whether the slot was due goes to due. */
static uint32_t look(struct bench *bench, uint64_t now_ms, bool *due)
{
    if (!bench->passing)
        bench->pass_ms = now_ms;
    uint32_t slot = timer_wheel_take(&bench->wheel, now_ms);
    bench->passing = slot != TIMER_WHEEL_NONE;
    if (slot == TIMER_WHEEL_NONE) {
        no_due_one_is_left(bench, bench->pass_ms);
        return slot;
    }
    cr_assert_lt(slot, bench->slots);
    struct known *known = &bench->known[slot];
    cr_assert(known->in, "slot %" PRIu32 " came that isn't in the wheel", slot);
    bench->looks++;
    known->in = false;
    *due = known->deadline_ms <= now_ms;
    if (!*due)
        insert(bench, slot, known->deadline_ms);
    return slot;
}

/* Goes on until a pass ends that saw all that is due, and returns how many were due. */
static uint32_t drain(struct bench *bench, uint64_t now_ms)
{
    uint32_t count = 0, looks = 0;
    bool due, again;
    do {
        /* A pass may have begun earlier, and then leaves to the next what fell due since. */
        again = bench->passing && bench->pass_ms < now_ms;
        for (; look(bench, now_ms, &due) != TIMER_WHEEL_NONE; count += due)
            cr_assert_leq(++looks, 6 * bench->slots, "the pass doesn't end");
    } while (again);
    no_due_one_is_left(bench, now_ms);
    return count;
}

/* Starts where a number of milliseconds, or of ticks, leaves 31 or 32 bits. */
static const uint64_t starts[] = {0,
                                  1,
                                  TIMER_WHEEL_TICK_MS - 1,
                                  LAP_MS - 1,
                                  (UINT64_C(1) << 31) - 500,
                                  (UINT64_C(1) << 32) - 500,
                                  (UINT64_C(1) << 38) - 500,
                                  (UINT64_C(1) << 39) - 500};
enum { STARTS = sizeof starts / sizeof starts[0] };

Test(timer_wheel, has_nothing_to_take_at_first)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct bench bench = bench_new(1, starts[i]);
        cr_assert_eq(timer_wheel_take(&bench.wheel, starts[i]), TIMER_WHEEL_NONE);
        cr_assert_eq(timer_wheel_take(&bench.wheel, starts[i] + 1), TIMER_WHEEL_NONE);
        cr_assert_eq(timer_wheel_take(&bench.wheel, starts[i] + 3 * LAP_MS), TIMER_WHEEL_NONE);
        bench_free(&bench);
    }
}

Test(timer_wheel, gives_each_slot_at_its_deadline_to_the_millisecond)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct bench bench = bench_new(1000, starts[i]);
        for (uint32_t slot = 0; slot < 1000; slot++)
            insert(&bench, slot, starts[i] + slot);
        for (uint64_t now_ms = starts[i]; now_ms < starts[i] + 1000; now_ms++)
            cr_assert_eq(drain(&bench, now_ms), 1, "at %" PRIu64, now_ms);
        bench_free(&bench);
    }
}

Test(timer_wheel, gives_deadlines_of_every_length_whatever_the_step_of_the_clock)
{
    const uint64_t steps_ms[] = {100,    TIMER_WHEEL_TICK_MS, 1000,      65536, LAP_MS - 1,
                                 LAP_MS, LAP_MS + 1,          7 * LAP_MS};
    for (size_t i = 0; i < STARTS; i++) {
        for (size_t k = 0; k < sizeof steps_ms / sizeof steps_ms[0]; k++) {
            enum { SLOTS = 64 };
            struct bench bench = bench_new(SLOTS, starts[i]);
            for (uint32_t slot = 0; slot < SLOTS; slot++)
                insert(&bench, slot, starts[i] + slot * steps_ms[k] / 3 + slot % 3);
            uint64_t now_ms = starts[i];
            uint32_t given = drain(&bench, now_ms);
            for (int step = 0; step < SLOTS / 3 + 1; step++)
                given += drain(&bench, now_ms += steps_ms[k]);
            cr_assert_eq(given, SLOTS);
            bench_free(&bench);
        }
    }
}

Test(timer_wheel, keeps_a_deadline_beyond_the_lap_until_it_is_due)
{
    struct bench bench = bench_new(3, 1000);
    insert(&bench, 0, 1000 + LAP_MS);
    insert(&bench, 1, 1000 + LAP_MS - TIMER_WHEEL_TICK_MS);
    insert(&bench, 2, 1000 + 5 * LAP_MS + 1);
    uint64_t now_ms = 1000;
    for (; now_ms < 1000 + LAP_MS - TIMER_WHEEL_TICK_MS; now_ms += TIMER_WHEEL_TICK_MS)
        cr_assert_eq(drain(&bench, now_ms), 0);
    cr_assert_eq(drain(&bench, 1000 + LAP_MS - TIMER_WHEEL_TICK_MS), 1);
    cr_assert_eq(drain(&bench, 1000 + LAP_MS - 1), 0);
    cr_assert_eq(drain(&bench, 1000 + LAP_MS), 1);
    cr_assert_eq(drain(&bench, 1000 + 5 * LAP_MS), 0);
    cr_assert_eq(drain(&bench, 1000 + 5 * LAP_MS + 1), 1);
    bench_free(&bench);
}

Test(timer_wheel, gives_everything_after_a_leap_of_many_laps)
{
    enum { SLOTS = 3 * TIMER_WHEEL_BUCKETS };
    struct bench bench = bench_new(SLOTS, 0);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        insert(&bench, slot, (uint64_t)slot * TIMER_WHEEL_TICK_MS);
    cr_assert_eq(drain(&bench, 100 * LAP_MS + 12345), SLOTS);
    /* And the wheel goes on from there. */
    insert(&bench, 5, 100 * LAP_MS + 12346);
    cr_assert_eq(drain(&bench, 100 * LAP_MS + 12345), 0);
    cr_assert_eq(drain(&bench, 100 * LAP_MS + 12346), 1);
    bench_free(&bench);
}

Test(timer_wheel, keeps_over_a_leap_what_is_due_behind_it)
{
    struct bench bench = bench_new(2, 0);
    const uint64_t leap_ms = 20 * LAP_MS + 77;
    insert(&bench, 0, leap_ms);
    insert(&bench, 1, leap_ms + 1);
    cr_assert_eq(drain(&bench, leap_ms), 1);
    cr_assert_eq(drain(&bench, leap_ms + 1), 1);
    bench_free(&bench);
}

Test(timer_wheel, goes_on_when_the_clock_leaps_in_the_middle_of_a_bucket)
{
    struct bench bench = bench_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        insert(&bench, slot, 10);
    bool due;
    cr_assert_neq(look(&bench, 500, &due), TIMER_WHEEL_NONE);
    cr_assert(due);
    cr_assert_eq(drain(&bench, 500 + 30 * LAP_MS), 3);
    bench_free(&bench);
}

Test(timer_wheel, lets_a_slot_be_removed_from_every_place_of_a_bucket)
{
    for (uint32_t removed = 0; removed < 3; removed++) {
        struct bench bench = bench_new(3, 0);
        for (uint32_t slot = 0; slot < 3; slot++)
            insert(&bench, slot, 1000);
        take_out(&bench, removed);
        cr_assert_eq(drain(&bench, 1000), 2);
        insert(&bench, removed, 2000);
        cr_assert_eq(drain(&bench, 2000), 1);
        bench_free(&bench);
    }
}

Test(timer_wheel, lets_a_slot_be_removed_between_two_takes_from_its_bucket)
{
    for (uint32_t removed = 0; removed < 5; removed++) {
        struct bench bench = bench_new(5, 0);
        for (uint32_t slot = 0; slot < 5; slot++)
            insert(&bench, slot, 1000);
        bool due;
        uint32_t first = look(&bench, 1000, &due);
        cr_assert_neq(first, TIMER_WHEEL_NONE);
        if (removed != first)
            take_out(&bench, removed);
        cr_assert_eq(drain(&bench, 1000), removed == first ? 4 : 3);
        bench_free(&bench);
    }
}

Test(timer_wheel, lets_all_that_was_taken_from_a_bucket_be_removed_before_it_is_looked_at)
{
    struct bench bench = bench_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        insert(&bench, slot, 1000);
    bool due;
    uint32_t first = look(&bench, 1000, &due);
    for (uint32_t slot = 0; slot < 4; slot++)
        if (slot != first)
            take_out(&bench, slot);
    cr_assert_eq(drain(&bench, 1000), 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        insert(&bench, slot, 1001);
    cr_assert_eq(drain(&bench, 1001), 4);
    bench_free(&bench);
}

/* The deadline is to be met, if it is nearer than the one before. */
static void hasten(struct bench *bench, uint32_t slot, uint64_t deadline_ms)
{
    if (deadline_ms < bench->known[slot].deadline_ms)
        bench->known[slot].deadline_ms = deadline_ms;
    timer_wheel_move_earlier(&bench->wheel, slot, deadline_ms);
}

Test(timer_wheel, hastens_a_slot_to_a_nearer_deadline_and_delays_none)
{
    static const uint64_t deadlines_ms[] = {1, 500, 1000, 5000, LAP_MS - 1, LAP_MS, 3 * LAP_MS};
    enum { COUNT = sizeof deadlines_ms / sizeof deadlines_ms[0] };
    for (size_t i = 0; i < STARTS; i++) {
        struct bench bench = bench_new(COUNT * COUNT, starts[i]);
        for (uint32_t slot = 0; slot < COUNT * COUNT; slot++)
            insert(&bench, slot, starts[i] + deadlines_ms[slot / COUNT]);
        for (uint32_t slot = 0; slot < COUNT * COUNT; slot++)
            hasten(&bench, slot, starts[i] + deadlines_ms[slot % COUNT]);
        uint32_t given = 0;
        for (size_t k = 0; k < COUNT; k++)
            given += drain(&bench, starts[i] + deadlines_ms[k]);
        cr_assert_eq(given, COUNT * COUNT);
        bench_free(&bench);
    }
}

Test(timer_wheel, hastens_what_was_taken_from_its_bucket_without_losing_it)
{
    struct bench bench = bench_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        insert(&bench, slot, 1000);
    bool due;
    uint32_t first = look(&bench, 1000, &due);
    for (uint32_t slot = 0; slot < 4; slot++)
        if (slot != first)
            hasten(&bench, slot, 1001);
    cr_assert_eq(drain(&bench, 1001), 3);
    bench_free(&bench);
}

Test(timer_wheel, gives_again_what_was_put_back)
{
    struct bench bench = bench_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        insert(&bench, slot, 1000);
    uint32_t first = timer_wheel_take(&bench.wheel, 10000);
    for (int i = 0; i < 3; i++) {
        timer_wheel_put_back(&bench.wheel, first);
        cr_assert_eq(timer_wheel_take(&bench.wheel, 10000), first);
    }
    timer_wheel_put_back(&bench.wheel, first);
    take_out(&bench, first == 3 ? 0 : 3); /* another one, and then itself */
    take_out(&bench, first);
    cr_assert_eq(drain(&bench, 10000), 2);
    bench_free(&bench);
}

Test(timer_wheel, says_beforehand_what_it_gives_next_of_a_bucket)
{
    enum { SLOTS = 5 };
    struct bench bench = bench_new(SLOTS, 0);
    cr_assert_eq(timer_wheel_next(&bench.wheel), TIMER_WHEEL_NONE);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        insert(&bench, slot, 1000);
    uint32_t taken = timer_wheel_take(&bench.wheel, 10000);
    for (int i = 1; i < SLOTS; i++) {
        uint32_t next = timer_wheel_next(&bench.wheel);
        cr_assert_neq(next, taken);
        taken = timer_wheel_take(&bench.wheel, 10000);
        cr_assert_eq(taken, next);
    }
    cr_assert_eq(timer_wheel_next(&bench.wheel), TIMER_WHEEL_NONE);
    cr_assert_eq(timer_wheel_take(&bench.wheel, 10000), TIMER_WHEEL_NONE);
    bench_free(&bench);
}

Test(timer_wheel, gives_what_falls_due_during_a_pass_in_the_next_one_at_the_latest)
{
    struct bench bench = bench_new(3, 0);
    insert(&bench, 0, 40);
    insert(&bench, 1, 100);
    insert(&bench, 2, 100);
    bool due;
    uint32_t given = 0;
    cr_assert_neq(look(&bench, 50, &due), TIMER_WHEEL_NONE);
    given += due;
    /* Now it is 120, in the same tick: all are due, one that was looked at already, too. */
    while (look(&bench, 120, &due) != TIMER_WHEEL_NONE)
        given += due;
    cr_assert_geq(given, 1);
    while (look(&bench, 120, &due) != TIMER_WHEEL_NONE)
        given += due;
    cr_assert_eq(given, 3);
    bench_free(&bench);
}

Test(timer_wheel, looks_at_most_twice_in_a_pass_at_one_that_is_not_due)
{
    /* Its deadline moves from a past tick into the one that isn't over, or beyond. */
    for (uint64_t deadline_ms = 1001; deadline_ms < 1001 + 2 * LAP_MS; deadline_ms += 12345) {
        struct bench bench = bench_new(1, 0);
        insert(&bench, 0, 10);
        bench.known[0].deadline_ms = deadline_ms;
        cr_assert_eq(drain(&bench, 1000), 0);
        cr_assert_leq(bench.looks, 2);
        bench_free(&bench);
    }
}

Test(timer_wheel, takes_a_deadline_that_has_passed_as_due_now)
{
    struct bench bench = bench_new(2, 10 * LAP_MS);
    insert(&bench, 0, 3);
    insert(&bench, 1, 10 * LAP_MS - 1);
    cr_assert_eq(drain(&bench, 10 * LAP_MS), 2);
    bench_free(&bench);
}

Test(timer_wheel, looks_at_a_slot_that_is_renewed_all_the_time_once_in_its_ttl)
{
    enum { TTL_MS = 60000, STEP_MS = 1000, TTLS = 60 };
    struct bench bench = bench_new(1, 0);
    insert(&bench, 0, TTL_MS);
    for (uint64_t now_ms = 0; now_ms < TTLS * TTL_MS; now_ms += STEP_MS) {
        bench.known[0].deadline_ms = now_ms + TTL_MS;
        cr_assert_eq(drain(&bench, now_ms), 0);
    }
    cr_assert_leq(bench.looks, TTLS + 1);
    bench_free(&bench);
}

Test(timer_wheel, looks_at_a_slot_with_a_far_deadline_once_a_lap)
{
    enum { LAPS = 20 };
    struct bench bench = bench_new(1, 0);
    insert(&bench, 0, LAPS * LAP_MS);
    for (uint64_t now_ms = 0; now_ms < LAPS * LAP_MS; now_ms += 1000)
        cr_assert_eq(drain(&bench, now_ms), 0);
    cr_assert_leq(bench.looks, LAPS + 1);
    bench_free(&bench);
}

static uint64_t random_below(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 20) % below;
}

static uint64_t random_span(uint64_t *random)
{
    static const uint64_t spans_ms[] = {3, TIMER_WHEEL_TICK_MS, 5000, LAP_MS, 4 * LAP_MS};
    return random_below(random, spans_ms[random_below(random, 5)]);
}

Test(timer_wheel, misses_nothing_and_gives_nothing_twice_under_random_use)
{
    enum { SLOTS = 60 };
    for (size_t i = 0; i < STARTS; i++) {
        uint64_t random = i + 1, now_ms = starts[i];
        struct bench bench = bench_new(SLOTS, now_ms);
        for (int operation = 0; operation < 20000; operation++) {
            uint32_t slot = (uint32_t)random_below(&random, SLOTS);
            struct known *known = &bench.known[slot];
            bool due;
            switch (random_below(&random, 8)) {
            case 0:
                now_ms += random_span(&random) / 4;
                break;
            case 1:
                drain(&bench, now_ms);
                break;
            case 2:
                look(&bench, now_ms, &due);
                break;
            case 3:
                if (known->in)
                    take_out(&bench, slot);
                break;
            case 4: /* A datagram comes: the deadline moves on, and the wheel isn't told. */
                if (known->in)
                    known->deadline_ms += random_span(&random);
                break;
            default:
                if (!known->in)
                    insert(&bench, slot, now_ms + 1 + random_span(&random));
            }
        }
        drain(&bench, now_ms + 100 * LAP_MS);
        bench_free(&bench);
    }
}

Test(timer_wheel, knows_the_first_and_the_last_slot)
{
    struct bench bench = bench_new(100000, 0);
    insert(&bench, 0, 5);
    insert(&bench, 99999, 5);
    cr_assert_eq(drain(&bench, 5), 2);
    cr_assert_eq(timer_wheel_bytes(1001) - timer_wheel_bytes(1000), 12, "12 bytes a slot");
    bench_free(&bench);
}
