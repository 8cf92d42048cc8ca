#ifndef SERVER_BROADCAST_BROADCAST_JOBS_H
#define SERVER_BROADCAST_BROADCAST_JOBS_H

#include "os/loop/thread.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* The operator's broadcasts: they wait in line, run one at a time on all workers at once, and are
 * remembered for a while. The log has a line for the end of each. */
struct jobs;

enum { JOBS_REMEMBERED = 64 /* ended ones; a screenful or two for who asks what happened */ };

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_CANCELLED };

/* A job as it stands. When it has ended, targets = sent + failed + skipped. */
struct job_report {
    uint64_t id; /* from 1, in the order of submission */
    enum job_state state;
    uint64_t targets;     /* clients registered when it started */
    uint64_t sent;        /* copies that the kernel took */
    uint64_t failed;      /* copies that the kernel refused */
    uint64_t skipped;     /* targets that were gone, or had fallen silent, before their turn */
    uint64_t duration_ms; /* from its start, to its end or till now */
    size_t bytes;         /* of the payload */
};

/* "waiting", "running", "done", "cancelled". */
const char *job_state_name(enum job_state state);

/* 0 or -errno. workers and home are the caller's; at most queue jobs wait. */
int jobs_open(struct jobs **jobs, struct worker *const *workers, size_t worker_count,
              struct mailbox *reply_mailbox, uint32_t queue);

/* Behind jobs_stop, the workers' end and the opening of their last letters: then no job is left. */
void jobs_close(struct jobs *jobs);

void jobs_set_queue(struct jobs *jobs, uint32_t queue);

/* Cancels the jobs that wait and the one that runs, and takes no more. */
void jobs_stop(struct jobs *jobs);

typedef void job_ended(void *state, const struct job_report *report);

/* Queues a job with a copy of the payload, and has ended called when it has ended (NULL: nobody
 * waits). Returns its id, or -ENOBUFS when the queue is full, -ESHUTDOWN behind jobs_stop, -ENOMEM.
 */
int64_t jobs_submit(struct jobs *jobs, const void *bytes, size_t size, job_ended *ended,
                    void *state);

/* Ends a job before its time. It runs until no copy of it leaves any more: then cancelled is
 * called, which may be before this returns. 0, -ENOENT if there is none of that id, -EALREADY if it
 * has ended, -EINPROGRESS if it is being cancelled. */
int jobs_cancel(struct jobs *jobs, uint64_t id, job_ended *cancelled, void *state);

/* The jobs that are remembered, oldest first: those that have ended, the one that runs, those that
 * wait. */
typedef void job_visit(void *state, const struct job_report *report);
void jobs_each(const struct jobs *jobs, job_visit *visit, void *state);

/* How many jobs have ended. */
uint64_t jobs_ended(const struct jobs *jobs);

#endif
