/* Tests of server/broadcast/confirmations: which clients have confirmed which broadcasts. */
#include "server/broadcast/confirmations.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum {
    SLOTS = 1000,
    JOINED_BEFORE = 50, /* clients with a join number below this one have a part in the jobs */
};

static struct confirmations *confirmations;

static void open_confirmations(void)
{
    cr_assert_eq(confirmations_open(&confirmations, SLOTS), 0);
}

static void close_confirmations(void)
{
    confirmations_close(confirmations);
}

TestSuite(confirmations, .init = open_confirmations, .fini = close_confirmations);

static void begin(uint64_t job)
{
    cr_assert_eq(confirmations_begin(confirmations, CONFIRMED_BROADCAST, job, JOINED_BEFORE), 0);
}

static enum confirmation confirm(uint64_t job, uint32_t slot)
{
    return confirmations_confirm(confirmations, job, slot, JOINED_BEFORE - 1);
}

static void expect_counts(uint64_t job, uint64_t framed, uint64_t confirmed)
{
    const struct confirmation_counts *counts = confirmations_counts(confirmations, job);
    cr_assert_not_null(counts);
    cr_assert_eq(atomic_load(&counts->framed), framed);
    cr_assert_eq(atomic_load(&counts->confirmed), confirmed);
}

Test(confirmations, of_a_frame_counts_once_and_again_after_that)
{
    begin(1);
    expect_counts(1, 0, 0);
    confirmations_frame_sent(confirmations, 1, 7);
    cr_assert(confirmations_is_due(confirmations, 1, 7));
    cr_assert_not(confirmations_is_confirmed(confirmations, 1, 7));
    cr_assert_eq(confirm(1, 7), CONFIRMATION_FIRST);
    cr_assert_not(confirmations_is_due(confirmations, 1, 7));
    cr_assert(confirmations_is_confirmed(confirmations, 1, 7));
    cr_assert_eq(confirm(1, 7), CONFIRMATION_AGAIN);
    cr_assert_eq(confirm(1, 7), CONFIRMATION_AGAIN);
    expect_counts(1, 1, 1);
}

Test(confirmations, of_a_client_that_got_no_frame_is_unknown)
{
    begin(1);
    confirmations_frame_sent(confirmations, 1, 7);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (slot == 7)
            continue;
        cr_assert_eq(confirm(1, slot), CONFIRMATION_UNKNOWN);
        cr_assert_not(confirmations_is_due(confirmations, 1, slot));
        cr_assert_not(confirmations_is_confirmed(confirmations, 1, slot));
    }
    expect_counts(1, 1, 0);
}

Test(confirmations, of_a_job_that_is_not_remembered_is_unknown)
{
    uint64_t joined_before = 0;
    cr_assert_eq(confirm(0, 7), CONFIRMATION_UNKNOWN);
    begin(1);
    confirmations_frame_sent(confirmations, 2, 7);
    confirmations_end(confirmations, 2);
    cr_assert_eq(confirm(2, 7), CONFIRMATION_UNKNOWN);
    cr_assert_eq(confirm(0, 7), CONFIRMATION_UNKNOWN);
    cr_assert_not(confirmations_is_due(confirmations, 2, 7));
    cr_assert_not(confirmations_is_confirmed(confirmations, 2, 7));
    cr_assert_null(confirmations_counts(confirmations, 2));
    cr_assert_not(confirmations_joined_before(confirmations, 2, &joined_before));
    cr_assert(confirmations_joined_before(confirmations, 1, &joined_before));
    cr_assert_eq(joined_before, JOINED_BEFORE);
}

Test(confirmations, of_another_client_in_the_slot_are_unknown)
{
    begin(1);
    confirmations_frame_sent(confirmations, 1, 7);
    confirmations_frame_sent(confirmations, 1, 8);
    cr_assert_eq(confirmations_confirm(confirmations, 1, 7, JOINED_BEFORE), CONFIRMATION_UNKNOWN);
    cr_assert(confirmations_is_due(confirmations, 1, 7));
    cr_assert_eq(confirm(1, 8), CONFIRMATION_FIRST);
    cr_assert_eq(confirmations_confirm(confirmations, 1, 8, JOINED_BEFORE), CONFIRMATION_UNKNOWN);
    cr_assert_eq(confirmations_confirm(confirmations, 1, 8, UINT64_MAX), CONFIRMATION_UNKNOWN);
    expect_counts(1, 2, 1);
}

