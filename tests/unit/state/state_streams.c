/* Tests of state/state_streams: the journal of publish streams, whole, torn, damaged, and of
 * another boot. */
#include "state/state_streams.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const uint8_t boot[STATE_BOOT_ID_BYTES] = {1}, other_boot[STATE_BOOT_ID_BYTES] = {2};
static uint8_t bytes[STATE_STREAMS_BYTES_MAX];
static size_t size;
static struct state_streams streams;

static struct state_stream stream_of(const char *name, uint64_t last, uint64_t reserved,
                                     bool has_ended)
{
    struct state_stream stream = {.last = {last, last % 7},
                                  .reserved = {reserved, reserved % 7},
                                  .entries_added = 10 * last,
                                  .has_ended = has_ended};
    cr_assert_null(device_name_set(&stream.name, name, strlen(name)));
    return stream;
}

static void begin(void)
{
    state_streams_write_preamble(bytes);
    size = STATE_STREAMS_PREAMBLE_BYTES;
}

static void add_block(const struct state_stream *list, size_t count)
{
    struct state_writer block;
    state_streams_begin_block(&block, bytes + size, boot);
    for (size_t i = 0; i < count; i++)
        state_streams_put(&block, &list[i]);
    cr_assert_not(block.overflowed);
    size += state_block_end(&block);
}

static void add_one(struct state_stream stream)
{
    add_block(&stream, 1);
}

static const char *read_by(const uint8_t *boot_id)
{
    return state_streams_read(&streams, bytes, size, boot_id);
}

static void expect(const char *name, uint64_t last, bool has_ended)
{
    struct device_name of;
    device_name_set(&of, name, strlen(name));
    const struct state_stream *found = state_streams_find(&streams, &of);
    cr_assert_not_null(found, "%s", name);
    cr_assert_eq(found->last.ms, last, "%s: %lu", name, (unsigned long)found->last.ms);
    cr_assert_eq(found->last.sequence, last % 7);
    cr_assert_eq(found->has_ended, has_ended);
}

Test(state_streams, are_read_as_they_were_written)
{
    const struct state_stream list[] = {stream_of("orders", 5, 5, true),
                                        stream_of("alarms", 9, 9, false)};
    begin();
    add_block(list, 2);
    cr_assert_null(read_by(boot));
    cr_assert_eq(streams.count, 2);
    expect("orders", 5, true);
    expect("alarms", 9, false);
    cr_assert_eq(streams.list[0].entries_added, 50);
}

Test(state_streams, as_many_as_there_may_be_fit_into_a_block)
{
    struct state_stream list[STATE_STREAMS_MAX];
    char name[DEVICE_NAME_BYTES_MAX + 1];
    for (int i = 0; i < STATE_STREAMS_MAX; i++) {
        snprintf(name, sizeof name, "%064d", i);
        list[i] = stream_of(name, (uint64_t)i + 1, (uint64_t)i + 1, true);
    }
    begin();
    add_block(list, STATE_STREAMS_MAX);
    cr_assert_eq(size, STATE_STREAMS_PREAMBLE_BYTES + STATE_STREAMS_BLOCK_BYTES_MAX);
    cr_assert_null(read_by(boot));
    cr_assert_eq(streams.count, STATE_STREAMS_MAX);
    add_one(stream_of("one more", 1, 1, true));
    cr_assert_not_null(read_by(boot));
}

Test(state_streams, a_later_record_replaces_an_earlier_one)
{
    begin();
    add_one(stream_of("orders", 5, 9, false));
    add_one(stream_of("orders", 6, 9, false));
    add_one(stream_of("alarms", 2, 2, true));
    add_one(stream_of("orders", 6, 9, true));
    cr_assert_null(read_by(boot));
    cr_assert_eq(streams.count, 2);
    expect("orders", 6, true);
    expect("alarms", 2, true);
}

Test(state_streams, a_torn_block_at_the_end_is_ignored_at_any_byte)
{
    begin();
    add_one(stream_of("orders", 5, 9, true));
    size_t whole = size;
    add_one(stream_of("orders", 6, 9, false));
    for (size_t full = size; size > whole; size--) {
        cr_assert_null(read_by(boot));
        expect("orders", size == full ? 6 : 5, size != full);
    }
}

Test(state_streams, a_block_with_another_bit_ends_the_journal)
{
    begin();
    add_one(stream_of("orders", 5, 9, true));
    size_t whole = size;
    add_one(stream_of("orders", 6, 9, false));
    for (size_t at = whole; at < size; at++) {
        bytes[at] ^= 0x10;
        cr_assert_null(read_by(boot));
        expect("orders", 5, true);
        bytes[at] ^= 0x10;
    }
}

Test(state_streams, a_first_block_that_is_not_whole_is_refused)
{
    begin();
    add_one(stream_of("orders", 5, 5, true));
    size_t full = size;
    for (size = 0; size < full; size++)
        cr_assert_not_null(read_by(boot), "%zu bytes", size);
    for (size_t at = 0; at < full; at++) {
        bytes[at] ^= 1;
        cr_assert_not_null(read_by(boot), "byte %zu", at);
        bytes[at] ^= 1;
    }
    cr_assert_null(read_by(boot));
}

Test(state_streams, another_version_is_named)
{
    begin();
    add_one(stream_of("orders", 5, 5, true));
    bytes[14]++;
    cr_assert_str_eq(read_by(boot), "it is of another version of udpsrv");
    bytes[0]++;
    cr_assert_str_eq(read_by(boot), "it is no journal of udpsrv");
}

Test(state_streams, after_another_boot_the_last_reserved_entry_is_uncertain)
{
    begin();
    add_one(stream_of("orders", 5, 9, true));
    add_one(stream_of("orders", 6, 9, true));
    add_one(stream_of("alarms", 4, 4, true));
    cr_assert_null(read_by(other_boot));
    expect("orders", 9, false);
    expect("alarms", 4, true);
    cr_assert_null(read_by(NULL));
    expect("orders", 9, false);
}

Test(state_streams, contents_that_no_server_writes_are_refused)
{
    struct state_stream reversed = stream_of("orders", 5, 4, true);
    begin();
    add_one(reversed);
    cr_assert_not_null(read_by(boot), "reserved before the last one");
    begin();
    struct state_writer block;
    state_streams_begin_block(&block, bytes + size, boot);
    state_put8(&block, 2);
    state_put8(&block, 0);
    size += state_block_end(&block);
    cr_assert_not_null(read_by(boot), "no name");
}
