#include "net/offload/offload_copies.h"

#include "copy_offload_fixture.h"
#include "net/offload/offload_state.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* The parts of the tables of copies that workers have. offload_copies_veth sends them. */

enum { SENDERS = 3 };

static struct offload *offload;

static void set_up(void)
{
    offload = offload_or_skip(1, SENDERS);
}

static void tear_down(void)
{
    offload_close(offload);
}

TestSuite(offload_copies, .init = set_up, .fini = tear_down);

static const struct offload_message *message_of(uint32_t worker, uint32_t number)
{
    return (const struct offload_message *)offload->memory[TABLE_COPY_MESSAGES] +
           (size_t)worker * OFFLOAD_COPY_MESSAGES + number;
}

Test(offload_copies, each_worker_has_copies_of_its_own)
{
    cr_assert_eq(offload_copies_senders(offload), SENDERS);
    for (uint32_t worker = 0; worker < SENDERS; worker++)
        memset(offload_copies(offload, worker), (int)worker + 1,
               OFFLOAD_COPIES_MAX * sizeof(struct offload_copy));
    for (uint32_t worker = 0; worker < SENDERS; worker++)
        for (uint32_t i = 0; i < OFFLOAD_COPIES_MAX; i++)
            cr_assert_eq(offload_copies(offload, worker)[i].message, worker + 1);
}

Test(offload_copies, each_worker_has_messages_of_its_own)
{
    for (uint32_t i = 0; i < SENDERS * OFFLOAD_COPY_MESSAGES; i++) {
        const uint8_t bytes[] = {(uint8_t)i, 7};
        cr_assert_eq(offload_copies_set_message(offload, i / OFFLOAD_COPY_MESSAGES,
                                                i % OFFLOAD_COPY_MESSAGES, bytes, sizeof bytes),
                     0);
    }
    for (uint32_t i = 0; i < SENDERS * OFFLOAD_COPY_MESSAGES; i++) {
        const struct offload_message *message =
            message_of(i / OFFLOAD_COPY_MESSAGES, i % OFFLOAD_COPY_MESSAGES);
        cr_assert_eq(message->size, 2);
        cr_assert_eq(message->bytes[0], i);
    }
}

Test(offload_copies, a_message_that_is_too_long_changes_nothing)
{
    static const uint8_t BYTES[OFFLOAD_MESSAGE_BYTES + 1];

    cr_assert_eq(offload_copies_set_message(offload, 1, 1, (const uint8_t *)"toyota", 6), 0);
    cr_assert_eq(offload_copies_set_message(offload, 1, 1, BYTES, sizeof BYTES), -EMSGSIZE);
    cr_assert_eq(message_of(1, 1)->size, 6);
    cr_assert_arr_eq(message_of(1, 1)->bytes, "toyota", 6);
}

/* Four of 32 bits are the same by chance once in 10^9 runs at most. */
Test(offload_copies, tokens_differ_by_worker_and_offload)
{
    struct offload *another = offload_or_skip(1, 1);
    const struct offload_copy_run *runs = offload->memory[TABLE_COPY_RUNS];
    const struct offload_copy_run *other = another->memory[TABLE_COPY_RUNS];
    const uint32_t tokens[] = {runs[0].token, runs[1].token, runs[2].token, other[0].token};

    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(tokens[i], tokens[j]);
    offload_close(another);
}

Test(offload_copies, only_the_first_workers_may_have_a_part)
{
    const struct offload_size size = {.records = 1, .workers = 4, .senders = 1};
    struct offload *smaller;
    const char *failed;

    cr_assert_eq(offload_open(&smaller, &size, &failed), 0);
    cr_assert_eq(offload_copies_senders(smaller), 1);
    cr_assert_eq(offload_count_all(smaller, 3), 0, "the last worker");
    offload_close(smaller);
}
