/* The timer wheel, compared with the deadlines that its user knows. */
#include "registry/timer_wheel.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LAP_MS ((uint64_t)TIMER_WHEEL_BUCKETS * TIMER_WHEEL_TICK_MS)

enum { GUARD = 0xa5, GUARD_BYTES = 64 };

/* A wheel, and what its user knows: the current deadline of each slot, which may have moved to a
 * later time since the slot was added. */
struct fixture {
    struct timer_wheel wheel;
    uint8_t *memory;
    uint32_t slots;
    struct known {
        uint64_t deadline_ms;
        bool in;
    } * known;
    uint64_t checks; /* slots that timer_wheel_take returned */
    bool in_pass;
    uint64_t pass_ms; /* when the current pass began */
};

static struct fixture fixture_new(uint32_t slots, uint64_t now_ms)
{
    struct fixture fixture = {.slots = slots, .known = calloc(slots, sizeof *fixture.known)};
    fixture.memory = calloc(1, timer_wheel_bytes(slots) + GUARD_BYTES);
    cr_assert(fixture.known != NULL && fixture.memory != NULL);
    memset(fixture.memory + timer_wheel_bytes(slots), GUARD, GUARD_BYTES);
    timer_wheel_init(&fixture.wheel, fixture.memory, now_ms);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        cr_assert_eq(fixture->memory[timer_wheel_bytes(fixture->slots) + i], GUARD);
    free(fixture->memory);
    free(fixture->known);
}

static void add(struct fixture *fixture, uint32_t slot, uint64_t deadline_ms)
{
    fixture->known[slot] = (struct known){.deadline_ms = deadline_ms, .in = true};
    timer_wheel_add(&fixture->wheel, slot, deadline_ms);
}

static void remove_slot(struct fixture *fixture, uint32_t slot)
{
    fixture->known[slot].in = false;
    timer_wheel_remove(&fixture->wheel, slot);
}

static void expect_no_due_slot(const struct fixture *fixture, uint64_t now_ms)
{
    for (uint32_t slot = 0; slot < fixture->slots; slot++)
        cr_assert(!fixture->known[slot].in || fixture->known[slot].deadline_ms > now_ms,
                  "slot %" PRIu32 ", due at %" PRIu64 ", is missed at %" PRIu64, slot,
                  fixture->known[slot].deadline_ms, now_ms);
}

/* Takes one slot as a sweep does, and adds it again if it is not due. Returns TIMER_WHEEL_NONE at
 * the end of the pass; otherwise *due is whether the slot was due. */
static uint32_t check(struct fixture *fixture, uint64_t now_ms, bool *due)
{
    if (!fixture->in_pass)
        fixture->pass_ms = now_ms;
    uint32_t slot = timer_wheel_take(&fixture->wheel, now_ms);
    fixture->in_pass = slot != TIMER_WHEEL_NONE;
    if (slot == TIMER_WHEEL_NONE) {
        expect_no_due_slot(fixture, fixture->pass_ms);
        return slot;
    }
    cr_assert_lt(slot, fixture->slots);
    struct known *known = &fixture->known[slot];
    cr_assert(known->in, "slot %" PRIu32 " was returned and is not in the wheel", slot);
    fixture->checks++;
    known->in = false;
    *due = known->deadline_ms <= now_ms;
    if (!*due)
        add(fixture, slot, known->deadline_ms);
    return slot;
}

/* Takes slots until a pass has returned all that are due. Returns how many were due. */
static uint32_t drain(struct fixture *fixture, uint64_t now_ms)
{
    uint32_t count = 0, checks = 0;
    bool due, again;
    do {
        /* A pass that began earlier leaves slots that became due since to the next one. */
        again = fixture->in_pass && fixture->pass_ms < now_ms;
        for (; check(fixture, now_ms, &due) != TIMER_WHEEL_NONE; count += due)
            cr_assert_leq(++checks, 6 * fixture->slots, "the pass does not end");
    } while (again);
    expect_no_due_slot(fixture, now_ms);
    return count;
}

