#include "net/offload/offload_handover.h"

#include "handover_fixture.h"
#include "net/offload/offload_state.h"
#include "offload/copy_tables.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The handover of an offload to another process: what it has, and records that do not fit. */

enum { AFTER = 0x1234 };

static struct clients clients;
static struct handover_writer writer;

static void set_up(void)
{
    clients = clients_or_skip();
}

static void tear_down(void)
{
    handover_writer_free(&writer);
    offload_close(clients.offload);
}

TestSuite(offload_handover, .init = set_up, .fini = tear_down);

static struct handover_reader hand_over(void)
{
    handover_begin(&writer, 1);
    offload_hand_over(clients.offload, &writer);
    handover_end(&writer);
    handover_begin(&writer, 2);
    handover_put16(&writer, AFTER);
    handover_end(&writer);
    return handover_received(&writer);
}

static void expect_next_record(struct handover_reader *reader)
{
    cr_assert_eq(handover_next(reader), 2);
    cr_assert_eq(handover_get16(reader), AFTER);
    cr_assert(handover_is_at_end(reader));
}

static void expect_closed(const struct handover_reader *reader)
{
    for (size_t i = 0; i < reader->descriptor_count; i++)
        cr_assert_eq(reader->descriptors[i], -1, "it is closed");
}

