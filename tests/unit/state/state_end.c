/* Tests of state/state_end: the last block, with the counters of this version and of others. */
#include "state/state_end.h"

#include "state_bytes_fixture.h"

static uint8_t bytes[STATE_BLOCK_BYTES_MAX];

static struct state_reader body_of(size_t size)
{
    return (struct state_reader){.bytes = bytes + STATE_BLOCK_HEAD_BYTES,
                                 .size = size - STATE_BLOCK_HEAD_BYTES};
}

static void put_counter(struct state_writer *writer, const char *name, uint64_t value)
{
    state_put8(writer, (uint8_t)strlen(name));
    state_put_bytes(writer, name, strlen(name));
    state_put64(writer, value);
}

enum { LAST_JOB_AT = 16, PROVEN_AT = 24 }; /* in the body */

/* Begins a block of 7 clients, 1 stream, job 3 and that many counters, which the caller adds. */
static void begin(struct state_writer *writer, uint16_t counters)
{
    state_block_begin(writer, bytes, sizeof bytes, STATE_BLOCK_END);
    state_put64(writer, 7);
    state_put64(writer, 1);
    state_put64(writer, 3);
    state_put8(writer, 0);
    state_put16(writer, counters);
}

Test(state_end, is_read_as_it_was_written)
{
    struct state_end read, end = state_sample_end();
    stats_set(&end.counters, 3, UINT64_MAX);
    stats_set(&end.counters, 4, 0);
    struct state_reader reader = body_of(state_end_write(&end, bytes, sizeof bytes));
    cr_assert_null(state_end_read(&read, &reader));
    cr_assert_eq(read.clients, end.clients);
    cr_assert_eq(read.streams, end.streams);
    cr_assert_eq(read.last_job, end.last_job);
    cr_assert_eq(read.clients_proven, end.clients_proven);
    for (size_t i = 0; i < STATS_COUNT; i++)
        cr_assert_eq(stats_value(&read.counters, i), stats_value(&end.counters, i), "%s",
                     stats_name(i));
}

Test(state_end, counters_of_other_versions_are_ignored_and_missing_ones_are_0)
{
    struct state_end read;
    struct state_writer writer;
    begin(&writer, 5);
    put_counter(&writer, "joined", 5);
    put_counter(&writer, "of_a_later_version", 6);
    put_counter(&writer, "", 7);
    put_counter(&writer, "join", 8);
    put_counter(&writer, "joined_more", 9);
    struct state_reader reader = body_of(state_block_end(&writer));
    cr_assert_null(state_end_read(&read, &reader));
    cr_assert_eq(read.clients, 7);
    cr_assert_eq(read.streams, 1);
    cr_assert_eq(read.last_job, 3);
    cr_assert_not(read.clients_proven);
    for (size_t i = 0; i < STATS_COUNT; i++)
        cr_assert_eq(stats_value(&read.counters, i), strcmp(stats_name(i), "joined") == 0 ? 5 : 0);
}

Test(state_end, that_is_truncated_or_longer_is_refused)
{
    struct state_end read, end = state_sample_end();
    struct state_reader whole = body_of(state_end_write(&end, bytes, sizeof bytes));
    for (size_t size = 0; size < whole.size; size++) {
        struct state_reader reader = {.bytes = whole.bytes, .size = size};
        cr_assert_str_eq(state_end_read(&read, &reader),
                         "its last block has contents that no udpsrv writes");
    }
    whole.size++;
    cr_assert_not_null(state_end_read(&read, &whole));
}

Test(state_end, with_another_number_of_counters_than_it_says_is_refused)
{
    struct state_end read;
    for (uint16_t count = 0; count <= 3; count++) {
        struct state_writer writer;
        begin(&writer, count);
        put_counter(&writer, "joined", 5);
        put_counter(&writer, "left", 5);
        struct state_reader reader = body_of(state_block_end(&writer));
        cr_assert_eq(state_end_read(&read, &reader) == NULL, count == 2, "%u", count);
    }
}

Test(state_end, with_impossible_contents_is_refused)
{
    static const char why[] = "its last block has contents that no udpsrv writes";
    struct state_end read, end = state_sample_end();
    end.last_job = STATE_NUMBER_MAX;
    struct state_reader reader = body_of(state_end_write(&end, bytes, sizeof bytes));
    struct state_reader again = reader;
    cr_assert_null(state_end_read(&read, &again));
    cr_assert_eq(read.last_job, STATE_NUMBER_MAX);
    bytes[STATE_BLOCK_HEAD_BYTES + PROVEN_AT] = 2;
    again = reader;
    cr_assert_str_eq(state_end_read(&read, &again), why, "a truth value of 2");
    bytes[STATE_BLOCK_HEAD_BYTES + PROVEN_AT] = 1;
    bytes[STATE_BLOCK_HEAD_BYTES + LAST_JOB_AT + 7] = 0x40;
    again = reader;
    cr_assert_str_eq(state_end_read(&read, &again), why, "a job after which none could follow");
}

Test(state_end, fits_into_a_block)
{
    struct state_end end = state_sample_end();
    cr_assert_lt(state_end_write(&end, bytes, sizeof bytes), STATE_BLOCK_BYTES_MAX / 8);
}
