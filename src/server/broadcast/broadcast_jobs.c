#include "server/broadcast/broadcast_jobs.h"

#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/random.h"
#include "server/broadcast/job/job_list.h"
#include "server/broadcast/remembered_confirmations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    uint64_t ended_before; /* jobs that have ended before the restart */
    struct broadcast_job *running;
    struct job_list waiting;
    uint32_t waiting_broadcasts; /* among them */

    struct job_list confirming; /* confirmed jobs between two rounds, or after the last one */
    struct {
        size_t open; /* jobs that have not ended */
        struct remembered_confirmations remembered;
    } confirmed[CONFIRMED_KINDS];
    /* Added to the id of a job, this is its number in frames. It is drawn at the start: a client
     * ignores a message whose number it has seen, and must not ignore one of the next process. */
    uint64_t number_base;
    struct loop_timer timer; /* set while jobs wait for confirmations */
    bool is_polling;

    struct ended_jobs ended;
};

static void on_poll(void *state);

int jobs_open(struct jobs **jobs, struct loop *loop, struct worker *const *workers,
              size_t worker_count, struct mailbox *reply_mailbox, uint32_t queue)
{
    struct jobs *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    *made = (struct jobs){.workers = workers,
                          .worker_count = worker_count,
                          .reply_mailbox = reply_mailbox,
                          .queue = queue};
    for (enum confirmed_kind kind = 0; kind < CONFIRMED_KINDS; kind++)
        remembered_confirmations_init(&made->confirmed[kind].remembered, kind);
    job_list_init(&made->waiting);
    job_list_init(&made->confirming);
    int error = random_fill(&made->number_base, sizeof made->number_base);
    if (error == 0)
        error = loop_timer_open(loop, &made->timer, on_poll, made);
    if (error != 0) {
        free(made);
        return error;
    }
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

static struct broadcast_job *take_waiting(struct jobs *jobs, struct broadcast_job **link)
{
    struct broadcast_job *job = job_list_take(&jobs->waiting, link);
    jobs->waiting_broadcasts -= broadcast_job_kind(job) == CONFIRMED_BROADCAST;
    return job;
}

/* ---- the end of a job ---- */

static void report_to(const struct job_waiter *waiter, const struct job_report *report)
{
    if (waiter->ended != NULL)
        waiter->ended(waiter->state, report);
}

/* Remembers a job that is in no list any more, reports its end to the sessions that wait for it,
 * and frees it. */
static void end_job(struct jobs *jobs, struct broadcast_job *job, enum job_state state)
{
    struct job_report last;
    broadcast_job_sum_up(job, clock_now_ms(), &last);
    last.state = state;
    if (last.is_confirmed) {
        enum confirmed_kind kind = broadcast_job_kind(job);
        remembered_confirmations_end(&jobs->confirmed[kind].remembered, last.id);
        jobs->confirmed[kind].open--;
    }
    const struct job_report *report = ended_jobs_add(&jobs->ended, &last, job->selector_text);
    job_report_log_end(report);
    report_change(jobs, report);
    report_to(&job->submitter, report);
    report_to(&job->canceller, report);
    broadcast_job_free(job);
}

/* ---- running a job ---- */

static void start_next(struct jobs *jobs);

/* The polls end when no job waits for confirmations and no repeated round runs, which may have to
 * be stopped. */
static void update_polling(struct jobs *jobs)
{
    bool is_polling = jobs->confirming.first != NULL ||
                      (jobs->running != NULL && jobs->running->rounds.begun > 1);
    if (is_polling != jobs->is_polling)
        loop_timer_every(&jobs->timer, is_polling ? JOBS_POLL_MS : 0);
    jobs->is_polling = is_polling;
}

static void send_first_round(struct broadcast_job *job)
{
    struct jobs *jobs = job->owner;
    uint64_t forgotten = 0;
    if (job->report.is_confirmed) {
        uint64_t clients = job_shards_clients(job->shards);
        forgotten = remembered_confirmations_add(
            &jobs->confirmed[broadcast_job_kind(job)].remembered, job->report.id);
        forgotten += forgotten != 0 ? jobs->number_base : 0;
        frame_write_message_head(job->frame, job->confirmed.job,
                                 confirmation_rounds_leisure(clients));
        confirmation_rounds_begin(&job->rounds);
    }
    job_shards_start(job->shards, forgotten);
}

/* The workers have carried out what the running job has ordered. */
static void on_shards_done(void *state)
{
    struct broadcast_job *job = state;
    struct jobs *jobs = job->owner;
    bool has_counted = job->is_counting && !job->is_cancelled;
    job->is_counting = false;
    if (has_counted) {
        send_first_round(job);
        return;
    }
    jobs->running = NULL;
    job->is_stopping = false;
    if (job->rounds.begun > 0)
        confirmation_rounds_end(&job->rounds, clock_now_ms());
    if (job->is_cancelled) {
        end_job(jobs, job, JOB_CANCELLED);
    } else if (!job->report.is_confirmed || broadcast_job_is_finished(job, clock_now_ms())) {
        end_job(jobs, job, JOB_DONE);
    } else {
        job->report.state = JOB_CONFIRMING;
        job_list_append(&jobs->confirming, job);
        report_change(jobs, &job->report);
    }
    start_next(jobs);
}

/* The number of clients decides how much time they have for their confirmations. A message to one
 * client needs no count. */
static void start_job(struct jobs *jobs, struct broadcast_job *job)
{
    jobs->running = job;
    job->report.state = JOB_RUNNING;
    job->started_ms = clock_now_ms();
    report_change(jobs, &job->report);
    if (job->report.is_confirmed && broadcast_job_kind(job) == CONFIRMED_BROADCAST) {
        job->is_counting = true;
        job_shards_count_clients(job->shards);
    } else {
        send_first_round(job);
    }
}

static void start_round(struct jobs *jobs, struct broadcast_job *job)
{
    jobs->running = job;
    job->report.state = JOB_RUNNING;
    confirmation_rounds_begin(&job->rounds);
    job_shards_repeat(job->shards);
}

/* Returns the link to the job whose round is due first, or to the NULL at the end if none is. */
static struct broadcast_job **find_due(struct jobs *jobs, uint64_t now_ms)
{
    struct broadcast_job **due = NULL, **link = &jobs->confirming.first;
    for (; *link != NULL; link = &(*link)->next) {
        uint64_t next_ms = confirmation_rounds_next_ms(&(*link)->rounds);
        if (next_ms <= now_ms &&
            (due == NULL || next_ms < confirmation_rounds_next_ms(&(*due)->rounds)))
            due = link;
    }
    return due != NULL ? due : link;
}

/* Starts a round that is due, or the next job that waits, if no other one runs. */
static void start_next(struct jobs *jobs)
{
    if (jobs->running == NULL && !jobs->stopped) {
        struct broadcast_job **due = find_due(jobs, clock_now_ms());
        if (*due != NULL)
            start_round(jobs, job_list_take(&jobs->confirming, due));
        else if (jobs->waiting.first != NULL)
            start_job(jobs, take_waiting(jobs, &jobs->waiting.first));
    }
    update_polling(jobs);
}

/* Returns the link to a job that waits for no confirmation any more, or to the NULL at the end. */
static struct broadcast_job **find_finished(struct jobs *jobs)
{
    struct broadcast_job **link = &jobs->confirming.first;
    while (*link != NULL && !broadcast_job_is_finished(*link, clock_now_ms()))
        link = &(*link)->next;
    return link;
}

/* A repeated round that runs ends early when all have confirmed, but not because the time for
 * confirmations has passed: else the clients at the end of the registry would get fewer rounds. A
 * session that gets the report of a job may submit another one at once, which changes the lists:
 * each search begins anew. */
static void on_poll(void *state)
{
    struct jobs *jobs = state;
    for (struct broadcast_job **link; *(link = find_finished(jobs)) != NULL;)
        end_job(jobs, job_list_take(&jobs->confirming, link), JOB_DONE);
    if (jobs->running != NULL && jobs->running->rounds.begun > 1 &&
        broadcast_job_have_all_confirmed(jobs->running))
        broadcast_job_stop_sending(jobs->running);
    start_next(jobs);
}

/* ---- submission ---- */

/* Frees a job that is not reported. */
static void drop(struct broadcast_job *job)
{
    free(job->selector_text);
    broadcast_job_free(job);
}

static struct job_shards_options shards_options(const struct jobs *jobs)
{
    return (struct job_shards_options){.workers = jobs->workers,
                                       .worker_count = jobs->worker_count,
                                       .reply_mailbox = jobs->reply_mailbox,
                                       .done = on_shards_done};
}

/* Takes a job in, in its state. */
static void add_job(struct jobs *jobs, struct broadcast_job *job)
{
    enum confirmed_kind kind = broadcast_job_kind(job);
    job->owner = jobs;
    jobs->confirmed[kind].open += job->report.is_confirmed;
    if (job->report.state == JOB_RUNNING) {
        jobs->running = job;
    } else if (job->report.state == JOB_CONFIRMING) {
        job_list_append(&jobs->confirming, job);
    } else {
        jobs->waiting_broadcasts += kind == CONFIRMED_BROADCAST;
        job_list_append(&jobs->waiting, job);
    }
}

int jobs_prepare(struct jobs *jobs, const struct job_request *request, struct broadcast_job **job)
{
    const struct job_shards_options shards = shards_options(jobs);
    if (jobs->stopped)
        return -ESHUTDOWN;
    *job = broadcast_job_new(request, &shards);
    return *job != NULL ? 0 : -ENOMEM;
}

bool jobs_have_place(const struct jobs *jobs, const struct broadcast_job *job)
{
    enum confirmed_kind kind = broadcast_job_kind(job);
    return !jobs->stopped &&
           (!job->report.is_confirmed || jobs->confirmed[kind].open < confirmed_kind_max(kind));
}

uint64_t jobs_submit_prepared(struct jobs *jobs, struct broadcast_job *job)
{
    uint64_t id = ++jobs->last_id;
    broadcast_job_set_id(job, id, jobs->number_base + id);
    add_job(jobs, job);
    report_change(jobs, &job->report);
    start_next(jobs);
    return id;
}

void jobs_discard(struct broadcast_job *job)
{
    drop(job);
}

int64_t jobs_submit(struct jobs *jobs, const struct job_request *request)
{
    struct broadcast_job *job;
    enum confirmed_kind kind = job_request_kind(request);
    /* The limit does not apply to a job that starts at once. */
    if (kind == CONFIRMED_BROADCAST && jobs->running != NULL &&
        jobs->waiting_broadcasts >= jobs->queue)
        return -ENOBUFS;
    if (request->confirmation != NULL && jobs->confirmed[kind].open == confirmed_kind_max(kind))
        return -EDQUOT;
    int error = jobs_prepare(jobs, request, &job);
    return error == 0 ? (int64_t)jobs_submit_prepared(jobs, job) : error;
}

/* ---- cancelling ---- */

static int cancel_running(struct broadcast_job *job, const struct job_waiter *canceller)
{
    if (job->is_cancelled)
        return -EINPROGRESS;
    job->canceller = *canceller;
    job->is_cancelled = true;
    broadcast_job_stop_sending(job);
    return 0;
}

int jobs_cancel(struct jobs *jobs, uint64_t id, job_ended *cancelled, void *state)
{
    const struct job_waiter canceller = {cancelled, state};
    if (jobs->running != NULL && jobs->running->report.id == id)
        return cancel_running(jobs->running, &canceller);
    struct broadcast_job **link = job_list_find(&jobs->waiting, id), *job = NULL;
    if (*link != NULL)
        job = take_waiting(jobs, link);
    else if (*(link = job_list_find(&jobs->confirming, id)) != NULL)
        job = job_list_take(&jobs->confirming, link);
    if (job == NULL)
        return id >= 1 && id <= jobs->last_id ? -EALREADY : -ENOENT;
    job->canceller = canceller;
    end_job(jobs, job, JOB_CANCELLED);
    update_polling(jobs);
    return 0;
}

void jobs_stop(struct jobs *jobs)
{
    jobs->stopped = true;
    while (jobs->confirming.first != NULL)
        end_job(jobs, job_list_take(&jobs->confirming, &jobs->confirming.first), JOB_CANCELLED);
    while (jobs->waiting.first != NULL)
        end_job(jobs, take_waiting(jobs, &jobs->waiting.first), JOB_CANCELLED);
    if (jobs->running != NULL && !jobs->running->is_cancelled)
        cancel_running(jobs->running, &(struct job_waiter){.ended = NULL});
    update_polling(jobs);
}

bool jobs_have_all_ended(const struct jobs *jobs)
{
    return jobs->running == NULL && jobs->waiting.first == NULL && jobs->confirming.first == NULL;
}

static void drop_all(struct job_list *list)
{
    while (list->first != NULL)
        drop(job_list_take(list, &list->first));
}

void jobs_close(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    loop_timer_close(&jobs->timer);
    drop_all(&jobs->waiting);
    drop_all(&jobs->confirming);
    if (jobs->running != NULL)
        drop(jobs->running);
    ended_jobs_free(&jobs->ended);
    free(jobs);
}

/* ---- listing ---- */

/* Calls visit for the jobs of a list; id 0: for all of them. Returns whether there was one. */
static bool visit_open(const struct broadcast_job *first, uint64_t id, job_visit *visit,
                       void *state)
{
    bool is_found = false;
    for (const struct broadcast_job *job = first; job != NULL; job = job->next) {
        struct job_report report;
        if (id != 0 && job->report.id != id)
            continue;
        broadcast_job_sum_up(job, clock_now_ms(), &report);
        visit(state, &report);
        is_found = true;
    }
    return is_found;
}

static bool visit_jobs(const struct jobs *jobs, uint64_t id, job_visit *visit, void *state)
{
    bool is_found = ended_jobs_visit(&jobs->ended, id, visit, state);
    is_found |= visit_open(jobs->confirming.first, id, visit, state);
    is_found |= visit_open(jobs->running, id, visit, state);
    is_found |= visit_open(jobs->waiting.first, id, visit, state);
    return is_found;
}

void jobs_each(const struct jobs *jobs, job_visit *visit, void *state)
{
    visit_jobs(jobs, 0, visit, state);
}

int jobs_find(const struct jobs *jobs, uint64_t id, job_visit *visit, void *state)
{
    return id != 0 && visit_jobs(jobs, id, visit, state) ? 0 : -ENOENT;
}

bool jobs_find_confirmations(const struct jobs *jobs, uint64_t id, uint64_t *number)
{
    *number = jobs->number_base + id;
    return remembered_confirmations_contain(&jobs->confirmed[CONFIRMED_BROADCAST].remembered, id) ||
           remembered_confirmations_contain(&jobs->confirmed[CONFIRMED_MESSAGE].remembered, id);
}

uint64_t jobs_ended(const struct jobs *jobs)
{
    return jobs->ended_before + jobs->ended.count;
}

uint64_t jobs_last_id(const struct jobs *jobs)
{
    return jobs->last_id;
}

void jobs_restore(struct jobs *jobs, uint64_t last_id, uint64_t ended)
{
    jobs->last_id = last_id;
    jobs->ended_before = ended;
}

/* ---- the handover ---- */

bool jobs_depend_on_registry(const struct jobs *jobs)
{
    return jobs->running != NULL || jobs->confirming.first != NULL;
}

static void hand_over_open(const struct broadcast_job *first, struct handover_writer *writer)
{
    for (const struct broadcast_job *job = first; job != NULL; job = job->next) {
        handover_put8(writer, true);
        broadcast_job_hand_over(job, writer);
    }
}

void jobs_hand_over(const struct jobs *jobs, struct handover_writer *writer)
{
    handover_put8(writer, jobs_depend_on_registry(jobs));
    handover_put64(writer, jobs->last_id);
    handover_put64(writer, jobs_ended(jobs));
    handover_put64(writer, jobs->number_base);
    ended_jobs_hand_over(&jobs->ended, writer);
    hand_over_open(jobs->confirming.first, writer);
    hand_over_open(jobs->running, writer);
    hand_over_open(jobs->waiting.first, writer);
    handover_put8(writer, false);
    for (enum confirmed_kind kind = 0; kind < CONFIRMED_KINDS; kind++)
        remembered_confirmations_hand_over(&jobs->confirmed[kind].remembered, writer);
}

static int take_over_open(struct jobs *jobs, struct handover_reader *reader)
{
    const struct job_shards_options shards = shards_options(jobs);
    int error = 0;
    while (handover_get8(reader)) {
        struct broadcast_job *job =
            broadcast_job_take_over(reader, jobs->number_base, &shards, &error);
        if (job == NULL)
            return error;
        if (job->report.state == JOB_RUNNING && jobs->running != NULL) {
            drop(job);
            return -EPROTO;
        }
        add_job(jobs, job);
    }
    return 0;
}

/* The lists are by the slots of a registry that this process does not have. */
static void lose_lists(struct jobs *jobs, enum confirmed_kind kind)
{
    struct remembered_confirmations *remembered = &jobs->confirmed[kind].remembered;
    for (size_t i = 0; i < remembered->count; i++)
        ended_jobs_lose_list(&jobs->ended, remembered->list[i].job);
    remembered_confirmations_init(remembered, kind);
}

static int take_over_remembered(struct jobs *jobs, struct handover_reader *reader,
                                bool is_same_registry)
{
    int error = 0;
    for (enum confirmed_kind kind = 0; kind < CONFIRMED_KINDS && error == 0; kind++) {
        error = remembered_confirmations_take_over(&jobs->confirmed[kind].remembered, reader);
        if (!is_same_registry)
            lose_lists(jobs, kind);
    }
    return error;
}

int jobs_take_over(struct jobs *jobs, struct handover_reader *reader, bool is_same_registry)
{
    if (handover_get8(reader) && !is_same_registry)
        return -EBUSY;
    jobs->last_id = handover_get64(reader);
    uint64_t ended = handover_get64(reader);
    jobs->number_base = handover_get64(reader);
    int error = ended_jobs_take_over(&jobs->ended, reader);
    jobs->ended_before = ended - jobs->ended.count;
    if (error == 0)
        error = take_over_open(jobs, reader);
    if (error == 0)
        error = take_over_remembered(jobs, reader, is_same_registry);
    if (error == 0)
        update_polling(jobs);
    return error == 0 && reader->failed ? -EPROTO : error;
}

struct shard_job *jobs_take_over_job(struct jobs *jobs, size_t worker, uint64_t id)
{
    struct broadcast_job *job = jobs->running;
    return job != NULL && job->report.id == id ? job_shards_take_over_job(job->shards, worker)
                                               : NULL;
}

bool jobs_were_taken_over(const struct jobs *jobs)
{
    return jobs->running == NULL || job_shards_were_taken_over(jobs->running->shards);
}
