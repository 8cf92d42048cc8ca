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

struct job {
    struct job *next;
    struct job_report report; /* its counts are filled in when the job has ended */
    uint64_t started_ms;      /* 0 while it waits */
    bool cancelled;           /* the job still runs until all workers have answered */
    struct waiter {
        job_ended *ended; /* NULL: no session waits */
        void *state;
    } submitter, canceller;
    struct client_selector selector; /* of its worker jobs, unless it selects all clients */
    bool selects;
    char *selector_text; /* NULL: none */
    size_t pending;      /* messages to workers that they have not answered; 0: the job has ended */
    struct worker_job *worker_jobs; /* one for each worker */
    uint8_t bytes[];
};

/* The share of one worker and the messages that start and cancel it. It has cache lines of its own
 * because the worker writes its counters. */
struct worker_job {
    _Alignas(CACHE_LINE_BYTES) struct shard_job
        shard_job; /* first: a pointer to its completion is cast to worker_job */
    struct worker_call start, cancel;
    struct jobs *jobs;
};

struct jobs {
    struct worker *const *workers;
    size_t worker_count;
    struct mailbox *reply_mailbox;
    uint32_t queue;
    bool stopped;
    struct {
        job_visit *changed; /* NULL: there is none */
        void *state;
    } observer;

    uint64_t last_id;
    struct job *running;
    struct job *waiting, **waiting_end;
    uint32_t waiting_count;

    struct ended_job {
        struct job_report report;
        char *selector_text;  /* of the report; NULL: none */
    } ended[JOBS_REMEMBERED]; /* a ring, in the order in which they ended */
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

void jobs_set_observer(struct jobs *jobs, job_visit *changed, void *state)
{
    jobs->observer.changed = changed;
    jobs->observer.state = state;
}

static void report_change(const struct jobs *jobs, const struct job_report *report)
{
    if (jobs->observer.changed != NULL)
        jobs->observer.changed(jobs->observer.state, report);
}

void jobs_set_queue(struct jobs *jobs, uint32_t queue)
{
    jobs->queue = queue;
}

/* ---- running a job ---- */

static uint64_t value(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

/* Sums up the counters of all workers. A worker counts a target before its copy, and the targets
 * are read last, so there are never fewer targets than copies. */
static void sum_up(const struct jobs *jobs, const struct job *job, struct job_report *report)
{
    *report = job->report;
    for (size_t i = 0; i < jobs->worker_count; i++) {
        struct shard_job *shard_job = &job->worker_jobs[i].shard_job;
        report->sent += value(&shard_job->sent);
        report->failed += value(&shard_job->failed);
        report->skipped += value(&shard_job->skipped);
        report->targets += value(&shard_job->targets);
    }
    if (job->started_ms != 0)
        report->duration_ms = clock_now_ms() - job->started_ms;
}

static void report_to(const struct waiter *waiter, const struct job_report *report)
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
              n[4], "skipped", n[5], "duration_ms", n[6],
              report->selector[0] != '\0' ? "selector" : NULL, report->selector, NULL);
}

/* Its selector's text stays with its report. */
static void free_job(struct job *job)
{
    free(job->worker_jobs);
    free(job);
}

/* Remembers a job that is in no queue any more, reports its end to the sessions that wait for it,
 * and frees it. */
static void end_job(struct jobs *jobs, struct job *job, enum job_state state)
{
    struct ended_job *ended = &jobs->ended[jobs->ended_count++ % JOBS_REMEMBERED];
    struct job_report *report = &ended->report;
    free(ended->selector_text);
    ended->selector_text = job->selector_text;
    sum_up(jobs, job, report);
    report->state = state;
    log_end(report);
    report_change(jobs, report);
    report_to(&job->submitter, report);
    report_to(&job->canceller, report);
    free_job(job);
}

static void start_next(struct jobs *jobs);

static void on_answer(struct jobs *jobs)
{
    struct job *job = jobs->running;
    if (--job->pending > 0)
        return;
    jobs->running = NULL;
    end_job(jobs, job, job->cancelled ? JOB_CANCELLED : JOB_DONE);
    start_next(jobs);
}

static void on_shard_job_ended(struct mailbox_message *completion)
{
    on_answer(((struct worker_job *)completion)->jobs);
}

static void run_start(struct worker_call *call)
{
    struct worker_job *worker_job =
        (struct worker_job *)(void *)((char *)call - offsetof(struct worker_job, start));
    broadcast_start(worker_broadcast(call->worker), &worker_job->shard_job);
}

