/* A connection in the record of a handover. */
#include "state/handover_stream.h"

#include <criterion/criterion.h>

static const struct handover_stream NONE = {.descriptor = 7};
static struct handover_writer writer;
static int descriptors[] = {7};

static void put(const struct handover_stream *stream)
{
    handover_begin(&writer, 1);
    handover_put_stream(&writer, stream);
    handover_end(&writer);
}

static struct handover_reader reader_of(size_t size)
{
    descriptors[0] = 7;
    return (struct handover_reader){.bytes = writer.bytes,
                                    .size = size,
                                    .at = 9, /* after the type and the length of the record */
                                    .end = size,
                                    .descriptors = descriptors,
                                    .descriptor_count = 1};
}

static struct handover_stream passed_on(const struct handover_stream *stream)
{
    put(stream);
    struct handover_reader reader = reader_of(writer.size);
    struct handover_stream got = handover_get_stream(&reader);
    cr_assert(handover_is_at_end(&reader));
    return got;
}

Test(handover_stream, has_its_bytes_and_its_error)
{
    struct handover_stream stream = NONE;
    stream.error = -32;
    stream.input = (const uint8_t *)"half a li";
    stream.input_size = 9;
    stream.output = (const uint8_t *)"rest";
    stream.output_size = 4;
    struct handover_stream got = passed_on(&stream);
    cr_assert_eq(got.descriptor, 7);
    cr_assert_eq(got.error, -32);
    cr_assert_eq(got.input_size, 9);
    cr_assert_arr_eq(got.input, "half a li", 9);
    cr_assert_eq(got.output_size, 4);
    cr_assert_arr_eq(got.output, "rest", 4);
    handover_writer_free(&writer);
}

Test(handover_stream, has_each_of_its_states_alone)
{
    for (int state = 0; state < 5; state++) {
        struct handover_stream stream = NONE;
        bool *const states[] = {&stream.is_paused, &stream.is_closed, &stream.is_dropping,
                                &stream.was_too_long, &stream.is_discarding};
        *states[state] = true;
        struct handover_stream got = passed_on(&stream);
        cr_expect_eq(got.is_paused, state == 0);
        cr_expect_eq(got.is_closed, state == 1);
        cr_expect_eq(got.is_dropping, state == 2);
        cr_expect_eq(got.was_too_long, state == 3);
        cr_expect_eq(got.is_discarding, state == 4);
        handover_writer_free(&writer);
    }
}

Test(handover_stream, of_a_record_that_ends_early_fails_and_leaves_its_descriptor_to_the_caller)
{
    struct handover_stream stream = NONE;
    stream.input = stream.output = (const uint8_t *)"a";
    stream.input_size = stream.output_size = 1;
    put(&stream);
    for (size_t size = 9; size < writer.size; size++) {
        struct handover_reader reader = reader_of(size);
        struct handover_stream got = handover_get_stream(&reader);
        cr_expect(reader.failed, "%zu bytes", size);
        cr_expect_eq(got.descriptor, 7);
    }
    handover_writer_free(&writer);
}