Test(offload_handover, another_process_has_the_same_tables)
{
    struct offload *taken;

    set_reply(&clients, OFFLOAD_ECHO, 0, 100);
    struct frame frame = frame_of(&clients.source[0], &clients.local[0], "x", 1), again = frame;
    cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    struct handover_reader reader = hand_over();
    cr_assert_eq(offload_take_over(&taken, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    offload_close(clients.offload);
    clients.offload = taken;
    cr_assert_eq(record_of(&clients, 0)->received, 1);
    cr_assert_eq(offload_run(taken, &again), TRANSMITTED);
    cr_assert_eq(record_of(&clients, 0)->received, 2);
    cr_assert_eq(offload_count(taken, WORKER, OFFLOAD_REPLIED), 2);
    offload_remove(taken, FIRST_RECORD);
    expect_next_record(&reader);
    handover_forget(&reader);
}

Test(offload_handover, another_process_has_the_size_and_the_tokens)
{
    struct offload *taken, *offload = clients.offload;

    struct handover_reader reader = hand_over();
    cr_assert_eq(offload_take_over(&taken, &reader), 0);
    cr_assert_eq(taken->size.records, offload->size.records);
    cr_assert_eq(taken->size.workers, offload->size.workers);
    cr_assert_eq(taken->size.senders, offload->size.senders);
    cr_assert_eq(taken->processors, offload->processors);
    const struct offload_copy_run *before = offload->memory[TABLE_COPY_RUNS];
    const struct offload_copy_run *after = taken->memory[TABLE_COPY_RUNS];
    for (uint32_t i = 0; i < offload->size.senders; i++)
        cr_assert_eq(after[i].token, before[i].token);
    offload_close(taken);
    handover_forget(&reader);
}

static bool take(void *memory, struct rate_limiter *limiter)
{
    const struct rate_limiter_limits limits = rate_limiter_limits(1, 3);

    if (limiter == NULL)
        limiter = rate_limiter_map(memory);
    return rate_limiter_take(limiter, &limits, &clients.source[0], RATE_LIMITER_VERIFIED, 1000);
}

/* One that takes the offload over, and one that only maps the table. */
Test(offload_handover, other_processes_have_the_tokens_that_are_left)
{
    static const struct siphash_key key = {1, 2};
    const struct shared_memory memory = offload_rate_limiter(clients.offload);
    struct shared_memory mapped;
    struct offload *taken;

    cr_assert_eq(memory.bytes, rate_limiter_bytes());
    cr_assert_not(rate_limiter_is_initialised(memory.memory));
    cr_assert(take(NULL, rate_limiter_init(memory.memory, &key)));
    struct handover_reader reader = hand_over();
    cr_assert_eq(offload_take_over(&taken, &reader), 0);
    handover_forget(&reader);
    cr_assert_eq(memory_map_shared(&mapped, dup(memory.descriptor), memory.bytes, 0), 0);
    cr_assert_eq(memory_map_shared(&(struct shared_memory){.memory = NULL}, memory.descriptor,
                                   2 * memory.bytes, 0),
                 -EINVAL);
    cr_assert(rate_limiter_is_initialised(offload_rate_limiter(taken).memory));
    cr_assert(take(offload_rate_limiter(taken).memory, NULL));
    offload_close(taken);
    cr_assert(take(mapped.memory, NULL));
    cr_assert_not(take(memory.memory, NULL));
    memory_release_shared(&mapped);
}

/* ---- records that do not fit ---- */

Test(offload_handover, a_record_of_another_layout_is_skipped)
{
    struct handover_reader reader = hand_over();
    struct offload *taken = clients.offload;

    writer.bytes[reader.at] ^= 1;
    cr_assert_eq(offload_take_over(&taken, &reader), -EPROTO);
    cr_assert_null(taken);
    expect_closed(&reader);
    expect_next_record(&reader);
    handover_forget(&reader);
}

/* Another version may have more or fewer tables; the number of descriptors is known. */
Test(offload_handover, a_record_of_another_layout_with_other_descriptors_is_skipped)
{
    for (size_t count = 0; count <= OFFLOAD_TABLES + 3; count++) {
        struct offload *taken = clients.offload;
        handover_begin(&writer, 1);
        handover_put64(&writer, 77);
        handover_put8(&writer, (uint8_t)count);
        for (size_t i = 0; i < count; i++)
            handover_put_descriptor(&writer, 0);
        handover_put_text(&writer, "something else");
        handover_end(&writer);
        handover_begin(&writer, 2);
        handover_put16(&writer, AFTER);
        handover_end(&writer);
        struct handover_reader reader = handover_received(&writer);
        cr_assert_eq(offload_take_over(&taken, &reader), -EPROTO);
        cr_assert_null(taken);
        expect_closed(&reader);
        expect_next_record(&reader);
        handover_forget(&reader);
        handover_writer_free(&writer);
        writer = (struct handover_writer){.size = 0};
    }
}

Test(offload_handover, a_record_whose_number_of_descriptors_does_not_fit_is_refused)
{
    static const uint8_t COUNTS[] = {0, OFFLOAD_TABLES, OFFLOAD_TABLES + 2 + OFFLOAD_LINKS_MAX,
                                     UINT8_MAX};

    struct handover_reader first = hand_over();
    const size_t count = first.at + 8; /* after the layout */
    handover_forget(&first);
    for (size_t i = 0; i < sizeof COUNTS; i++) {
        struct offload *taken = clients.offload;
        writer.bytes[count] = COUNTS[i];
        struct handover_reader reader = handover_received(&writer);
        cr_assert_eq(offload_take_over(&taken, &reader), -EPROTO);
        cr_assert_null(taken);
        handover_forget(&reader);
    }
}

Test(offload_handover, a_record_with_too_few_descriptors_is_refused)
{
    struct handover_reader first = hand_over();
    handover_forget(&first);

    for (size_t missing = 1; missing <= OFFLOAD_TABLES + 1; missing++) {
        struct offload *taken = clients.offload;
        struct handover_reader reader = handover_received(&writer);
        for (size_t i = 0; i < missing; i++)
            close(reader.descriptors[--reader.descriptor_count]);
        cr_assert_eq(offload_take_over(&taken, &reader), -EPROTO);
        cr_assert_null(taken);
        expect_closed(&reader);
        handover_forget(&reader);
    }
}

Test(offload_handover, descriptors_of_something_else_are_refused)
{
    struct handover_reader reader = hand_over();
    struct offload *taken = clients.offload;

    cr_assert_geq(dup2(0, reader.descriptors[TABLE_RECORDS]), 0);
    cr_assert_neq(offload_take_over(&taken, &reader), 0);
    cr_assert_null(taken);
    expect_closed(&reader);
    handover_forget(&reader);
}