static void start_on_worker(struct jobs *jobs, struct worker *worker, struct worker_job *worker_job)
{
    worker_job->jobs = jobs;
    worker_job->shard_job.completion.handle = on_shard_job_ended;
    worker_job->shard_job.reply_mailbox = jobs->reply_mailbox;
    worker_job->shard_job.bytes = jobs->running->bytes;
    worker_job->shard_job.size = jobs->running->report.bytes;
    worker_job->shard_job.selector = jobs->running->selects ? &jobs->running->selector : NULL;
    worker_job->start.run = run_start;
    worker_post(worker, &worker_job->start, NULL);
}

static struct job *take_waiting(struct jobs *jobs, struct job **link)
{
    struct job *job = *link;
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
    struct job *job = jobs->running = take_waiting(jobs, &jobs->waiting);
    job->report.state = JOB_RUNNING;
    job->started_ms = clock_now_ms();
    job->pending = jobs->worker_count;
    report_change(jobs, &job->report);
    for (size_t i = 0; i < jobs->worker_count; i++)
        start_on_worker(jobs, jobs->workers[i], &job->worker_jobs[i]);
}

/* Makes a job without an id. Returns NULL if there is no memory. */
static struct job *new_job(const struct jobs *jobs, const struct job_request *request)
{
    const char *text = request->selector_text;
    struct job *job = calloc(1, sizeof *job + request->size);
    if (job == NULL)
        return NULL;
    job->worker_jobs = memory_cache_lines(jobs->worker_count * sizeof *job->worker_jobs);
    job->selector_text = text != NULL ? strdup(text) : NULL;
    if (job->worker_jobs == NULL || (text != NULL && job->selector_text == NULL)) {
        free(job->selector_text);
        free_job(job);
        return NULL;
    }
    job->report = (struct job_report){.state = JOB_WAITING,
                                      .bytes = request->size,
                                      .selector = text != NULL ? job->selector_text : ""};
    job->submitter = (struct waiter){request->ended, request->state};
    job->selects = request->selector != NULL;
    if (job->selects)
        job->selector = *request->selector;
    if (request->size > 0)
        memcpy(job->bytes, request->bytes, request->size);
    return job;
}

int64_t jobs_submit(struct jobs *jobs, const struct job_request *request)
{
    if (jobs->stopped)
        return -ESHUTDOWN;
    /* The limit does not apply to a job that starts at once. */
    if (jobs->running != NULL && jobs->waiting_count >= jobs->queue)
        return -ENOBUFS;
    struct job *job = new_job(jobs, request);
    if (job == NULL)
        return -ENOMEM;
    uint64_t id = job->report.id = ++jobs->last_id;
    *jobs->waiting_end = job;
    jobs->waiting_end = &job->next;
    jobs->waiting_count++;
    report_change(jobs, &job->report);
    start_next(jobs);
    return (int64_t)id;
}

/* ---- cancelling ---- */

static struct worker_job *cancelled_worker_job(struct worker_call *call)
{
    return (struct worker_job *)(void *)((char *)call - offsetof(struct worker_job, cancel));
}

static void run_cancel(struct worker_call *call)
{
    broadcast_cancel(worker_broadcast(call->worker), &cancelled_worker_job(call)->shard_job);
}

static void on_cancel_answered(struct worker_call *call)
{
    on_answer(cancelled_worker_job(call)->jobs);
}

static void cancel_running(struct jobs *jobs)
{
    jobs->running->cancelled = true;
    jobs->running->pending += jobs->worker_count;
    for (size_t i = 0; i < jobs->worker_count; i++) {
        struct worker_call *call = &jobs->running->worker_jobs[i].cancel;
        call->run = run_cancel;
        call->done = on_cancel_answered;
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
    for (struct job **link = &jobs->waiting; *link != NULL; link = &(*link)->next) {
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
    for (size_t i = 0; jobs != NULL && i < JOBS_REMEMBERED; i++)
        free(jobs->ended[i].selector_text);
    free(jobs);
}

/* ---- listing ---- */

void jobs_each(const struct jobs *jobs, job_visit *visit, void *state)
{
    uint64_t oldest = jobs->ended_count > JOBS_REMEMBERED ? jobs->ended_count - JOBS_REMEMBERED : 0;
    for (uint64_t i = oldest; i < jobs->ended_count; i++)
        visit(state, &jobs->ended[i % JOBS_REMEMBERED].report);

    struct job_report report;
    if (jobs->running != NULL) {
        sum_up(jobs, jobs->running, &report);
        visit(state, &report);
    }
    for (const struct job *job = jobs->waiting; job != NULL; job = job->next)
        visit(state, &job->report);
}

uint64_t jobs_ended(const struct jobs *jobs)
{
    return jobs->ended_count;
}
