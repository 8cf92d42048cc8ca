/* The reports of the broadcasts that have ended. */
#include "server/broadcast/job/ended_jobs.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(ended_jobs, .timeout = 60);

static struct ended_jobs ended;
static uint64_t seen[JOBS_REMEMBERED + 1];
static size_t seen_count;

static void note(void *state, const struct job_report *report)
{
    cr_assert_eq(state, &ended);
    cr_assert_lt(seen_count, JOBS_REMEMBERED + 1);
    seen[seen_count++] = report->id;
}

static void add(uint64_t id, const char *selector)
{
    char *text = selector != NULL ? strdup(selector) : NULL;
    const struct job_report report = {.id = id, .selector = text != NULL ? text : ""};
    const struct job_report *kept = ended_jobs_add(&ended, &report, text);
    cr_assert_eq(kept->id, id);
    cr_assert_str_eq(kept->selector, selector != NULL ? selector : "");
}

Test(ended_jobs, are_none_at_the_beginning)
{
    cr_assert_not(ended_jobs_visit(&ended, 0, note, &ended));
    ended_jobs_free(&ended);
}

Test(ended_jobs, are_the_last_64_in_the_order_of_their_ends)
{
    for (uint64_t id = 1; id <= JOBS_REMEMBERED + 3; id++)
        add(id, id % 2 ? "to=::1" : NULL);
    cr_assert_eq(ended.count, JOBS_REMEMBERED + 3);
    cr_assert(ended_jobs_visit(&ended, 0, note, &ended));
    cr_assert_eq(seen_count, JOBS_REMEMBERED);
    for (size_t i = 0; i < seen_count; i++)
        cr_assert_eq(seen[i], i + 4);
    ended_jobs_free(&ended);
}

Test(ended_jobs, are_found_by_their_number_while_they_are_remembered)
{
    for (uint64_t id = 1; id <= JOBS_REMEMBERED + 1; id++)
        add(id, NULL);
    cr_assert_not(ended_jobs_visit(&ended, 1, note, &ended));
    cr_assert(ended_jobs_visit(&ended, 2, note, &ended));
    cr_assert_eq(seen_count, 1);
    cr_assert_eq(seen[0], 2);
    ended_jobs_free(&ended);
}

static void compare(void *state, const struct job_report *report)
{
    const struct job_report *expected = state;
    cr_assert_eq(report->id, expected->id);
    cr_assert_eq(report->state, expected->state);
    cr_assert_str_eq(report->selector, expected->selector);
    cr_assert_eq(report->bytes, expected->bytes);
    cr_assert_eq(report->is_confirmed, expected->is_confirmed);
    cr_assert_eq(report->has_lost_list, expected->has_lost_list);
    const uint64_t are[] = {report->targets,   report->sent,       report->failed, report->skipped,
                            report->confirmed, report->silent,     report->plain,  report->rounds,
                            report->datagrams, report->duration_ms},
                   were[] = {expected->targets,    expected->sent,      expected->failed,
                             expected->skipped,    expected->confirmed, expected->silent,
                             expected->plain,      expected->rounds,    expected->datagrams,
                             expected->duration_ms};
    cr_assert_arr_eq(are, were, sizeof are);
}

static void note_loss(void *state, const struct job_report *report)
{
    *(bool *)state = report->has_lost_list;
}

Test(ended_jobs, lose_their_lists_one_by_one)
{
    bool is_lost;
    for (uint64_t id = 1; id <= 3; id++)
        add(id, NULL);
    ended_jobs_lose_list(&ended, 2);
    ended_jobs_lose_list(&ended, 4);
    for (uint64_t id = 1; id <= 3; id++) {
        cr_assert(ended_jobs_visit(&ended, id, note_loss, &is_lost));
        cr_assert_eq(is_lost, id == 2);
    }
    ended_jobs_free(&ended);
}

Test(ended_jobs, are_the_same_after_a_handover)
{
    static struct ended_jobs successor;
    struct handover_writer writer = {.size = 0};
    struct job_report report = {
        1, JOB_CANCELLED, 2, 3, 4, 5, 6, 7, strdup("to=::1"), true, 8, 9, 10, 11, 12, true};
    ended_jobs_add(&ended, &report, (char *)report.selector);
    for (uint64_t id = 2; id <= JOBS_REMEMBERED; id++)
        add(id, NULL);
    handover_begin(&writer, 1);
    ended_jobs_hand_over(&ended, &writer);
    handover_end(&writer);
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&reader);
    cr_assert_eq(ended_jobs_take_over(&successor, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_writer_free(&writer);
    cr_assert(ended_jobs_visit(&successor, 1, compare, &report));
    cr_assert_eq(successor.count, JOBS_REMEMBERED);
    ended_jobs_free(&ended);
    ended_jobs_free(&successor);
}
