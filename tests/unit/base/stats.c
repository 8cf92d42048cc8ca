/* Tests of base/stats: the names and values of counters. */
#include "base/stats.h"

#include <criterion/criterion.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* The names of `udpctl stats` in their order. A name must never change. */
static const char *const outcomes[] = {
    "replied",         "silent",           "challenged",      "ponged",
    "named",           "confirmed",        "confirmed_again", "left",
    "reply_failed",    "challenge_failed", "drop_oversize",   "drop_port_zero",
    "drop_own_source", "drop_multicast",   "drop_denied",     "drop_limited",
    "drop_bad_frame",
};
static const char *const others[] = {
    "kernel_drops",
    "refused_full",
    "refused_prefix",
    "bad_cookies",
    "bad_names",
    "refused_names",
    "late_names",
    "dry_limited",
    "dry_prefix",
    "joined",
    "moved",
    "expired",
    "kicked",
    "broadcasts",
    "copies_sent",
    "copies_failed",
    "direct_sent",
    "direct_failed",
    "listen_messages",
    "listen_events",
    "listen_lost",
    "relayed",
    "relay_limited",
    "relay_dropped",
    "streams_closed",
    "streams_slow",
    "streams_refused",
    "streams_denied",
    "offload_replied",
    "offload_silent",
    "offload_passed_frame",
    "offload_passed_size",
    "offload_passed_checksum",
    "offload_passed_settings",
    "offload_passed_room",
    "offload_passed_rate",
    "offload_copies",
};
enum {
    OUTCOMES = sizeof outcomes / sizeof outcomes[0],
    OTHERS = sizeof others / sizeof others[0],
    COUNTERS = 1 + OUTCOMES + OTHERS,
};

/* Each counter is a different power of two, so that none can be taken for another. */
static struct stats distinct(void)
{
    struct stats stats;
    uint64_t values[COUNTERS];
    cr_assert_eq(sizeof stats, sizeof values);
    for (size_t i = 0; i < COUNTERS; i++)
        values[i] = UINT64_C(1) << i;
    memcpy(&stats, values, sizeof stats);
    return stats;
}

Test(stats, names_received_then_the_outcomes_then_the_others)
{
    cr_assert_eq(STATS_COUNT, COUNTERS);
    cr_assert_eq(STATS_OUTCOME_COUNT, OUTCOMES);
    cr_assert_str_eq(stats_name(0), "received");
    for (size_t i = 0; i < OUTCOMES; i++)
        cr_assert_str_eq(stats_name(1 + i), outcomes[i]);
    for (size_t i = 0; i < OTHERS; i++)
        cr_assert_str_eq(stats_name(1 + OUTCOMES + i), others[i]);
}

Test(stats, gives_each_counter_a_unique_name_and_meaning)
{
    for (size_t i = 0; i < STATS_COUNT; i++) {
        const char *name = stats_name(i);
        for (const char *c = name; *c != '\0'; c++)
            cr_assert(islower((unsigned char)*c) || *c == '_', "%s isn't a word", name);
        cr_assert_not(strlen(name) == 0 || strlen(stats_meaning(i)) == 0);
        for (size_t k = 0; k < i; k++) {
            cr_assert_str_neq(stats_name(k), name);
            cr_assert_str_neq(stats_meaning(k), stats_meaning(i));
        }
    }
}

Test(stats, reads_the_counter_of_each_name)
{
    struct stats stats = {0};
    stats.received = 1;
    stats.replied = 2;
    stats.drop_bad_frame = 3;
    stats.kernel_drops = 4;
    stats.copies_failed = UINT64_MAX;
    for (size_t i = 0; i < STATS_COUNT; i++) {
        const char *name = stats_name(i);
        uint64_t expected = !strcmp(name, "received")         ? 1
                            : !strcmp(name, "replied")        ? 2
                            : !strcmp(name, "drop_bad_frame") ? 3
                            : !strcmp(name, "kernel_drops")   ? 4
                            : !strcmp(name, "copies_failed")  ? UINT64_MAX
                                                              : 0;
        cr_assert_eq(stats_value(&stats, i), expected, "%s", name);
    }
    stats = distinct();
    for (size_t i = 0; i < STATS_COUNT; i++)
        cr_assert_eq(stats_value(&stats, i), UINT64_C(1) << i, "%s", stats_name(i));
}

Test(stats, adds_every_counter_of_a_worker_to_the_sum)
{
    struct stats sum = {0};
    const struct stats worker = distinct();
    for (uint64_t workers = 1; workers <= 3; workers++) {
        stats_add(&sum, &worker);
        for (size_t i = 0; i < STATS_COUNT; i++)
            cr_assert_eq(stats_value(&sum, i), workers << i, "%s", stats_name(i));
    }
    const struct stats unchanged = distinct();
    cr_assert_eq(memcmp(&worker, &unchanged, sizeof worker), 0);
}

Test(stats, sums_the_outcomes_and_nothing_else)
{
    const struct stats none = {0}, stats = distinct();
    uint64_t expected = 0;
    for (size_t i = 1; i <= OUTCOMES; i++)
        expected += stats_value(&stats, i);
    cr_assert_eq(stats_outcomes(&stats), expected);
    cr_assert_eq(stats_outcomes(&none), 0);
}

/* ---- an upgrade ---- */

Test(stats, are_the_same_in_the_next_process)
{
    struct stats before = distinct(), after = {.received = 77};
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    stats_hand_over(&before, &writer);
    handover_end(&writer);
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    cr_assert_eq(handover_next(&reader), 1);
    stats_take_over(&after, &reader);
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(memcmp(&before, &after, sizeof before), 0);
    handover_writer_free(&writer);
}

Test(stats, of_another_version_are_taken_as_far_as_their_names_are_known)
{
    struct stats stats = {.received = 77, .joined = 78};
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    handover_put16(&writer, 2);
    handover_put_text(&writer, "of_tomorrow");
    handover_put64(&writer, 5);
    handover_put_text(&writer, "replied");
    handover_put64(&writer, 6);
    handover_end(&writer);
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    cr_assert_eq(handover_next(&reader), 1);
    stats_take_over(&stats, &reader);
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(stats.replied, 6);
    cr_assert_eq(stats.joined, 0);
    cr_assert_eq(stats.received, 0);
    handover_writer_free(&writer);
}
