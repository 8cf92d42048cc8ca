/* Tests of server/publish/publish_queue: which entries are published, in which order, what the
 * journal says at each moment, and what another process makes of it. Jobs have no workers, so they
 * run until the test says that they have ended. */
#include "server/publish/publish_queue.h"

#include "handover_fixture.h"

#include "os/file/journal_file.h"
#include "os/log/log.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DECISIONS_MAX = 200 };

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";

/* A server process. */
static struct loop *loop;
static struct mailbox *mailbox;
static struct jobs *jobs;
static struct publish_queue *queue;

/* What was decided, in that order. */
static struct {
    int entry; /* the number that the request had */
    enum publish_outcome outcome;
    uint64_t job;
    bool is_passing;
    char refusal[512];
} decisions[DECISIONS_MAX];
static size_t decided;
static size_t awaited; /* the loop stops when so many are */

static void on_decided(void *state, const struct publish_decision *decision)
{
    cr_assert_lt(decided, DECISIONS_MAX);
    decisions[decided].entry = (int)(intptr_t)state;
    decisions[decided].outcome = decision->outcome;
    decisions[decided].job = decision->job;
    decisions[decided].is_passing = decision->is_passing;
    snprintf(decisions[decided].refusal, sizeof decisions[0].refusal, "%s",
             decision->refusal != NULL ? decision->refusal : "");
    decided++;
    if (decided == awaited)
        loop_stop(loop);
}

static void on_job(void *state, const struct job_report *report)
{
    (void)state;
    publish_queue_note_job(queue, report);
}

/* Starts a process; it restores what is in the journal. */
static void start(const char *state_path)
{
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_not_null(mailbox);
    cr_assert_eq(jobs_open(&jobs, loop, NULL, 0, mailbox, 1), 0);
    const struct publish_queue_options options = {
        .jobs = jobs, .loop = loop, .mailbox = mailbox, .state_path = state_path};
    cr_assert_eq(publish_queue_open(&queue, &options), 0);
    jobs_set_observer(jobs, on_job, NULL);
    publish_queue_restore(queue);
    cr_assert_eq(publish_queue_start(queue), 0);
    decided = awaited = 0;
}

/* Ends it without a word, as a crash does. */
static void end(void)
{
    publish_queue_close(queue);
    mailbox_free(mailbox);
    publish_queue_free(queue);
    jobs_close(jobs);
    loop_free(loop);
}

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    start("state");
}

static void leave(void)
{
    end();
    unlink("state.streams");
    unlink("state.streams.bad");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0, "something was left: %s", strerror(errno));
}

TestSuite(publish_queue, .init = enter, .fini = leave, .timeout = 20);

static void publish(const char *key, int entry)
{
    const struct job_request job = {.bytes = "x", .size = 1};
    struct publish_request request = {.job = &job,
                                      .entries_added = (uint64_t)entry,
                                      .decided = on_decided,
                                      .state = (void *)(intptr_t)entry};
    cr_assert_null(publish_key_parse(&request.key, key));
    cr_assert_eq(publish_queue_submit(queue, &request), 0);
}

static void await(size_t count)
{
    awaited = count;
    if (decided < count)
        cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_geq(decided, count);
}

static void expect(size_t at, int entry, enum publish_outcome outcome)
{
    cr_assert_lt(at, decided);
    cr_assert_eq(decisions[at].entry, entry, "%d", decisions[at].entry);
    cr_assert_eq(decisions[at].outcome, outcome, "entry %d: %d %s", entry, decisions[at].outcome,
                 decisions[at].refusal);
}

/* The job of that decision changes. */
static void change_job(size_t at, enum job_state state)
{
    publish_queue_note_job(
        queue, &(struct job_report){.id = decisions[at].job, .state = state, .selector = ""});
}

static const struct publish_stream *find(const char *name)
{
    struct device_name of;
    device_name_set(&of, name, strlen(name));
    return publish_streams_find((struct publish_streams *)publish_queue_streams(queue), &of);
}

