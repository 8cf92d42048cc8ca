/* Tests of base/handover: values and descriptors of records, and each kind of damage. */
#include "base/handover.h"

#include <criterion/criterion.h>

#include <string.h>

enum { NUMBERS = 1, TEXTS = 2 };

static struct handover_writer writer;

static void write_records(void)
{
    handover_begin(&writer, NUMBERS);
    handover_put8(&writer, 0x12);
    handover_put16(&writer, 0x3456);
    handover_put_descriptor(&writer, 7);
    handover_put32(&writer, 0x789abcde);
    handover_put64(&writer, UINT64_C(0x0123456789abcdef));
    handover_end(&writer);
    handover_begin(&writer, TEXTS);
    handover_put_text(&writer, "a text");
    handover_put_text(&writer, NULL);
    handover_put_bytes(&writer, "abc", 3);
    handover_put_bytes(&writer, NULL, 0);
    handover_put_descriptor(&writer, 8);
    handover_end(&writer);
}

static struct handover_reader reader_of(size_t size)
{
    return (struct handover_reader){.bytes = writer.bytes,
                                    .size = size,
                                    .descriptors = writer.descriptors,
                                    .descriptor_count = writer.descriptor_count};
}

TestSuite(handover, .init = write_records);

Test(handover, is_read_as_it_was_written)
{
    struct handover_reader reader = reader_of(writer.size);
    cr_assert_eq(handover_next(&reader), NUMBERS);
    cr_assert_eq(handover_get8(&reader), 0x12);
    cr_assert_eq(handover_get16(&reader), 0x3456);
    cr_assert_eq(handover_get_descriptor(&reader), 7);
    cr_assert_eq(handover_get32(&reader), 0x789abcde);
    cr_assert_not(handover_is_at_end(&reader));
    cr_assert_eq(handover_get64(&reader), UINT64_C(0x0123456789abcdef));
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(handover_next(&reader), TEXTS);
    cr_assert_str_eq(handover_get_text(&reader), "a text");
    cr_assert_null(handover_get_text(&reader));
    cr_assert_arr_eq(handover_get_bytes(&reader, 3), "abc", 3);
    cr_assert_eq(handover_get_descriptor(&reader), 8);
    cr_assert_eq(handover_next(&reader), 0);
    cr_assert_not(reader.failed);
    cr_assert_eq(writer.descriptors[0], -1, "one that was taken is not closed with the others");
}

Test(handover, goes_to_the_next_record_from_anywhere_in_one)
{
    struct handover_reader reader = reader_of(writer.size);
    cr_assert_eq(handover_next(&reader), NUMBERS);
    cr_assert_eq(handover_next(&reader), TEXTS);
    cr_assert_eq(handover_next(&reader), 0);
    cr_assert_not(reader.failed);
}

Test(handover, skips_the_rest_of_a_record)
{
    struct handover_reader reader = reader_of(writer.size);
    cr_assert_eq(handover_next(&reader), NUMBERS);
    cr_assert_eq(handover_get8(&reader), 0x12);
    cr_assert_eq(handover_get_descriptor(&reader), 7);
    handover_skip(&reader);
    cr_assert(handover_is_at_end(&reader));
    handover_skip(&reader); /* nothing is left */
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(handover_next(&reader), TEXTS);
    cr_assert_str_eq(handover_get_text(&reader), "a text");
    cr_assert_eq(handover_get_descriptor(&reader), 8);
    handover_skip(&reader);
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(handover_next(&reader), 0);
    cr_assert_not(reader.failed);
}

Test(handover, refuses_a_read_after_the_rest_was_skipped)
{
    struct handover_reader reader = reader_of(writer.size);
    handover_next(&reader);
    handover_skip(&reader);
    cr_assert_eq(handover_get8(&reader), 0);
    cr_assert(reader.failed);
    cr_assert_not(handover_is_at_end(&reader));
}

Test(handover, refuses_a_read_beyond_the_record)
{
    struct handover_reader reader = reader_of(writer.size);
    handover_next(&reader);
    cr_assert_null(handover_get_bytes(&reader, 16));
    cr_assert(reader.failed);
    cr_assert_eq(handover_get8(&reader), 0);
    cr_assert_eq(handover_next(&reader), 0);
    cr_assert_not(handover_is_at_end(&reader));
}

Test(handover, refuses_a_descriptor_that_was_not_written)
{
    struct handover_reader reader = reader_of(writer.size);
    handover_next(&reader);
    handover_get_descriptor(&reader);
    handover_get_descriptor(&reader);
    cr_assert_not(reader.failed);
    cr_assert_eq(handover_get_descriptor(&reader), -1);
    cr_assert(reader.failed);
}

Test(handover, refuses_a_text_that_does_not_end)
{
    size_t text = 9 + 15 + 9 + 1 + 8;
    cr_assert_arr_eq(writer.bytes + text, "a text", 7);
    writer.bytes[text + 3] = '\0';
    struct handover_reader reader = reader_of(writer.size);
    handover_next(&reader);
    handover_next(&reader);
    cr_assert_null(handover_get_text(&reader));
    cr_assert(reader.failed);
}

/* No prefix but a whole record is accepted, and none is read beyond its end. */
Test(handover, refuses_each_part_of_a_record)
{
    for (size_t size = 1; size < writer.size; size++) {
        struct handover_reader reader = reader_of(size);
        while (handover_next(&reader) != 0)
            ;
        cr_assert_eq(reader.failed, size != 9 + 15, "of %zu bytes", size);
    }
}

Test(handover, grows_as_its_records_do)
{
    static uint8_t bytes[100000];
    for (int i = 0; i < 100; i++) {
        handover_begin(&writer, 3);
        handover_put_bytes(&writer, bytes, sizeof bytes);
        handover_end(&writer);
    }
    for (int i = 0; i < 1000; i++)
        handover_put_descriptor(&writer, i);
    cr_assert_not(writer.failed);
    cr_assert_gt(writer.size, 100 * sizeof bytes);
    cr_assert_eq(writer.descriptors[1001], 999);
    handover_writer_free(&writer);
    cr_assert_eq(writer.size, 0);
}
