#include "server/broadcast/job/broadcast_job.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The workers are not used before a job starts. */
static struct worker *const workers[2];
static const struct job_shards_options shards = {.workers = workers, .worker_count = 2};

static struct broadcast_job *make(const struct job_request *request)
{
    struct broadcast_job *job = broadcast_job_new(request, 7, 1007, &shards);
    cr_assert_not_null(job);
    return job;
}

static void drop(struct broadcast_job *job)
{
    free(job->selector_text);
    broadcast_job_free(job);
}

Test(broadcast_job, waits_with_a_copy_of_its_payload_and_no_selector)
{
    struct broadcast_job *job = make(&(struct job_request){.bytes = "news", .size = 4});
    struct job_report report;
    broadcast_job_sum_up(job, 5000, &report);
    cr_assert_eq(report.id, 7);
    cr_assert_eq(report.state, JOB_WAITING);
    cr_assert_eq(report.bytes, 4);
    cr_assert_str_eq(report.selector, "");
    cr_assert_not(report.is_confirmed);
    cr_assert_eq(report.targets + report.sent + report.failed + report.skipped, 0);
    cr_assert_eq(report.duration_ms, 0, "it has not started");
    cr_assert_arr_eq(job->frame + FRAME_MESSAGE_HEAD_BYTES, "news", 4);
    drop(job);
}

Test(broadcast_job, an_empty_payload_needs_no_bytes)
{
    struct broadcast_job *job = make(&(struct job_request){.size = 0});
    cr_assert_eq(job->report.bytes, 0);
    drop(job);
}

Test(broadcast_job, keeps_the_text_of_its_selector_and_its_waiter)
{
    char text[] = "to=::1";
    int waiter;
    struct client_selector selector = client_selector_all();
    struct broadcast_job *job = make(&(struct job_request){
        .bytes = "x", .size = 1, .selector = &selector, .selector_text = text, .state = &waiter});
    text[0] = '?';
    cr_assert_str_eq(job->report.selector, "to=::1");
    cr_assert_eq(job->submitter.state, &waiter);
    cr_assert_null(job->canceller.ended);
    drop(job);
}

Test(broadcast_job, takes_its_duration_from_its_start)
{
    struct broadcast_job *job = make(&(struct job_request){.bytes = "x", .size = 1});
    struct job_report report;
    job->started_ms = 4000;
    broadcast_job_sum_up(job, 5500, &report);
    cr_assert_eq(report.duration_ms, 1500);
    drop(job);
}

Test(broadcast_job, a_confirmed_one_has_a_frame_with_its_number_and_an_interval)
{
    const struct job_confirmation confirmation = {.within_ms = 9000};
    struct broadcast_job *job =
        make(&(struct job_request){.bytes = "news", .size = 4, .confirmation = &confirmation});
    cr_assert(job->report.is_confirmed);
    cr_assert_eq(job->confirmed.job, 1007);
    cr_assert_eq(job->confirmed.frame, job->frame);
    cr_assert_eq(job->confirmed.frame_bytes, FRAME_MESSAGE_HEAD_BYTES + 4);
    cr_assert_eq(job->rounds.within_ms, 9000);
    cr_assert_geq(job->rounds.interval_ms, CONFIRMATION_INTERVAL_MIN_MS);
    cr_assert_leq(job->rounds.interval_ms, CONFIRMATION_INTERVAL_MAX_MS);
    drop(job);
}

Test(broadcast_job, is_finished_when_no_client_has_a_frame_to_confirm)
{
    const struct job_confirmation confirmation = {.within_ms = 9000};
    struct broadcast_job *job =
        make(&(struct job_request){.bytes = "x", .size = 1, .confirmation = &confirmation});
    struct job_report report;
    confirmation_rounds_begin(&job->rounds);
    confirmation_rounds_end(&job->rounds, 1000);
    cr_assert(broadcast_job_is_finished(job, 1000));
    broadcast_job_sum_up(job, 1000, &report);
    cr_assert_eq(report.rounds, 1);
    cr_assert_eq(report.confirmed + report.silent + report.plain + report.datagrams, 0);
    drop(job);
}
