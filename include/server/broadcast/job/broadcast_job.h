#ifndef SERVER_BROADCAST_JOB_BROADCAST_JOB_H
#define SERVER_BROADCAST_JOB_BROADCAST_JOB_H

#include "config/config.h"
#include "registry/client_selector.h"
#include "registry/names/client_names.h"
#include "server/broadcast/confirmation_rounds.h"
#include "server/broadcast/job/job_report.h"
#include "server/broadcast/job/job_shards.h"
#include "server/broadcast/shard_job.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of the operator's broadcasts, from its submission to its end: what is sent and to which
 * clients, the shares of the workers, its rounds, and the sessions that wait for its end. When it
 * runs is decided by the queue (server/broadcast/broadcast_jobs), which also sets its state. All
 * functions are called in the thread of the server's loop. */

typedef void job_ended(void *state, const struct job_report *report);

/* What makes a job a confirmed broadcast. */
struct job_confirmation {
    uint32_t within_ms; /* CONFIRMATION_WITHIN_MIN_MS to CONFIRMATION_WITHIN_MAX_MS */
    struct only_client only;
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

/* Whether a job is a broadcast, confirmed or not, or a message to one client. */
static inline enum confirmed_kind job_request_kind(const struct job_request *request)
{
    return request->confirmation != NULL ? only_client_kind(&request->confirmation->only)
                                         : CONFIRMED_BROADCAST;
}

struct broadcast_job {
    struct broadcast_job *next;
    void *owner;
    struct job_report report; /* broadcast_job_sum_up fills in its counts */
    uint64_t started_ms;      /* 0 while it waits */
    bool is_cancelled;        /* the job still runs until all workers have answered */
    bool is_stopping;         /* the workers have the order to end what they send */
    bool is_counting;         /* the workers were asked how many clients they have */
    struct job_waiter {
        job_ended *ended; /* NULL: no session waits */
        void *state;
    } submitter, canceller;
    struct client_selector selector;    /* of its shards, unless it selects all clients */
    struct confirmed_payload confirmed; /* of its shards, if it is confirmed */
    struct confirmation_rounds rounds;
    char *selector_text; /* that of its report, which outlives the job; NULL: none */
    struct job_shards *shards;
    uint8_t frame[]; /* the head of a message frame, which only a confirmed job uses; the payload */
};

/* The same of a job that was made. */
static inline enum confirmed_kind broadcast_job_kind(const struct broadcast_job *job)
{
    return only_client_kind(&job->confirmed.only);
}

/* Makes a job that waits, and has no id. shards->done gets the job as its state. Returns NULL if
 * there is no memory. */
struct broadcast_job *broadcast_job_new(const struct job_request *request,
                                        const struct job_shards_options *shards);

/* Sets its number for the operator, and the one in frames. Call it once, before anything is sent.
 */
void broadcast_job_set_id(struct broadcast_job *job, uint64_t id, uint64_t number);

/* Frees a job that does not run, but not selector_text. */
void broadcast_job_free(struct broadcast_job *job);

/* Copies the report of a job, with its present counts. */
void broadcast_job_sum_up(const struct broadcast_job *job, uint64_t now_ms,
                          struct job_report *report);

/* Whether all clients that got a frame of a confirmed job have confirmed it. */
bool broadcast_job_have_all_confirmed(const struct broadcast_job *job);

/* Whether a confirmed job that sends no round needs no further one, and waits for no confirmation
 * any more. */
bool broadcast_job_is_finished(const struct broadcast_job *job, uint64_t now_ms);

/* Orders the workers once to end what they send for a job that runs. */
void broadcast_job_stop_sending(struct broadcast_job *job);

/* Adds a job, but not the sessions that wait for it, to a record of a handover. No message to a
 * worker or from it is under way, so the job is neither counting nor stopping. */
void broadcast_job_hand_over(const struct broadcast_job *job, struct handover_writer *writer);

/* Makes a job as it was handed over; its number in frames is its id and number_base. shards is that
 * of broadcast_job_new. Returns NULL with *error set to -ENOMEM, or to -EPROTO if the record does
 * not fit. */
struct broadcast_job *broadcast_job_take_over(struct handover_reader *reader, uint64_t number_base,
                                              const struct job_shards_options *shards, int *error);

#endif
