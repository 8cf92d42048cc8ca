/* Tests of server/broadcast/broadcast_jobs: the ids and counts that continue after a restart. */
#include "server/broadcast/broadcast_jobs.h"

#include <criterion/criterion.h>

static struct loop *loop;
static struct mailbox *mailbox;
static struct jobs *jobs;

static void open_jobs(void)
{
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_not_null(mailbox);
    cr_assert_eq(jobs_open(&jobs, loop, NULL, 0, mailbox, 64), 0);
}

static void close_jobs(void)
{
    mailbox_free(mailbox);
    jobs_close(jobs);
    loop_free(loop);
}

TestSuite(broadcast_jobs, .init = open_jobs, .fini = close_jobs);

Test(broadcast_jobs, begin_without_a_job)
{
    cr_assert_eq(jobs_last_id(jobs), 0);
    cr_assert_eq(jobs_ended(jobs), 0);
}

Test(broadcast_jobs, continue_with_the_last_id_and_the_count_of_before)
{
    jobs_restore(jobs, 42, 40);
    cr_assert_eq(jobs_last_id(jobs), 42);
    cr_assert_eq(jobs_ended(jobs), 40);
}
