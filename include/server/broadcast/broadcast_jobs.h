#ifndef SERVER_BROADCAST_BROADCAST_JOBS_H
#define SERVER_BROADCAST_BROADCAST_JOBS_H

#include "os/loop/mailbox.h"
#include "registry/client_selector.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* The queue of the operator's broadcasts: jobs run one at a time, each on all workers at once, and
 * the last JOBS_REMEMBERED ended ones are kept for `udpctl jobs`. The end of each job is logged.
 * All functions are called in the thread of the server's loop. */
struct jobs;

enum { JOBS_REMEMBERED = 64 /* ended jobs, one or two screens of `udpctl jobs` */ };

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_CANCELLED };

/* The present state of a job. When it has ended, targets = sent + failed + skipped. */
struct job_report {
    uint64_t id; /* from 1, in the order of submission */
    enum job_state state;
    uint64_t targets; /* recipients when it started: clients of every transport, and the multicast
                         group; with a selector: clients that matched it at their turn, until now */
    uint64_t sent;    /* copies that the kernel accepted */
    uint64_t failed;  /* copies that the kernel refused */
    uint64_t skipped; /* targets that got no copy: they left or expired before, or the job was
                         cancelled */
    uint64_t duration_ms; /* from its start to its end, or until now */
    size_t bytes;         /* of the payload */
    const char *selector; /* the text of its selector, "" if it has none; valid during the call */
};

typedef void job_visit(void *state, const struct job_report *report);

/* Returns "waiting", "running", "done" or "cancelled". */
const char *job_state_name(enum job_state state);

/* The caller owns workers and reply_mailbox. At most queue jobs wait while one runs. Returns 0 or
 * -errno. */
int jobs_open(struct jobs **jobs, struct worker *const *workers, size_t worker_count,
              struct mailbox *reply_mailbox, uint32_t queue);

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

/* A job to be queued. Nothing that it points to is kept, except state. */
struct job_request {
    const void *bytes; /* the payload */
    size_t size;
    const struct client_selector *selector; /* which clients get a copy; NULL: all */
    const char *selector_text;              /* its text, for reports and the log; NULL: none */
    job_ended *ended;                       /* called at the end of the job; NULL: nothing is */
    void *state;                            /* passed to it */
};

/* Queues a job. Returns its id, -ENOBUFS if the queue is full, -ESHUTDOWN after jobs_stop, or
 * -ENOMEM. */
int64_t jobs_submit(struct jobs *jobs, const struct job_request *request);

/* Cancels a job. A running job ends when all workers have stopped sending; cancelled is called
 * then, which may be before this function returns. Returns 0, -ENOENT if no job has that id,
 * -EALREADY if the job has ended, or -EINPROGRESS if it is being cancelled already. */
int jobs_cancel(struct jobs *jobs, uint64_t id, job_ended *cancelled, void *state);

/* Calls visit for each job that is remembered: first the ended ones, oldest first, then the running
 * one, then those that wait. */
void jobs_each(const struct jobs *jobs, job_visit *visit, void *state);

/* Returns how many jobs have ended since the start. */
uint64_t jobs_ended(const struct jobs *jobs);

#endif