static void expect_stream(const char *name, uint64_t last, const char *state)
{
    const struct publish_stream *stream = find(name);
    cr_assert_not_null(stream, "%s", name);
    cr_assert_eq(stream->record.last.ms, last, "%s: %lu", name,
                 (unsigned long)stream->record.last.ms);
    cr_assert_str_eq(publish_stream_state(stream), state);
}

static void on_finished(void *state)
{
    *(bool *)state = true;
    loop_stop(loop);
}

static void finish(void)
{
    bool is_finished = false;
    publish_queue_finish(queue, on_finished, &is_finished);
    if (!is_finished)
        cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert(is_finished);
}

static void restart(void)
{
    end();
    start("state");
}

/* ---- decisions ---- */

Test(publish_queue, an_entry_has_its_job_when_the_journal_says_that_it_has_begun)
{
    publish("orders:5", 1);
    cr_assert_eq(decided, 0, "it is not written yet");
    cr_assert_eq(jobs_last_id(jobs), 0);
    await(1);
    expect(0, 1, PUBLISH_QUEUED);
    cr_assert_eq(decisions[0].job, 1);
    expect_stream("orders", 5, "running");
    cr_assert_eq(access("state.streams", F_OK), 0);
}

Test(publish_queue, an_entry_that_is_not_newer_is_a_duplicate)
{
    publish("orders:5-3", 1);
    await(1);
    publish("orders:5-4", 2);
    change_job(0, JOB_DONE);
    await(2);
    change_job(1, JOB_DONE);
    publish("orders:5-4", 3);
    publish("orders:5-3", 4);
    publish("orders:4-9", 5);
    publish("orders:5-5", 6);
    await(6);
    expect(1, 2, PUBLISH_QUEUED);
    expect(2, 3, PUBLISH_DUPLICATE);
    expect(3, 4, PUBLISH_DUPLICATE);
    expect(4, 5, PUBLISH_DUPLICATE);
    expect(5, 6, PUBLISH_QUEUED);
    cr_assert_eq(publish_queue_counts(queue).duplicates, 3);
    cr_assert_eq(jobs_last_id(jobs), 3);
}

Test(publish_queue, streams_have_ids_of_their_own)
{
    publish("orders:5", 1);
    await(1);
    publish("alarms:3", 2);
    change_job(0, JOB_DONE);
    await(2);
    expect(1, 2, PUBLISH_QUEUED);
    expect_stream("orders", 5, "done");
    expect_stream("alarms", 3, "running");
    cr_assert_eq(find("alarms")->record.entries_added, 2);
}

Test(publish_queue, entries_begin_one_after_the_other_in_their_order)
{
    for (int i = 1; i <= 5; i++) {
        char key[32];
        snprintf(key, sizeof key, "orders:%d", i);
        publish(key, i);
    }
    cr_assert_eq(publish_queue_counts(queue).waiting, 5);
    for (size_t i = 0; i < 5; i++) {
        await(i + 1);
        cr_assert_eq(decided, i + 1, "the next one waits for the end of its job");
        expect(i, (int)i + 1, PUBLISH_QUEUED);
        change_job(i, JOB_DONE);
    }
    cr_assert_eq(publish_queue_counts(queue).waiting, 0);
}

Test(publish_queue, a_confirmed_entry_makes_way_after_its_first_round)
{
    publish("orders:1", 1);
    await(1);
    publish("orders:2", 2);
    change_job(0, JOB_RUNNING);
    change_job(0, JOB_CONFIRMING);
    await(2);
    expect(1, 2, PUBLISH_QUEUED);
    change_job(0, JOB_DONE);
    expect_stream("orders", 2, "running");
}

Test(publish_queue, a_stream_too_many_is_refused_for_good)
{
    for (int i = 0; i <= STATE_STREAMS_MAX; i++) {
        char key[32];
        snprintf(key, sizeof key, "stream-%d:1", i);
        publish(key, i);
        await((size_t)i + 1);
        if (i < STATE_STREAMS_MAX)
            change_job((size_t)i, JOB_DONE);
    }
    expect(STATE_STREAMS_MAX - 1, STATE_STREAMS_MAX - 1, PUBLISH_QUEUED);
    expect(STATE_STREAMS_MAX, STATE_STREAMS_MAX, PUBLISH_REFUSED);
    cr_assert_not(decisions[STATE_STREAMS_MAX].is_passing);
    cr_assert_not_null(strstr(decisions[STATE_STREAMS_MAX].refusal, "64 publish streams"));
    publish("stream-7:2", 99);
    await(STATE_STREAMS_MAX + 2);
    expect(STATE_STREAMS_MAX + 1, 99, PUBLISH_QUEUED);
}