Test(confirmations, are_due_once_however_often_the_frame_is_sent)
{
    begin(1);
    confirmations_frame_sent(confirmations, 1, 7);
    confirmations_frame_sent(confirmations, 1, 7);
    expect_counts(1, 1, 0);
    cr_assert_eq(confirm(1, 7), CONFIRMATION_FIRST);
    /* The confirmation of the first frame came while the second one was on its way. */
    confirmations_frame_sent(confirmations, 1, 7);
    cr_assert(confirmations_is_confirmed(confirmations, 1, 7));
    expect_counts(1, 1, 1);
}

Test(confirmations, of_jobs_are_independent_of_each_other)
{
    begin(1);
    begin(UINT64_MAX);
    confirmations_frame_sent(confirmations, 1, SLOTS - 1);
    confirmations_frame_sent(confirmations, UINT64_MAX, SLOTS - 1);
    cr_assert_eq(confirm(UINT64_MAX, SLOTS - 1), CONFIRMATION_FIRST);
    cr_assert(confirmations_is_due(confirmations, 1, SLOTS - 1));
    cr_assert_eq(confirm(1, SLOTS - 1), CONFIRMATION_FIRST);
    expect_counts(1, 1, 1);
    expect_counts(UINT64_MAX, 1, 1);
}

Test(confirmations, of_an_ended_job_still_count)
{
    begin(1);
    confirmations_frame_sent(confirmations, 1, 7);
    confirmations_end(confirmations, 1);
    cr_assert_eq(confirm(1, 7), CONFIRMATION_FIRST);
    expect_counts(1, 1, 1);
}

Test(confirmations, forget_the_oldest_ended_job_when_there_are_too_many)
{
    for (uint64_t job = 1; job <= CONFIRMED_BROADCASTS_MAX; job++) {
        begin(job);
        confirmations_frame_sent(confirmations, job, 7);
    }
    cr_assert_eq(confirmations_begin(confirmations, CONFIRMED_BROADCAST, 100, JOINED_BEFORE),
                 -EBUSY);
    confirmations_end(confirmations, 5);
    confirmations_end(confirmations, 3);
    begin(100);
    cr_assert_eq(confirm(3, 7), CONFIRMATION_UNKNOWN);
    cr_assert_null(confirmations_counts(confirmations, 3));
    cr_assert_eq(confirm(5, 7), CONFIRMATION_FIRST);
    cr_assert_eq(confirm(100, 7), CONFIRMATION_UNKNOWN, "the bits of the forgotten job are gone");
    expect_counts(100, 0, 0);
    begin(101);
    cr_assert_null(confirmations_counts(confirmations, 5));
    cr_assert_eq(confirm(4, 7), CONFIRMATION_FIRST, "a job that runs is not forgotten");
    cr_assert_eq(confirmations_begin(confirmations, CONFIRMED_BROADCAST, 102, JOINED_BEFORE),
                 -EBUSY);
}

/* ---- messages to one client ---- */

static int begin_message(uint64_t job)
{
    return confirmations_begin(confirmations, CONFIRMED_MESSAGE, job, JOINED_BEFORE);
}

Test(confirmations, of_a_message_count_for_its_client_only)
{
    cr_assert_eq(begin_message(1), 0);
    cr_assert_eq(confirm(1, 0), CONFIRMATION_UNKNOWN, "no frame was sent");
    confirmations_frame_sent(confirmations, 1, 7);
    expect_counts(1, 1, 0);
    cr_assert(confirmations_is_due(confirmations, 1, 7));
    cr_assert_eq(confirmations_next_due(confirmations, 1, 0), 7);
    cr_assert_eq(confirmations_next_due(confirmations, 1, 7), 7);
    cr_assert_eq(confirmations_next_due(confirmations, 1, 8), CONFIRMATIONS_END);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (slot != 7)
            cr_assert_eq(confirm(1, slot), CONFIRMATION_UNKNOWN);
    cr_assert_eq(confirmations_confirm(confirmations, 1, 7, JOINED_BEFORE), CONFIRMATION_UNKNOWN);
    cr_assert_eq(confirm(1, 7), CONFIRMATION_FIRST);
    cr_assert_eq(confirm(1, 7), CONFIRMATION_AGAIN);
    cr_assert(confirmations_is_confirmed(confirmations, 1, 7));
    cr_assert_eq(confirmations_next_due(confirmations, 1, 0), CONFIRMATIONS_END);
    expect_counts(1, 1, 1);
}

