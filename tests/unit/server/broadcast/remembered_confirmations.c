/* Which confirmed broadcasts are remembered, and which one is forgotten for another. */
#include "server/broadcast/remembered_confirmations.h"

#include <criterion/criterion.h>

static struct remembered_confirmations remembered;

static void init(void)
{
    remembered_confirmations_init(&remembered, CONFIRMED_BROADCAST);
}

TestSuite(remembered_confirmations, .init = init, .timeout = 60);

static void add_ended(uint64_t job, uint64_t forgotten)
{
    cr_assert_eq(remembered_confirmations_add(&remembered, job), forgotten);
    remembered_confirmations_end(&remembered, job);
}

Test(remembered_confirmations, are_the_last_eight)
{
    for (uint64_t job = 1; job <= CONFIRMED_BROADCASTS_MAX; job++)
        add_ended(job, 0);
    for (uint64_t job = CONFIRMED_BROADCASTS_MAX + 1; job <= 30; job++) {
        add_ended(job, job - CONFIRMED_BROADCASTS_MAX);
        for (uint64_t other = 1; other <= job + 1; other++)
            cr_assert_eq(remembered_confirmations_contain(&remembered, other),
                         other <= job && other > job - CONFIRMED_BROADCASTS_MAX);
    }
}

Test(remembered_confirmations, keep_those_that_are_open)
{
    cr_assert_eq(remembered_confirmations_add(&remembered, 1), 0);
    for (uint64_t job = 2; job <= CONFIRMED_BROADCASTS_MAX; job++)
        add_ended(job, 0);
    add_ended(20, 2);
    add_ended(21, 3);
    cr_assert(remembered_confirmations_contain(&remembered, 1));
    remembered_confirmations_end(&remembered, 1);
    add_ended(22, 1);
}

Test(remembered_confirmations, ignore_the_end_of_one_that_they_do_not_contain)
{
    remembered_confirmations_end(&remembered, 7);
    cr_assert_not(remembered_confirmations_contain(&remembered, 7));
    add_ended(7, 0);
    cr_assert(remembered_confirmations_contain(&remembered, 7));
}

Test(remembered_confirmations, of_messages_are_the_last_sixty_four)
{
    remembered_confirmations_init(&remembered, CONFIRMED_MESSAGE);
    for (uint64_t job = 1; job <= CONFIRMED_MESSAGES_MAX; job++)
        add_ended(job, 0);
    for (uint64_t job = CONFIRMED_MESSAGES_MAX + 1; job <= 200; job++)
        add_ended(job, job - CONFIRMED_MESSAGES_MAX);
    cr_assert(remembered_confirmations_contain(&remembered, 200 - CONFIRMED_MESSAGES_MAX + 1));
    cr_assert_not(remembered_confirmations_contain(&remembered, 200 - CONFIRMED_MESSAGES_MAX));
}

Test(remembered_confirmations, are_the_same_after_a_handover)
{
    struct remembered_confirmations before, after;
    struct handover_writer writer = {.size = 0};
    remembered_confirmations_init(&before, CONFIRMED_BROADCAST);
    remembered_confirmations_init(&after, CONFIRMED_BROADCAST);
    for (uint64_t job = 1; job <= CONFIRMED_BROADCASTS_MAX; job++)
        remembered_confirmations_add(&before, job);
    remembered_confirmations_end(&before, 4);
    handover_begin(&writer, 1);
    remembered_confirmations_hand_over(&before, &writer);
    handover_end(&writer);
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&reader);
    cr_assert_eq(remembered_confirmations_take_over(&after, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    cr_assert(remembered_confirmations_contain(&after, 1));
    cr_assert_eq(remembered_confirmations_add(&after, 9), 4, "only that one has ended");
    handover_writer_free(&writer);
}