/* Times around the limits of 31 and 32 bits, in milliseconds and in ticks. */
static const uint64_t starts[] = {0,
                                  1,
                                  TIMER_WHEEL_TICK_MS - 1,
                                  LAP_MS - 1,
                                  (UINT64_C(1) << 31) - 500,
                                  (UINT64_C(1) << 32) - 500,
                                  (UINT64_C(1) << 38) - 500,
                                  (UINT64_C(1) << 39) - 500};
enum { STARTS = sizeof starts / sizeof starts[0] };

Test(timer_wheel, is_empty_at_first)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct fixture fixture = fixture_new(1, starts[i]);
        cr_assert_eq(timer_wheel_take(&fixture.wheel, starts[i]), TIMER_WHEEL_NONE);
        cr_assert_eq(timer_wheel_take(&fixture.wheel, starts[i] + 1), TIMER_WHEEL_NONE);
        cr_assert_eq(timer_wheel_take(&fixture.wheel, starts[i] + 3 * LAP_MS), TIMER_WHEEL_NONE);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, returns_each_slot_at_its_deadline_to_the_millisecond)
{
    for (size_t i = 0; i < STARTS; i++) {
        struct fixture fixture = fixture_new(1000, starts[i]);
        for (uint32_t slot = 0; slot < 1000; slot++)
            add(&fixture, slot, starts[i] + slot);
        for (uint64_t now_ms = starts[i]; now_ms < starts[i] + 1000; now_ms++)
            cr_assert_eq(drain(&fixture, now_ms), 1, "at %" PRIu64, now_ms);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, returns_deadlines_of_every_length_whatever_the_step_of_the_clock)
{
    const uint64_t steps_ms[] = {100,    TIMER_WHEEL_TICK_MS, 1000,      65536, LAP_MS - 1,
                                 LAP_MS, LAP_MS + 1,          7 * LAP_MS};
    for (size_t i = 0; i < STARTS; i++) {
        for (size_t k = 0; k < sizeof steps_ms / sizeof steps_ms[0]; k++) {
            enum { SLOTS = 64 };
            struct fixture fixture = fixture_new(SLOTS, starts[i]);
            for (uint32_t slot = 0; slot < SLOTS; slot++)
                add(&fixture, slot, starts[i] + slot * steps_ms[k] / 3 + slot % 3);
            uint64_t now_ms = starts[i];
            uint32_t returned = drain(&fixture, now_ms);
            for (int step = 0; step < SLOTS / 3 + 1; step++)
                returned += drain(&fixture, now_ms += steps_ms[k]);
            cr_assert_eq(returned, SLOTS);
            fixture_free(&fixture);
        }
    }
}

Test(timer_wheel, keeps_a_deadline_beyond_the_lap_until_it_is_due)
{
    struct fixture fixture = fixture_new(3, 1000);
    add(&fixture, 0, 1000 + LAP_MS);
    add(&fixture, 1, 1000 + LAP_MS - TIMER_WHEEL_TICK_MS);
    add(&fixture, 2, 1000 + 5 * LAP_MS + 1);
    uint64_t now_ms = 1000;
    for (; now_ms < 1000 + LAP_MS - TIMER_WHEEL_TICK_MS; now_ms += TIMER_WHEEL_TICK_MS)
        cr_assert_eq(drain(&fixture, now_ms), 0);
    cr_assert_eq(drain(&fixture, 1000 + LAP_MS - TIMER_WHEEL_TICK_MS), 1);
    cr_assert_eq(drain(&fixture, 1000 + LAP_MS - 1), 0);
    cr_assert_eq(drain(&fixture, 1000 + LAP_MS), 1);
    cr_assert_eq(drain(&fixture, 1000 + 5 * LAP_MS), 0);
    cr_assert_eq(drain(&fixture, 1000 + 5 * LAP_MS + 1), 1);
    fixture_free(&fixture);
}

Test(timer_wheel, returns_everything_after_a_jump_of_many_laps)
{
    enum { SLOTS = 3 * TIMER_WHEEL_BUCKETS };
    struct fixture fixture = fixture_new(SLOTS, 0);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        add(&fixture, slot, (uint64_t)slot * TIMER_WHEEL_TICK_MS);
    cr_assert_eq(drain(&fixture, 100 * LAP_MS + 12345), SLOTS);
    /* The wheel continues from there. */
    add(&fixture, 5, 100 * LAP_MS + 12346);
    cr_assert_eq(drain(&fixture, 100 * LAP_MS + 12345), 0);
    cr_assert_eq(drain(&fixture, 100 * LAP_MS + 12346), 1);
    fixture_free(&fixture);
}

Test(timer_wheel, keeps_during_a_jump_what_is_due_after_it)
{
    struct fixture fixture = fixture_new(2, 0);
    const uint64_t jump_ms = 20 * LAP_MS + 77;
    add(&fixture, 0, jump_ms);
    add(&fixture, 1, jump_ms + 1);
    cr_assert_eq(drain(&fixture, jump_ms), 1);
    cr_assert_eq(drain(&fixture, jump_ms + 1), 1);
    fixture_free(&fixture);
}

Test(timer_wheel, continues_when_the_clock_jumps_in_the_middle_of_a_bucket)
{
    struct fixture fixture = fixture_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        add(&fixture, slot, 10);
    bool due;
    cr_assert_neq(check(&fixture, 500, &due), TIMER_WHEEL_NONE);
    cr_assert(due);
    cr_assert_eq(drain(&fixture, 500 + 30 * LAP_MS), 3);
    fixture_free(&fixture);
}

Test(timer_wheel, a_slot_can_be_removed_from_every_position_in_a_bucket)
{
    for (uint32_t removed = 0; removed < 3; removed++) {
        struct fixture fixture = fixture_new(3, 0);
        for (uint32_t slot = 0; slot < 3; slot++)
            add(&fixture, slot, 1000);
        remove_slot(&fixture, removed);
        cr_assert_eq(drain(&fixture, 1000), 2);
        add(&fixture, removed, 2000);
        cr_assert_eq(drain(&fixture, 2000), 1);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, a_slot_can_be_removed_between_two_takes_from_its_bucket)
{
    for (uint32_t removed = 0; removed < 5; removed++) {
        struct fixture fixture = fixture_new(5, 0);
        for (uint32_t slot = 0; slot < 5; slot++)
            add(&fixture, slot, 1000);
        bool due;
        uint32_t first = check(&fixture, 1000, &due);
        cr_assert_neq(first, TIMER_WHEEL_NONE);
        if (removed != first)
            remove_slot(&fixture, removed);
        cr_assert_eq(drain(&fixture, 1000), removed == first ? 4 : 3);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, all_slots_of_the_current_bucket_can_be_removed_before_they_are_returned)
{
    struct fixture fixture = fixture_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        add(&fixture, slot, 1000);
    bool due;
    uint32_t first = check(&fixture, 1000, &due);
    for (uint32_t slot = 0; slot < 4; slot++)
        if (slot != first)
            remove_slot(&fixture, slot);
    cr_assert_eq(drain(&fixture, 1000), 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        add(&fixture, slot, 1001);
    cr_assert_eq(drain(&fixture, 1001), 4);
    fixture_free(&fixture);
}

/* Moves a slot to a deadline if that is earlier than its own. */
static void move_earlier(struct fixture *fixture, uint32_t slot, uint64_t deadline_ms)
{
    if (deadline_ms < fixture->known[slot].deadline_ms)
        fixture->known[slot].deadline_ms = deadline_ms;
    timer_wheel_move_earlier(&fixture->wheel, slot, deadline_ms);
}

Test(timer_wheel, moves_a_slot_to_an_earlier_deadline_and_never_to_a_later_one)
{
    static const uint64_t deadlines_ms[] = {1, 500, 1000, 5000, LAP_MS - 1, LAP_MS, 3 * LAP_MS};
    enum { COUNT = sizeof deadlines_ms / sizeof deadlines_ms[0] };
    for (size_t i = 0; i < STARTS; i++) {
        struct fixture fixture = fixture_new(COUNT * COUNT, starts[i]);
        for (uint32_t slot = 0; slot < COUNT * COUNT; slot++)
            add(&fixture, slot, starts[i] + deadlines_ms[slot / COUNT]);
        for (uint32_t slot = 0; slot < COUNT * COUNT; slot++)
            move_earlier(&fixture, slot, starts[i] + deadlines_ms[slot % COUNT]);
        uint32_t returned = 0;
        for (size_t k = 0; k < COUNT; k++)
            returned += drain(&fixture, starts[i] + deadlines_ms[k]);
        cr_assert_eq(returned, COUNT * COUNT);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, moves_slots_of_the_current_bucket_without_losing_them)
{
    struct fixture fixture = fixture_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        add(&fixture, slot, 1000);
    bool due;
    uint32_t first = check(&fixture, 1000, &due);
    for (uint32_t slot = 0; slot < 4; slot++)
        if (slot != first)
            move_earlier(&fixture, slot, 1001);
    cr_assert_eq(drain(&fixture, 1001), 3);
    fixture_free(&fixture);
}

Test(timer_wheel, returns_again_what_was_put_back)
{
    struct fixture fixture = fixture_new(4, 0);
    for (uint32_t slot = 0; slot < 4; slot++)
        add(&fixture, slot, 1000);
    uint32_t first = timer_wheel_take(&fixture.wheel, 10000);
    for (int i = 0; i < 3; i++) {
        timer_wheel_put_back(&fixture.wheel, first);
        cr_assert_eq(timer_wheel_take(&fixture.wheel, 10000), first);
    }
    timer_wheel_put_back(&fixture.wheel, first);
    remove_slot(&fixture, first == 3 ? 0 : 3); /* another slot, and then this one */
    remove_slot(&fixture, first);
    cr_assert_eq(drain(&fixture, 10000), 2);
    fixture_free(&fixture);
}

Test(timer_wheel, peek_returns_the_next_slot_of_a_bucket)
{
    enum { SLOTS = 5 };
    struct fixture fixture = fixture_new(SLOTS, 0);
    cr_assert_eq(timer_wheel_peek(&fixture.wheel), TIMER_WHEEL_NONE);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        add(&fixture, slot, 1000);
    uint32_t taken = timer_wheel_take(&fixture.wheel, 10000);
    for (int i = 1; i < SLOTS; i++) {
        uint32_t next = timer_wheel_peek(&fixture.wheel);
        cr_assert_neq(next, taken);
        taken = timer_wheel_take(&fixture.wheel, 10000);
        cr_assert_eq(taken, next);
    }
    cr_assert_eq(timer_wheel_peek(&fixture.wheel), TIMER_WHEEL_NONE);
    cr_assert_eq(timer_wheel_take(&fixture.wheel, 10000), TIMER_WHEEL_NONE);
    fixture_free(&fixture);
}

Test(timer_wheel, returns_what_becomes_due_during_a_pass_in_the_next_one_at_the_latest)
{
    struct fixture fixture = fixture_new(3, 0);
    add(&fixture, 0, 40);
    add(&fixture, 1, 100);
    add(&fixture, 2, 100);
    bool due;
    uint32_t returned = 0;
    cr_assert_neq(check(&fixture, 50, &due), TIMER_WHEEL_NONE);
    returned += due;
    /* The time is 120, in the same tick: all are due, also the slot that was checked already. */
    while (check(&fixture, 120, &due) != TIMER_WHEEL_NONE)
        returned += due;
    cr_assert_geq(returned, 1);
    while (check(&fixture, 120, &due) != TIMER_WHEEL_NONE)
        returned += due;
    cr_assert_eq(returned, 3);
    fixture_free(&fixture);
}

Test(timer_wheel, returns_a_slot_that_is_not_due_at_most_twice_in_a_pass)
{
    /* Its deadline moves from a past tick into the current one, or a later one. */
    for (uint64_t deadline_ms = 1001; deadline_ms < 1001 + 2 * LAP_MS; deadline_ms += 12345) {
        struct fixture fixture = fixture_new(1, 0);
        add(&fixture, 0, 10);
        fixture.known[0].deadline_ms = deadline_ms;
        cr_assert_eq(drain(&fixture, 1000), 0);
        cr_assert_leq(fixture.checks, 2);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, returns_a_slot_whose_deadline_has_passed_when_it_is_added)
{
    struct fixture fixture = fixture_new(2, 10 * LAP_MS);
    add(&fixture, 0, 3);
    add(&fixture, 1, 10 * LAP_MS - 1);
    cr_assert_eq(drain(&fixture, 10 * LAP_MS), 2);
    fixture_free(&fixture);
}

Test(timer_wheel, returns_a_slot_that_is_always_renewed_once_in_its_ttl)
{
    enum { TTL_MS = 60000, STEP_MS = 1000, TTLS = 60 };
    struct fixture fixture = fixture_new(1, 0);
    add(&fixture, 0, TTL_MS);
    for (uint64_t now_ms = 0; now_ms < TTLS * TTL_MS; now_ms += STEP_MS) {
        fixture.known[0].deadline_ms = now_ms + TTL_MS;
        cr_assert_eq(drain(&fixture, now_ms), 0);
    }
    cr_assert_leq(fixture.checks, TTLS + 1);
    fixture_free(&fixture);
}

Test(timer_wheel, returns_a_slot_with_a_distant_deadline_once_a_lap)
{
    enum { LAPS = 20 };
    struct fixture fixture = fixture_new(1, 0);
    add(&fixture, 0, LAPS * LAP_MS);
    for (uint64_t now_ms = 0; now_ms < LAPS * LAP_MS; now_ms += 1000)
        cr_assert_eq(drain(&fixture, now_ms), 0);
    cr_assert_leq(fixture.checks, LAPS + 1);
    fixture_free(&fixture);
}

static uint64_t random_below(uint64_t *state, uint64_t limit)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 20) % limit;
}

static uint64_t random_span(uint64_t *random)
{
    static const uint64_t spans_ms[] = {3, TIMER_WHEEL_TICK_MS, 5000, LAP_MS, 4 * LAP_MS};
    return random_below(random, spans_ms[random_below(random, 5)]);
}

Test(timer_wheel, misses_no_slot_and_returns_none_twice_under_random_use)
{
    enum { SLOTS = 60 };
    for (size_t i = 0; i < STARTS; i++) {
        uint64_t random = i + 1, now_ms = starts[i];
        struct fixture fixture = fixture_new(SLOTS, now_ms);
        for (int operation = 0; operation < 20000; operation++) {
            uint32_t slot = (uint32_t)random_below(&random, SLOTS);
            struct known *known = &fixture.known[slot];
            bool due;
            switch (random_below(&random, 8)) {
            case 0:
                now_ms += random_span(&random) / 4;
                break;
            case 1:
                drain(&fixture, now_ms);
                break;
            case 2:
                check(&fixture, now_ms, &due);
                break;
            case 3:
                if (known->in)
                    remove_slot(&fixture, slot);
                break;
            case 4: /* A datagram moves the deadline, without a call of the wheel. */
                if (known->in)
                    known->deadline_ms += random_span(&random);
                break;
            default:
                if (!known->in)
                    add(&fixture, slot, now_ms + 1 + random_span(&random));
            }
        }
        drain(&fixture, now_ms + 100 * LAP_MS);
        fixture_free(&fixture);
    }
}

Test(timer_wheel, returns_the_first_and_the_last_slot)
{
    struct fixture fixture = fixture_new(100000, 0);
    add(&fixture, 0, 5);
    add(&fixture, 99999, 5);
    cr_assert_eq(drain(&fixture, 5), 2);
    cr_assert_eq(timer_wheel_bytes(1001) - timer_wheel_bytes(1000), 12, "12 bytes a slot");
    fixture_free(&fixture);
}