Test(confirmations, of_messages_and_broadcasts_have_places_of_their_own)
{
    begin(1000);
    confirmations_frame_sent(confirmations, 1000, 7);
    confirmations_end(confirmations, 1000);
    for (uint64_t job = 1; job <= CONFIRMED_MESSAGES_MAX; job++) {
        cr_assert_eq(begin_message(job), 0);
        confirmations_frame_sent(confirmations, job, (uint32_t)job);
    }
    cr_assert_eq(begin_message(100), -EBUSY, "none has ended");
    cr_assert_eq(confirm(1000, 7), CONFIRMATION_FIRST, "they push no broadcast out");
    for (uint64_t job = 2000; job < 2000 + CONFIRMED_BROADCASTS_MAX; job++)
        begin(job);
    cr_assert_null(confirmations_counts(confirmations, 1000));
    confirmations_end(confirmations, 3);
    cr_assert_eq(begin_message(100), 0);
    cr_assert_eq(confirm(3, 3), CONFIRMATION_UNKNOWN);
    cr_assert_eq(confirm(100, 3), CONFIRMATION_UNKNOWN, "the client of the forgotten message");
    for (uint64_t job = 1; job <= CONFIRMED_MESSAGES_MAX; job++)
        if (job != 3)
            cr_assert_eq(confirm(job, (uint32_t)job), CONFIRMATION_FIRST);
}

/* ---- any order of events ---- */

/* What a model of plain arrays says. */
struct model {
    uint64_t job;
    bool framed[SLOTS], confirmed[SLOTS];
};

static void check_job(const struct model *model)
{
    uint64_t framed = 0, confirmed = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        framed += model->framed[slot];
        confirmed += model->confirmed[slot];
        cr_assert_eq(confirmations_is_due(confirmations, model->job, slot),
                     model->framed[slot] && !model->confirmed[slot]);
        cr_assert_eq(confirmations_is_confirmed(confirmations, model->job, slot),
                     model->confirmed[slot]);
    }
    expect_counts(model->job, framed, confirmed);
}

Test(confirmations, agree_with_a_model_for_any_order_of_events)
{
    static struct model models[CONFIRMED_BROADCASTS_MAX];
    struct prng prng;
    prng_init(&prng, 16);
    for (uint64_t job = 1; job <= 3 * CONFIRMED_BROADCASTS_MAX; job++) {
        struct model *begun = &models[job % CONFIRMED_BROADCASTS_MAX];
        memset(begun, 0, sizeof *begun);
        begun->job = job;
        begin(job);
        for (int step = 0; step < 5000; step++) {
            struct model *model = &models[prng_next(&prng) % CONFIRMED_BROADCASTS_MAX];
            if (model->job == 0) /* it has not begun */
                continue;
            uint32_t slot = (uint32_t)(prng_next(&prng) % SLOTS);
            if (prng_next(&prng) % 2) {
                confirmations_frame_sent(confirmations, model->job, slot);
                model->framed[slot] = true;
            } else {
                enum confirmation expected = model->confirmed[slot] ? CONFIRMATION_AGAIN
                                             : model->framed[slot]  ? CONFIRMATION_FIRST
                                                                    : CONFIRMATION_UNKNOWN;
                cr_assert_eq(confirm(model->job, slot), expected);
                model->confirmed[slot] |= expected == CONFIRMATION_FIRST;
            }
        }
        check_job(begun);
        confirmations_end(confirmations, job);
    }
}

/* Returns the least slot from `from` on that is due, by looking at each. */
static uint32_t next_due(uint64_t job, uint32_t from)
{
    while (from < SLOTS && !confirmations_is_due(confirmations, job, from))
        from++;
    return from < SLOTS ? from : CONFIRMATIONS_END;
}

Test(confirmations, find_the_next_client_that_is_due)
{
    struct prng prng;
    prng_init(&prng, 17);
    begin(1);
    cr_assert_eq(confirmations_next_due(confirmations, 1, 0), CONFIRMATIONS_END);
    cr_assert_eq(confirmations_next_due(confirmations, 2, 0), CONFIRMATIONS_END);
    for (int step = 0; step < 200; step++) {
        uint32_t slot = (uint32_t)(prng_next(&prng) % SLOTS);
        confirmations_frame_sent(confirmations, 1, slot);
        if (prng_next(&prng) % 3)
            confirm(1, slot);
        for (uint32_t from = 0; from <= SLOTS; from++)
            cr_assert_eq(confirmations_next_due(confirmations, 1, from), next_due(1, from));
    }
    cr_assert_eq(confirmations_next_due(confirmations, 1, UINT32_MAX), CONFIRMATIONS_END);
}

Test(confirmations, of_the_largest_registry_need_only_address_space)
{
    struct confirmations *largest;
    int error = confirmations_open(&largest, UINT32_C(1) << 28);
    if (error != 0)
        cr_skip("no address space for it: %s", strerror(-error));
    cr_assert_eq(confirmations_begin(largest, CONFIRMED_BROADCAST, 1, JOINED_BEFORE), 0);
    confirmations_frame_sent(largest, 1, (UINT32_C(1) << 28) - 1);
    cr_assert(confirmations_is_due(largest, 1, (UINT32_C(1) << 28) - 1));
    cr_assert_not(confirmations_is_due(largest, 1, 0));
    confirmations_close(largest);
}

