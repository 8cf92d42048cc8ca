/* Tests of the counts of gaps: what is counted, and what is known. */
#include "server/publish/publish_gaps.h"

#include "os/log/log.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct publish_gaps gaps;

static void enter(void)
{
    log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
}

TestSuite(publish_gaps, .init = enter, .timeout = 10);

static struct device_name name_of(const char *text)
{
    struct device_name name;
    cr_assert_null(device_name_set(&name, text, strlen(text)));
    return name;
}

/* Reports that entries are missing after the entry `after`, up to that number of entries. */
static bool miss(const char *stream, uint64_t after, uint64_t missing, uint64_t entries)
{
    return publish_gaps_note(&gaps, &(struct publish_gap){.stream = name_of(stream),
                                                          .after = {after, 0},
                                                          .before = {entries + 1, 0},
                                                          .missing = missing,
                                                          .entries = entries});
}

static bool replace(const char *stream, uint64_t after)
{
    return publish_gaps_note(&gaps, &(struct publish_gap){.stream = name_of(stream),
                                                          .is_other_stream = true,
                                                          .after = {after, 0}});
}

static void expect_counts(const struct publish_gap_counts *counts, uint64_t count, uint64_t missing)
{
    cr_expect_eq(counts->gaps, count, "%ju gaps", (uintmax_t)counts->gaps);
    cr_expect_eq(counts->missing, missing, "%ju missing", (uintmax_t)counts->missing);
}

static void expect_stream(const char *stream, uint64_t count, uint64_t missing)
{
    const struct device_name name = name_of(stream);
    const struct publish_gap_counts counts = publish_gaps_of(&gaps, &name);
    expect_counts(&counts, count, missing);
}

Test(publish_gaps, each_gap_is_counted_with_its_entries)
{
    cr_expect(miss("a", 10, 3, 13));
    cr_expect(miss("a", 20, 4, 24));
    cr_expect(miss("b", 20, 5, 25));
    expect_stream("a", 2, 7);
    expect_stream("b", 1, 5);
    expect_stream("c", 0, 0);
    expect_counts(&gaps.total, 3, 12);
}

Test(publish_gaps, a_gap_that_is_reported_again_is_counted_once)
{
    cr_expect(miss("a", 10, 3, 13));
    for (int i = 0; i < 3; i++)
        cr_expect_not(miss("a", 10, 3, 13));
    expect_stream("a", 1, 3);
    expect_counts(&gaps.total, 1, 3);
}

Test(publish_gaps, of_a_gap_that_has_grown_only_the_rest_is_counted)
{
    cr_expect(miss("a", 10, 3, 13));
    cr_expect(miss("a", 10, 5, 15)); /* from its beginning, as after another start */
    expect_stream("a", 1, 5);
    cr_expect(miss("a", 10, 4, 19)); /* from the last report on */
    cr_expect_not(miss("a", 10, 9, 19));
    expect_stream("a", 1, 9);
    expect_counts(&gaps.total, 1, 9);
}

Test(publish_gaps, another_stream_under_the_name_is_a_gap_of_its_own)
{
    cr_expect(replace("a", 10));
    cr_expect_not(replace("a", 10));
    cr_expect(miss("a", 10, 2, 12));
    cr_expect(replace("a", 11));
    expect_stream("a", 3, 2);
}

Test(publish_gaps, streams_without_a_place_are_only_in_the_total)
{
    char stream[16];
    for (int i = 0; i < STATE_STREAMS_MAX; i++) {
        snprintf(stream, sizeof stream, "s%d", i);
        cr_expect(miss(stream, 1, 2, 3));
    }
    cr_expect(miss("more", 1, 2, 3));
    cr_expect(miss("more", 1, 2, 3));
    expect_stream("more", 0, 0);
    expect_stream("s63", 1, 2);
    expect_counts(&gaps.total, STATE_STREAMS_MAX + 2, 2 * (STATE_STREAMS_MAX + 2));
}

/* ---- the handover ---- */

static struct handover_writer hand_over(void)
{
    struct handover_writer writer = {.bytes = NULL};
    handover_begin(&writer, 1);
    publish_gaps_hand_over(&gaps, &writer);
    handover_end(&writer);
    memset(&gaps, 0xff, sizeof gaps);
    return writer;
}

Test(publish_gaps, the_next_process_knows_them)
{
    miss("a", 10, 3, 13);
    replace("new b", 7);
    struct handover_writer writer = hand_over();
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&reader);
    cr_assert_eq(publish_gaps_take_over(&gaps, &reader), 0);
    cr_expect(handover_is_at_end(&reader));
    handover_writer_free(&writer);
    expect_counts(&gaps.total, 2, 3);
    cr_expect_not(miss("a", 10, 3, 13));
    cr_expect_not(replace("new b", 7));
    cr_expect(miss("a", 10, 4, 14));
    expect_stream("a", 1, 4);
    expect_stream("new b", 1, 0);
}

Test(publish_gaps, a_record_of_a_handover_that_does_not_fit_is_refused)
{
    miss("a", 10, 3, 13);
    struct handover_writer writer = hand_over();
    struct handover_reader whole = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&whole);
    for (size_t end = whole.at; end < whole.end; end++) {
        struct handover_reader reader = whole;
        reader.end = end;
        cr_expect_eq(publish_gaps_take_over(&gaps, &reader), -EPROTO, "%zu", end);
    }
    handover_writer_free(&writer);
}
