/* The queue of broadcasts, and the letters that take the one that runs to the workers and home. */
#include "server/broadcast/broadcast_jobs.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job_status {
    struct job_status *next;
    struct job_report report; /* its tally is right once the job has ended */
    uint64_t started_ms;      /* 0 while it waits */
    bool cancelled;           /* it runs until its last letter is home all the same */
    struct waiter {
        job_ended *ended; /* NULL: nobody waits */
        void *state;
    } submitter, canceller;
    size_t letters_out; /* the job is over when the last one is home */
    struct part *parts; /* one for each worker */
    uint8_t bytes[];
};

/* A worker's share, and the letter that takes it there: the worker counts in it, so it has cache
 * lines of its own. */
struct part {
    _Alignas(MEMORY_LINE_BYTES) struct shard_job broadcast;
    struct worker_call start, cancel;
    struct jobs *jobs;
};

struct jobs {
    struct worker *const *workers;
    size_t worker_count;
    struct mailbox *reply_mailbox;
    uint32_t queue;
    bool stopped;

    uint64_t last_id;
    struct job_status *running;
    struct job_status *waiting, **waiting_end;
    uint32_t waiting_count;

    struct job_report ended[JOBS_REMEMBERED]; /* a ring, by the order of their ends */
    uint64_t ended_count;
};

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = {"waiting", "running", "done", "cancelled"};
    return names[state];
}

int jobs_open(struct jobs **jobs, struct worker *const *workers, size_t worker_count,
              struct mailbox *reply_mailbox, uint32_t queue)
{
    struct jobs *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    *made = (struct jobs){.workers = workers,
                          .worker_count = worker_count,
                          .reply_mailbox = reply_mailbox,
                          .queue = queue};
    made->waiting_end = &made->waiting;
    *jobs = made;
    return 0;
}

void jobs_set_queue(struct jobs *jobs, uint32_t queue)
{
    jobs->queue = queue;
}

/* ---- the life of a job ---- */

/* Adds up what the workers have done of it so far. */
static void tally(const struct jobs *jobs, const struct job_status *job, struct job_report *report)
{
    *report = job->report;
    for (size_t i = 0; i < jobs->worker_count; i++) {
        struct shard_job *part = &job->parts[i].broadcast;
        report->targets += atomic_load_explicit(&part->targets, memory_order_relaxed);
        report->sent += atomic_load_explicit(&part->sent, memory_order_relaxed);
        report->failed += atomic_load_explicit(&part->failed, memory_order_relaxed);
        report->skipped += atomic_load_explicit(&part->skipped, memory_order_relaxed);
    }
    if (job->started_ms != 0)
        report->duration_ms = clock_now_ms() - job->started_ms;
}

static void tell(const struct waiter *waiter, const struct job_report *report)
{
    if (waiter->ended != NULL)
        waiter->ended(waiter->state, report);
}

static void log_end(const struct job_report *report)
{
    enum { NUMBERS = 7 };
    const uint64_t values[NUMBERS] = {report->id,         report->bytes,  report->targets,
                                      report->sent,       report->failed, report->skipped,
                                      report->duration_ms};
    char n[NUMBERS][24];
    for (size_t i = 0; i < NUMBERS; i++)
        snprintf(n[i], sizeof n[i], "%" PRIu64, values[i]);
    log_event(LOG_LEVEL_INFO, "a broadcast ended", "job", n[0], "state",
              job_state_name(report->state), "bytes", n[1], "targets", n[2], "sent", n[3], "failed",
              n[4], "skipped", n[5], "duration_ms", n[6], NULL);
}

/* The job is over and out of line: it is remembered, told to who waits for it, and freed. */
static void end_job(struct jobs *jobs, struct job_status *job, enum job_state state)
{
    struct job_report *report = &jobs->ended[jobs->ended_count++ % JOBS_REMEMBERED];
    tally(jobs, job, report);
    report->state = state;
    log_end(report);
    tell(&job->submitter, report);
    tell(&job->canceller, report);
    free(job->parts);
    free(job);
}

static void start_next(struct jobs *jobs);

static void letter_is_home(struct jobs *jobs)
{
    struct job_status *job = jobs->running;
    if (--job->letters_out > 0)
        return;
    jobs->running = NULL;
    end_job(jobs, job, job->cancelled ? JOB_CANCELLED : JOB_DONE);
    start_next(jobs);
}

static void open_part_home(struct mailbox_message *mailbox_message)
{
    letter_is_home(((struct part *)mailbox_message)->jobs);
}

static void run_start(struct worker_call *call)
{
    struct part *part = (struct part *)(void *)((char *)call - offsetof(struct part, start));
    broadcast_start(worker_broadcast(call->worker), &part->broadcast);
}

