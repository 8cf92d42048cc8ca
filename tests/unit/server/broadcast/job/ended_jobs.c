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
