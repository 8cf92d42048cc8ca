#ifndef SERVER_BROADCAST_BROADCAST_JOBS_H
#define SERVER_BROADCAST_BROADCAST_JOBS_H

#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "registry/client_selector.h"
#include "server/broadcast/confirmation_rounds.h"
#include "server/broadcast/ended_jobs.h"
#include "server/workers/worker.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The queue of the operator's broadcasts: jobs run one at a time, each on all workers at once, and
 * the last JOBS_REMEMBERED ended ones are kept for `udpctl jobs`. The end of each job is logged.
 * All functions are called in the thread of the server's loop.
 *
 * A confirmed broadcast runs in rounds (server/broadcast/confirmation_rounds). Between two of them,
 * it is JOB_CONFIRMING, and other jobs run; a round that is due goes before the jobs that wait, but
 * does not interrupt the one that runs. It ends when every client that got a frame has confirmed
 * it, or when its time has passed. */
struct jobs;

enum {
    /* How often it is looked whether all clients have confirmed: 50 wake-ups a second while jobs
     * wait for confirmations, none otherwise. The workers count confirmations without a message to
     * the main thread, of which 100,000 a second would come. */
    JOBS_POLL_MS = 20,
};

/* The caller owns loop, workers and reply_mailbox. At most queue jobs wait while one runs. Returns
 * 0 or -errno. */
int jobs_open(struct jobs **jobs, struct loop *loop, struct worker *const *workers,
              size_t worker_count, struct mailbox *reply_mailbox, uint32_t queue);

/* Call it after jobs_stop, after the end of all workers and after their last messages are handled:
 * then no job is left. */
void jobs_close(struct jobs *jobs);

/* Calls changed whenever a job is queued, starts or has ended, with its state. */
void jobs_set_observer(struct jobs *jobs, job_visit *changed, void *state);

/* Changes how many jobs may wait. Jobs that wait already are kept. */
void jobs_set_queue(struct jobs *jobs, uint32_t queue);

/* Cancels all jobs and accepts no more. */
void jobs_stop(struct jobs *jobs);

typedef void job_ended(void *state, const struct job_report *report);

/* What makes a job a confirmed broadcast. */
struct job_confirmation {
    uint32_t within_ms; /* CONFIRMATION_WITHIN_MIN_MS to CONFIRMATION_WITHIN_MAX_MS */
    struct {
        struct addr source; /* the only client that gets it; of family ADDR_NONE: all clients */
        uint8_t listener;
        struct client_filter which; /* of the clients with that source: any, or one with a name */
    } only;
};

/* The longest payload of a confirmed broadcast: its frame has to fit into a datagram. */
enum { JOB_CONFIRMED_BYTES_MAX = CONFIG_MESSAGE_BYTES_MAX - FRAME_MESSAGE_HEAD_BYTES };

/* A job to be queued. Nothing that it points to is kept, except state. */
struct job_request {
    const void *bytes; /* the payload */
    size_t size;
    const struct client_selector *selector;      /* which clients get a copy; NULL: all */
    const char *selector_text;                   /* its text, for reports and the log; NULL: none */
    const struct job_confirmation *confirmation; /* NULL: it is not confirmed; else size is at most
                                                    JOB_CONFIRMED_BYTES_MAX */
    job_ended *ended; /* called at the end of the job; NULL: nothing is */
    void *state;      /* passed to it */
};

/* Queues a job. Returns its id, -ENOBUFS if the queue is full, -EDQUOT if it is confirmed and
 * CONFIRMED_JOBS_MAX such jobs have not ended, -ESHUTDOWN after jobs_stop, or -ENOMEM. */
int64_t jobs_submit(struct jobs *jobs, const struct job_request *request);

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

/* Returns how many jobs have ended since the start. */
uint64_t jobs_ended(const struct jobs *jobs);

#endif