/* ---- restarts ---- */

Test(publish_queue, after_a_crash_only_the_entry_in_progress_is_uncertain)
{
    for (int i = 1; i <= 4; i++) {
        char key[32];
        snprintf(key, sizeof key, "orders:%d", i);
        publish(key, i);
    }
    await(1);
    change_job(0, JOB_DONE);
    await(2);
    restart();
    expect_stream("orders", 2, "uncertain");
    publish("orders:1", 1);
    publish("orders:2", 2);
    publish("orders:3", 3);
    await(3);
    expect(0, 1, PUBLISH_DUPLICATE);
    expect(1, 2, PUBLISH_DUPLICATE);
    expect(2, 3, PUBLISH_QUEUED);
    expect_stream("orders", 3, "running");
}

Test(publish_queue, what_has_ended_is_not_uncertain_after_a_restart)
{
    publish("orders:5", 7);
    await(1);
    change_job(0, JOB_DONE);
    publish_queue_stop(queue);
    finish();
    restart();
    expect_stream("orders", 5, "done");
    cr_assert_eq(find("orders")->record.entries_added, 7);
    cr_assert(publish_queue_is_kept(queue));
}

Test(publish_queue, an_entry_whose_job_has_not_started_is_taken_back_by_a_stop)
{
    publish("orders:4", 1);
    await(1);
    change_job(0, JOB_RUNNING);
    change_job(0, JOB_DONE);
    publish("orders:5", 2);
    await(2);
    publish("orders:6", 3);
    publish_queue_stop(queue);
    change_job(1, JOB_CANCELLED);
    expect(2, 3, PUBLISH_REFUSED);
    finish();
    restart();
    /* The first job still runs for the queue of jobs, so that the second one has waited. */
    expect_stream("orders", 4, "done");
}

Test(publish_queue, an_entry_that_a_stop_interrupts_is_uncertain)
{
    publish("orders:5", 1);
    await(1);
    publish_queue_stop(queue);
    change_job(0, JOB_CANCELLED);
    finish();
    restart();
    expect_stream("orders", 5, "uncertain");
}

Test(publish_queue, an_entry_that_is_being_recorded_is_taken_back_by_a_stop)
{
    publish("orders:5", 1);
    publish("orders:6", 2);
    publish_queue_stop(queue);
    finish();
    await(2);
    cr_assert_eq(decisions[0].outcome, PUBLISH_REFUSED);
    cr_assert_eq(decisions[1].outcome, PUBLISH_REFUSED);
    restart();
    cr_assert_null(find("orders"));
    publish("orders:5", 1);
    await(1);
    expect(0, 1, PUBLISH_QUEUED);
}

Test(publish_queue, without_a_state_file_a_restart_forgets)
{
    end();
    start(NULL);
    publish("orders:5", 1);
    cr_assert_eq(decided, 1, "nothing is written");
    expect(0, 1, PUBLISH_QUEUED);
    publish("orders:5", 2);
    cr_assert_eq(decided, 1);
    change_job(0, JOB_DONE);
    await(2);
    expect(1, 2, PUBLISH_DUPLICATE);
    cr_assert_not(publish_queue_is_kept(queue));
    end();
    start(NULL);
    cr_assert_null(find("orders"));
}

Test(publish_queue, a_journal_that_cannot_be_used_is_kept_aside)
{
    end();
    FILE *out = fopen("state.streams", "w");
    fputs("udpsrv streams of another kind", out);
    fclose(out);
    start("state");
    cr_assert_eq(publish_queue_streams(queue)->count, 0);
    cr_assert_eq(access("state.streams.bad", F_OK), 0);
    publish("orders:5", 1);
    await(1);
    expect(0, 1, PUBLISH_QUEUED);
}

