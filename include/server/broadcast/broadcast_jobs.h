#ifndef SERVER_BROADCAST_BROADCAST_JOBS_H
#define SERVER_BROADCAST_BROADCAST_JOBS_H

#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "server/broadcast/job/broadcast_job.h"
#include "server/broadcast/job/ended_jobs.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The queue of the operator's broadcasts: jobs run one at a time, each on all workers at once, and
 * the last JOBS_REMEMBERED ended ones are kept for `udpctl jobs`. The end of each job is logged.
 * All functions are called in the thread of the server's loop.
 *
 * A confirmed broadcast runs in rounds (server/broadcast/confirmation_rounds). Between two of them,
 * it is JOB_CONFIRMING, and other jobs run; a round that is due goes before the jobs that wait, but
 * does not interrupt the one that runs, so that the copies of both together keep to broadcast.rate.
 * It ends when every client that got a frame has confirmed it, or when its time has passed, which
 * does not pass while one of its rounds is held back or sent.
 *
 * Neither starves the other: a round waits for one running job at most and for rounds that were due
 * earlier; and a job waits for a bounded number of rounds, CONFIRMATION_ROUNDS_MAX - 1 of each
 * confirmed job that has started before it. */
struct jobs;

enum {
    /* How often it is looked whether all clients have confirmed: 50 wake-ups a second while jobs
     * wait for confirmations, none otherwise. The workers count confirmations without a message to
     * the main thread, of which 100,000 a second would come. */
    JOBS_POLL_MS = 20,
};

/* The caller owns loop, workers and reply_mailbox. At most queue broadcasts wait while a job runs;
 * messages to one client have a limit of their own (CONFIRMED_MESSAGES_MAX), so that neither takes
 * the places of the other. Returns 0 or -errno. */
int jobs_open(struct jobs **jobs, struct loop *loop, struct worker *const *workers,
              size_t worker_count, struct mailbox *reply_mailbox, uint32_t queue);

/* Call it when all jobs have ended, or when no worker uses the others any more: they are dropped
 * without a report. */
void jobs_close(struct jobs *jobs);

/* Calls changed whenever a job is queued, starts, has sent a round and waits for confirmations, or
 * has ended, with its state. */
void jobs_set_observer(struct jobs *jobs, job_visit *changed, void *state);

/* Changes how many broadcasts may wait. Those that wait already are kept. */
void jobs_set_queue(struct jobs *jobs, uint32_t queue);

/* Cancels all jobs and accepts no more. The running one ends when all workers have answered. They
 * handle their messages in order, so it has ended when a later message to each of them is answered,
 * and only then may they be freed: the counts of a confirmed job are in their memory
 * (server/broadcast/shard_job). */
void jobs_stop(struct jobs *jobs);

/* Whether no job waits, runs or is confirmed. */
bool jobs_have_all_ended(const struct jobs *jobs);

/* Queues a job. Returns its id, -ENOBUFS if it is a broadcast and the queue is full, -EDQUOT if it
 * is confirmed and confirmed_kind_max jobs of its kind have not ended, -ESHUTDOWN after jobs_stop,
 * or -ENOMEM. */
int64_t jobs_submit(struct jobs *jobs, const struct job_request *request);

/* The same in two steps, for a job that has to wait for its turn elsewhere: jobs_prepare allocates
 * all memory, so that jobs_submit_prepared cannot fail. The limit of the queue does not apply to
 * it. jobs_prepare returns 0, -ESHUTDOWN or -ENOMEM. */
int jobs_prepare(struct jobs *jobs, const struct job_request *request, struct broadcast_job **job);

/* Whether a prepared job can be submitted: it is not confirmed, or fewer than confirmed_kind_max
 * jobs of its kind have not ended; and jobs_stop was not called. */
bool jobs_have_place(const struct jobs *jobs, const struct broadcast_job *job);

/* Queues a prepared job, for which there is a place. Returns its id. */
uint64_t jobs_submit_prepared(struct jobs *jobs, struct broadcast_job *job);

/* Frees a prepared job that is not submitted. */
void jobs_discard(struct broadcast_job *job);

/* Cancels a job. A running job ends when all workers have stopped sending; cancelled is called
 * then, which may be before this function returns. Returns 0, -ENOENT if no job has that id,
 * -EALREADY if the job has ended, or -EINPROGRESS if it is being cancelled already. */
int jobs_cancel(struct jobs *jobs, uint64_t id, job_ended *cancelled, void *state);

/* Calls visit for each job that is remembered: first the ended ones, oldest first, then those that
 * wait for confirmations, then the running one, then those that wait for their turn. */
void jobs_each(const struct jobs *jobs, job_visit *visit, void *state);

/* Calls visit for the job of that id. Returns 0, or -ENOENT if it is not remembered. */
int jobs_find(const struct jobs *jobs, uint64_t id, job_visit *visit, void *state);

/* Whether the workers remember the confirmations of a job (server/broadcast/confirmations). *number
 * is then its number in frames, by which they know it. */
bool jobs_find_confirmations(const struct jobs *jobs, uint64_t id, uint64_t *number);

/* Returns how many jobs have ended, and the id of the last one that was queued, 0: there was none.
 */
uint64_t jobs_ended(const struct jobs *jobs);
uint64_t jobs_last_id(const struct jobs *jobs);

/* Continues with both after a restart. Call it before the first job is queued. */
void jobs_restore(struct jobs *jobs, uint64_t last_id, uint64_t ended);

/* Whether a job depends on the slots of the clients in the registry: the one that runs, or one that
 * waits for confirmations. A process with another registry cannot take it over. */
bool jobs_depend_on_registry(const struct jobs *jobs);

/* Adds all jobs to a record of a handover: the reports of those that have ended, and the others as
 * they are, but not the sessions that wait for their ends. The workers are held, and no message to
 * them or from them is under way; so the running job sends, it is neither counting clients nor
 * being cancelled. */
void jobs_hand_over(const struct jobs *jobs, struct handover_writer *writer);

/* Continues with these jobs, before another one is queued. The workers, whose threads have not
 * started, have taken over their confirmations. is_same_registry: clients have the same slots and
 * workers as before; if they do not, confirmations of ended jobs are not remembered. Returns 0,
 * -ENOMEM, -EBUSY if jobs_depend_on_registry and the registry is another one, or -EPROTO if the
 * record does not fit; then only jobs_close is possible.
 *
 * Then jobs_take_over_job gives the shard job of the running job to each worker that had not ended
 * it; NULL if there is none. When these workers have theirs, jobs_were_taken_over returns whether
 * no other one was expected. */
int jobs_take_over(struct jobs *jobs, struct handover_reader *reader, bool is_same_registry);
struct shard_job *jobs_take_over_job(struct jobs *jobs, size_t worker, uint64_t id);
bool jobs_were_taken_over(const struct jobs *jobs);

#endif
