#include "server/broadcast/job/broadcast_job.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The workers are not used before a job starts. */
static struct worker *const workers[2];
static const struct job_shards_options shards = {.workers = workers, .worker_count = 2};

static struct broadcast_job *make(const struct job_request *request)
{
    struct broadcast_job *job = broadcast_job_new(request, &shards);
    cr_assert_not_null(job);
    broadcast_job_set_id(job, 7, 1007);
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

/* ---- the handover ---- */

static struct handover_writer written(const struct broadcast_job *job)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    broadcast_job_hand_over(job, &writer);
    handover_end(&writer);
    return writer;
}

static struct broadcast_job *take_over(const struct handover_writer *writer, uint64_t base,
                                       int *error)
{
    struct handover_reader reader = {.bytes = writer->bytes, .size = writer->size};
    handover_next(&reader);
    struct broadcast_job *job = broadcast_job_take_over(&reader, base, &shards, error);
    cr_assert_eq(job != NULL, handover_is_at_end(&reader));
    return job;
}

Test(broadcast_job, that_waits_is_the_same_after_a_handover)
{
    struct client_selector selector = {.listeners = 5, .idle_max_ms = 6000};
    const struct job_confirmation confirmation = {
        .within_ms = 9000,
        .only = {.source = {.ip = {1, 2, 3, 4}, .port = 5, .family = ADDR_IPV4},
                 .listener = 2,
                 .which = {true, 2, 77}}};
    int error;
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], "192.0.2.0/24"));
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], "2001:db8::/32"));
    struct broadcast_job *job = make(&(struct job_request){.bytes = "news",
                                                           .size = 4,
                                                           .selector = &selector,
                                                           .selector_text = "to=192.0.2.0/24",
                                                           .confirmation = &confirmation});
    struct handover_writer writer = written(job);
    struct broadcast_job *after = take_over(&writer, 1000, &error);
    cr_assert_not_null(after);
    handover_writer_free(&writer);
    cr_assert_eq(after->report.id, 7);
    cr_assert_eq(after->report.state, JOB_WAITING);
    cr_assert_eq(after->report.bytes, 4);
    cr_assert_str_eq(after->report.selector, "to=192.0.2.0/24");
    cr_assert_arr_eq(&after->selector, &selector, sizeof selector);
    cr_assert_eq(after->confirmed.job, 1007);
    cr_assert(addr_equal(&after->confirmed.only.source, &confirmation.only.source));
    cr_assert_eq(after->confirmed.only.listener, 2);
    cr_assert(after->confirmed.only.which.is_set);
    cr_assert_eq(after->confirmed.only.which.join_number, 77);
    cr_assert_eq(after->rounds.within_ms, 9000);
    cr_assert_eq(after->rounds.interval_ms, job->rounds.interval_ms);
    cr_assert_arr_eq(after->frame, job->frame, FRAME_MESSAGE_HEAD_BYTES + 4);
    cr_assert_null(after->submitter.ended, "the session stays with the predecessor");
    drop(job);
    drop(after);
}

Test(broadcast_job, an_empty_payload_without_a_selector_is_the_same_after_a_handover)
{
    struct broadcast_job *job = make(&(struct job_request){.size = 0});
    int error;
    struct handover_writer writer = written(job);
    struct broadcast_job *after = take_over(&writer, 0, &error);
    cr_assert_not_null(after);
    cr_assert_eq(after->report.bytes, 0);
    cr_assert_str_eq(after->report.selector, "");
    cr_assert(client_selector_is_all(&after->selector));
    cr_assert_not(after->report.is_confirmed);
    handover_writer_free(&writer);
    drop(job);
    drop(after);
}

Test(broadcast_job, of_a_short_record_is_refused)
{
    struct broadcast_job *job =
        make(&(struct job_request){.bytes = "news", .size = 4, .selector_text = "to=::1"});
    struct handover_writer writer = written(job);
    const size_t head = 1 + 8;
    for (size_t size = head; size < writer.size; size++) {
        int error = 0;
        struct handover_reader reader = {
            .bytes = writer.bytes, .size = size, .at = head, .end = size};
        cr_assert_null(broadcast_job_take_over(&reader, 0, &shards, &error), "%zu bytes", size);
        cr_assert_eq(error, -EPROTO);
    }
    handover_writer_free(&writer);
    drop(job);
}