static void start_part(struct jobs *jobs, struct worker *worker, struct part *part)
{
    part->jobs = jobs;
    part->broadcast.mailbox_message.open = open_part_home;
    part->broadcast.reply_mailbox = jobs->reply_mailbox;
    part->broadcast.bytes = jobs->running->bytes;
    part->broadcast.size = jobs->running->report.bytes;
    part->start.run = run_start;
    worker_post(worker, &part->start, NULL);
}

static struct job_status *take_waiting(struct jobs *jobs, struct job_status **link)
{
    struct job_status *job = *link;
    *link = job->next;
    if (*link == NULL)
        jobs->waiting_end = link;
    jobs->waiting_count--;
    return job;
}

static void start_next(struct jobs *jobs)
{
    if (jobs->running != NULL || jobs->waiting == NULL || jobs->stopped)
        return;
    struct job_status *job = jobs->running = take_waiting(jobs, &jobs->waiting);
    job->report.state = JOB_RUNNING;
    job->started_ms = clock_now_ms();
    job->letters_out = jobs->worker_count;
    for (size_t i = 0; i < jobs->worker_count; i++)
        start_part(jobs, jobs->workers[i], &job->parts[i]);
}

int64_t jobs_submit(struct jobs *jobs, const void *bytes, size_t size, job_ended *ended,
                    void *state)
{
    if (jobs->stopped)
        return -ESHUTDOWN;
    /* One that would run at once waits for nothing. */
    if (jobs->running != NULL && jobs->waiting_count >= jobs->queue)
        return -ENOBUFS;
    struct job_status *job = calloc(1, sizeof *job + size);
    struct part *parts = memory_lines(jobs->worker_count * sizeof *parts);
    if (job == NULL || parts == NULL) {
        free(job);
        free(parts);
        return -ENOMEM;
    }
    uint64_t id = ++jobs->last_id;
    job->report = (struct job_report){.id = id, .state = JOB_WAITING, .bytes = size};
    job->submitter = (struct waiter){ended, state};
    job->parts = parts;
    if (size > 0)
        memcpy(job->bytes, bytes, size);

    *jobs->waiting_end = job;
    jobs->waiting_end = &job->next;
    jobs->waiting_count++;
    start_next(jobs);
    return (int64_t)id;
}

/* ---- cancelling ---- */

static struct part *part_cancelled(struct worker_call *call)
{
    return (struct part *)(void *)((char *)call - offsetof(struct part, cancel));
}

static void run_cancel(struct worker_call *call)
{
    broadcast_cancel(worker_broadcast(call->worker), &part_cancelled(call)->broadcast);
}

static void cancel_is_home(struct worker_call *call)
{
    letter_is_home(part_cancelled(call)->jobs);
}

static void cancel_running(struct jobs *jobs)
{
    jobs->running->cancelled = true;
    jobs->running->letters_out += jobs->worker_count;
    for (size_t i = 0; i < jobs->worker_count; i++) {
        struct worker_call *call = &jobs->running->parts[i].cancel;
        call->run = run_cancel;
        call->done = cancel_is_home;
        worker_post(jobs->workers[i], call, jobs->reply_mailbox);
    }
}

int jobs_cancel(struct jobs *jobs, uint64_t id, job_ended *cancelled, void *state)
{
    const struct waiter canceller = {cancelled, state};
    if (jobs->running != NULL && jobs->running->report.id == id) {
        if (jobs->running->cancelled)
            return -EINPROGRESS;
        jobs->running->canceller = canceller;
        cancel_running(jobs);
        return 0;
    }
    for (struct job_status **link = &jobs->waiting; *link != NULL; link = &(*link)->next) {
        if ((*link)->report.id != id)
            continue;
        (*link)->canceller = canceller;
        end_job(jobs, take_waiting(jobs, link), JOB_CANCELLED);
        return 0;
    }
    return id >= 1 && id <= jobs->last_id ? -EALREADY : -ENOENT;
}

void jobs_stop(struct jobs *jobs)
{
    jobs->stopped = true;
    while (jobs->waiting != NULL)
        end_job(jobs, take_waiting(jobs, &jobs->waiting), JOB_CANCELLED);
    if (jobs->running != NULL && !jobs->running->cancelled)
        cancel_running(jobs);
}

void jobs_close(struct jobs *jobs)
{
    free(jobs);
}

/* ---- looking on ---- */

void jobs_each(const struct jobs *jobs, job_visit *visit, void *state)
{
    uint64_t oldest = jobs->ended_count > JOBS_REMEMBERED ? jobs->ended_count - JOBS_REMEMBERED : 0;
    for (uint64_t i = oldest; i < jobs->ended_count; i++)
        visit(state, &jobs->ended[i % JOBS_REMEMBERED]);

    struct job_report report;
    if (jobs->running != NULL) {
        tally(jobs, jobs->running, &report);
        visit(state, &report);
    }
    for (const struct job_status *job = jobs->waiting; job != NULL; job = job->next)
        visit(state, &job->report);
}

uint64_t jobs_ended(const struct jobs *jobs)
{
    return jobs->ended_count;
}
