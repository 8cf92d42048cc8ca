/* Tests of the arithmetic by which entries are found to be missing. */
#include "redis/stream_position.h"

#include <criterion/criterion.h>

TestSuite(stream_position, .timeout = 10);

/* A stream of which entries first to last are left; the id of entry n is n-0. */
static struct stream_info stream_of(uint64_t first, uint64_t last)
{
    return (struct stream_info){.length = last + 1 - first,
                                .entries_added = last,
                                .last_generated = {last, 0},
                                .first = {first, 0}};
}

static struct stream_position at(uint64_t entry)
{
    return (struct stream_position){.id = {entry, 0}, .entries = entry};
}

static void expect_gap(struct stream_position *position, const struct stream_info *info,
                       enum stream_gap_kind kind, uint64_t missing)
{
    struct stream_gap gap = stream_position_check(position, info);
    cr_expect_eq(gap.kind, kind);
    cr_expect_eq(gap.missing, missing);
}

Test(stream_position, nothing_is_missing_while_only_what_was_read_is_removed)
{
    for (uint64_t first = 1; first <= 11; first++) {
        struct stream_position position = at(10);
        struct stream_info info = stream_of(first, 20);
        expect_gap(&position, &info, STREAM_GAP_NONE, 0);
        cr_expect_eq(position.entries, 10);
    }
}

Test(stream_position, entries_that_were_trimmed_before_they_were_read_are_counted)
{
    struct stream_position position = at(10);
    struct stream_info info = stream_of(14, 20);
    struct stream_gap gap = stream_position_check(&position, &info);
    cr_expect_eq(gap.kind, STREAM_GAP_MISSING);
    cr_expect_eq(gap.missing, 3);
    cr_expect_eq(gap.after.ms, 10);
    cr_expect(gap.has_before);
    cr_expect_eq(gap.before.ms, 14);
    cr_expect_eq(gap.entries, 13);
    cr_expect_eq(position.entries, 13);
    cr_expect_eq(position.id.ms, 10);
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
}

Test(stream_position, a_stream_that_was_trimmed_to_nothing_has_no_upper_bound)
{
    struct stream_position position = at(10);
    struct stream_info info = {.entries_added = 20, .last_generated = {20, 0}};
    struct stream_gap gap = stream_position_check(&position, &info);
    cr_expect_eq(gap.kind, STREAM_GAP_MISSING);
    cr_expect_eq(gap.missing, 10);
    cr_expect_not(gap.has_before);
}

Test(stream_position, entries_that_were_read_and_deleted_from_the_middle_are_no_gap)
{
    struct stream_position position = at(10);
    struct stream_info info = stream_of(1, 20);
    info.length -= 10; /* XDEL of all that were read */
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
    info.length -= 1; /* and of one that was not */
    expect_gap(&position, &info, STREAM_GAP_MISSING, 1);
}

Test(stream_position, a_stream_that_was_made_anew_is_another_epoch_once)
{
    struct stream_position position = {.id = {100, 0}, .entries = 50};
    struct stream_info info = {
        .length = 3, .entries_added = 3, .last_generated = {203, 0}, .first = {201, 0}};
    expect_gap(&position, &info, STREAM_GAP_EPOCH, 0);
    cr_expect_eq(position.id.ms, 100);
    cr_expect_eq(position.entries, 0);
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
}

Test(stream_position, a_key_that_does_not_exist_any_more_is_another_epoch_once)
{
    struct stream_position position = at(10);
    struct stream_info info = {.length = 0};
    expect_gap(&position, &info, STREAM_GAP_EPOCH, 0);
    cr_expect_eq(position.id.ms, 0);
    cr_expect_eq(position.entries, 0);
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
}

Test(stream_position, a_lower_last_id_is_another_epoch_even_with_more_entries)
{
    struct stream_position position = {.id = {100, 0}, .entries = 5};
    struct stream_info info = stream_of(1, 9);
    expect_gap(&position, &info, STREAM_GAP_EPOCH, 0);
    cr_expect_eq(position.id.ms, 9);
    cr_expect_eq(position.entries, 9);
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
}

Test(stream_position, a_redis_that_has_lost_its_last_entries_is_another_epoch)
{
    struct stream_position position = at(10);
    struct stream_info info = stream_of(1, 8);
    expect_gap(&position, &info, STREAM_GAP_EPOCH, 0);
    cr_expect_eq(position.entries, 8);
}

Test(stream_position, a_first_start_begins_after_the_last_entry)
{
    struct stream_info info = stream_of(5, 20);
    struct stream_position position = stream_position_begin(&info, NULL);
    cr_expect_eq(position.id.ms, 20);
    cr_expect_eq(position.entries, 20);
}

Test(stream_position, a_first_start_from_the_first_entry_misses_nothing_that_was_removed_before)
{
    const struct entry_id from = {0, 0};
    struct stream_info info = stream_of(5, 20);
    struct stream_position position = stream_position_begin(&info, &from);
    cr_expect_eq(position.id.ms, 0);
    cr_expect_eq(position.entries, 4);
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
    info = stream_of(7, 20);
    expect_gap(&position, &info, STREAM_GAP_MISSING, 2);
}

Test(stream_position, a_first_start_at_a_key_that_does_not_exist_gets_its_first_entry)
{
    struct stream_info info = {.length = 0};
    struct stream_position position = stream_position_begin(&info, NULL);
    cr_expect(entry_id_is_none(&position.id));
    info = stream_of(1, 1);
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
}

Test(stream_position, a_length_beyond_the_entries_added_is_no_gap)
{
    struct stream_position position = at(2);
    struct stream_info info = {
        .length = 9, .entries_added = 2, .last_generated = {9, 0}, .first = {1, 0}};
    expect_gap(&position, &info, STREAM_GAP_NONE, 0);
}