Test(confirmations, closing_none_does_nothing)
{
    confirmations_close(NULL);
}

/* ---- the handover ---- */

/* Replaces the confirmations by those that take over, for so many slots. Returns the error. */
static int replace(uint32_t slots, size_t missing)
{
    struct handover_writer writer = {.size = 0};
    struct confirmations *successor;
    handover_begin(&writer, 1);
    confirmations_hand_over(confirmations, &writer);
    writer.size -= missing;
    handover_end(&writer);
    cr_assert_not(writer.failed);
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    cr_assert_eq(handover_next(&reader), 1);
    cr_assert_eq(confirmations_open(&successor, slots), 0);
    int error = confirmations_take_over(successor, &reader);
    cr_assert(error != 0 || handover_is_at_end(&reader));
    confirmations_close(confirmations);
    confirmations = successor;
    handover_writer_free(&writer);
    return error;
}

Test(confirmations, are_the_same_after_a_handover)
{
    struct prng random;
    prng_init(&random, 1);
    unsigned state[SLOTS];
    begin(1);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        state[slot] = (unsigned)(prng_next(&random) % 40);
        if (state[slot] <= 1)
            confirmations_frame_sent(confirmations, 1, slot);
        if (state[slot] == 1)
            confirm(1, slot);
    }
    confirmations_frame_sent(confirmations, 1, SLOTS - 1);
    const struct confirmation_counts *counts = confirmations_counts(confirmations, 1);
    uint64_t framed = counts->framed, confirmed = counts->confirmed;
    cr_assert_eq(replace(SLOTS, 0), 0);
    expect_counts(1, framed, confirmed);
    for (uint32_t slot = 0; slot < SLOTS - 1; slot++) {
        cr_assert_eq(confirmations_is_due(confirmations, 1, slot), state[slot] == 0);
        cr_assert_eq(confirmations_is_confirmed(confirmations, 1, slot), state[slot] == 1);
    }
    cr_assert_eq(confirmations_confirm(confirmations, 1, SLOTS - 1, JOINED_BEFORE),
                 CONFIRMATION_UNKNOWN, "it joined too late");
    cr_assert_neq(confirm(1, SLOTS - 1), CONFIRMATION_UNKNOWN);
}

Test(confirmations, of_messages_are_the_same_after_a_handover)
{
    for (uint64_t job = 1; job <= 3; job++)
        cr_assert_eq(confirmations_begin(confirmations, CONFIRMED_MESSAGE, job, JOINED_BEFORE), 0);
    confirmations_frame_sent(confirmations, 1, 11);
    confirmations_frame_sent(confirmations, 2, 12);
    confirm(2, 12);
    cr_assert_eq(replace(SLOTS, 0), 0);
    cr_assert_eq(confirmations_next_due(confirmations, 1, 0), 11);
    cr_assert(confirmations_is_confirmed(confirmations, 2, 12));
    cr_assert_eq(confirmations_next_due(confirmations, 3, 0), CONFIRMATIONS_END);
    confirmations_frame_sent(confirmations, 3, 13);
    cr_assert_eq(confirm(3, 13), CONFIRMATION_FIRST);
}

Test(confirmations, are_forgotten_in_the_same_order_after_a_handover)
{
    for (uint64_t job = 1; job <= CONFIRMED_BROADCASTS_MAX; job++)
        begin(job);
    confirmations_frame_sent(confirmations, 3, 7);
    confirmations_end(confirmations, 3);
    confirmations_end(confirmations, 5);
    cr_assert_eq(replace(SLOTS, 0), 0);
    begin(100);
    cr_assert_null(confirmations_counts(confirmations, 3), "the oldest one of those that ended");
    cr_assert_not_null(confirmations_counts(confirmations, 5));
    cr_assert_not(confirmations_is_due(confirmations, 100, 7));
    begin(101);
    cr_assert_null(confirmations_counts(confirmations, 5));
    cr_assert_eq(confirmations_begin(confirmations, CONFIRMED_BROADCAST, 102, JOINED_BEFORE),
                 -EBUSY);
}

Test(confirmations, of_another_registry_or_of_a_short_record_are_refused)
{
    begin(1);
    confirmations_frame_sent(confirmations, 1, SLOTS - 1);
    cr_assert_eq(replace(SLOTS, 0), 0);
    cr_assert_eq(replace(2 * SLOTS, 0), -EPROTO);
    begin(1);
    cr_assert_eq(replace(SLOTS, 0), -EPROTO);
    begin(1);
    cr_assert_eq(replace(SLOTS, 1), -EPROTO);
}