/* ---- errors of the disk ---- */

Test(publish_queue, an_entry_that_cannot_be_recorded_is_refused_and_may_come_again)
{
    cr_assert_eq(mkdir("state.streams", 0700), 0);
    publish("orders:5", 1);
    publish("orders:6", 2);
    await(2);
    expect(0, 1, PUBLISH_REFUSED);
    expect(1, 2, PUBLISH_REFUSED);
    cr_assert(decisions[0].is_passing);
    cr_assert_not_null(strstr(decisions[0].refusal, "cannot be written to state.streams"), "%s",
                       decisions[0].refusal);
    cr_assert_eq(jobs_last_id(jobs), 0, "nothing is sent");
    cr_assert_null(find("orders"));
    cr_assert_eq(rmdir("state.streams"), 0);
    publish("orders:5", 3);
    await(3);
    expect(2, 3, PUBLISH_QUEUED);
}

/* ---- hold and handover ---- */

static void on_held(void *state)
{
    *(bool *)state = true;
    loop_stop(loop);
}

Test(publish_queue, is_held_when_the_recorded_entry_has_its_job)
{
    bool is_held = false;
    publish("orders:5", 1);
    publish("orders:6", 2);
    publish_queue_hold(queue, on_held, &is_held);
    cr_assert_not(is_held, "the journal is being written");
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert(is_held);
    cr_assert_eq(decided, 1);
    expect(0, 1, PUBLISH_QUEUED);
    change_job(0, JOB_DONE);
    publish_queue_resume(queue);
    await(2);
    expect(1, 2, PUBLISH_QUEUED);
}

Test(publish_queue, the_next_process_goes_on_with_the_entry_that_runs)
{
    struct handover_writer writer = {.bytes = NULL};
    publish("orders:5", 1);
    await(1);
    change_job(0, JOB_RUNNING);
    uint64_t job = decisions[0].job;
    handover_begin(&writer, 1);
    publish_queue_hand_over(queue, &writer);
    handover_end(&writer);
    end();
    unlink("state.streams");
    start("state");
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    cr_assert_eq(handover_next(&reader), 1);
    cr_assert_eq(publish_queue_take_over(queue, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_writer_free(&writer);
    expect_stream("orders", 5, "running");
    publish("orders:5", 1);
    publish("orders:6", 2);
    publish_queue_note_job(queue, &(struct job_report){.id = job, .state = JOB_DONE});
    await(2);
    expect(0, 1, PUBLISH_DUPLICATE);
    expect(1, 2, PUBLISH_QUEUED);
}

Test(publish_queue, what_is_handed_over_is_written_by_the_next_process)
{
    struct handover_writer writer = {.bytes = NULL};
    publish("orders:5", 1);
    await(1);
    change_job(0, JOB_DONE);
    handover_begin(&writer, 1);
    publish_queue_hand_over(queue, &writer);
    handover_end(&writer);
    end();
    unlink("state.streams");
    start("state");
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&reader);
    cr_assert_eq(publish_queue_take_over(queue, &reader), 0);
    handover_writer_free(&writer);
    publish_queue_stop(queue);
    finish();
    restart();
    expect_stream("orders", 5, "done");
}

Test(publish_queue, a_record_of_a_handover_that_does_not_fit_is_refused)
{
    struct handover_writer writer = {.bytes = NULL};
    publish("orders:5", 1);
    await(1);
    handover_begin(&writer, 1);
    publish_queue_hand_over(queue, &writer);
    handover_end(&writer);
    end();
    for (size_t size = 0; size + 1 < writer.size; size++) {
        start(NULL);
        struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
        handover_next(&reader);
        reader.end -= reader.end - reader.at < size + 1 ? reader.end - reader.at : size + 1;
        cr_assert_eq(publish_queue_take_over(queue, &reader), -EPROTO, "%zu", size);
        end();
        if (reader.end == reader.at)
            break;
    }
    handover_writer_free(&writer);
    start("state");
}
