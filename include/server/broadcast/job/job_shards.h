#ifndef SERVER_BROADCAST_JOB_JOB_SHARDS_H
#define SERVER_BROADCAST_JOB_JOB_SHARDS_H

#include "base/handover.h"
#include "os/loop/mailbox.h"
#include "server/broadcast/shard_job.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The shard jobs of one of the operator's broadcasts: starts them on all workers, counts the
 * workers' answers, and sums up their counters. All functions are called in the thread of the reply
 * mailbox. */
struct job_shards;

struct job_shards_options {
    struct worker *const *workers; /* the caller's */
    size_t worker_count;
    struct mailbox *reply_mailbox;
    /* Called when no message to a worker is unanswered any more. It may free the shards. */
    void (*done)(void *state);
    void *state;
};

/* What is to be sent: the caller's memory, until the shards are freed. */
struct job_shards_payload {
    const uint8_t *bytes;
    size_t size;
    const struct client_selector *selector;    /* NULL: all clients */
    const struct confirmed_payload *confirmed; /* NULL: it is not confirmed */
};

/* Returns NULL if there is no memory. */
struct job_shards *job_shards_new(const struct job_shards_options *options,
                                  const struct job_shards_payload *payload);
/* Sets the id of the job, the name of its shard jobs (server/broadcast/shard_job). */
void job_shards_set_id(struct job_shards *shards, uint64_t id);
/* Call it only when no message is unanswered. */
void job_shards_free(struct job_shards *shards);

/* Asks each worker how many clients it has. When done is called, job_shards_clients returns the
 * sum. */
void job_shards_count_clients(struct job_shards *shards);
uint64_t job_shards_clients(const struct job_shards *shards);

/* Has each worker send its copies. The workers forget the confirmed broadcast `forgotten` first; 0:
 * none. */
void job_shards_start(struct job_shards *shards, uint64_t forgotten);

/* Has each worker send a further round of a confirmed broadcast. */
void job_shards_repeat(struct job_shards *shards);

/* Ends what was started, in addition to which done waits for the answers to this message. Call it
 * once before done is called. */
void job_shards_cancel(struct job_shards *shards);

/* The sums of the counters of all workers. */
struct job_counts {
    uint64_t targets, sent, failed, skipped;
    /* Of a confirmed broadcast: clients to which a frame was sent, those of them that have
     * confirmed, and the copies of all rounds. */
    uint64_t framed, confirmed, datagrams;
};

/* Sums up. There are never fewer targets than copies, and never fewer copies than frames. Of a
 * confirmed broadcast that is not remembered any more, do not call it. */
struct job_counts job_shards_sum(const struct job_shards *shards);

/* Adds the counters of all workers, and how many shard jobs have not ended, to a record of a
 * handover. No message to a worker or from it is under way. */
void job_shards_hand_over(const struct job_shards *shards, struct handover_writer *writer);

/* Continues with these counters in shards that were just made. The workers have taken over their
 * confirmations. Then job_shards_take_over_job gives the shard job for each worker that had not
 * ended it; NULL if there is none. When these workers have theirs, job_shards_were_taken_over
 * returns whether no other one was expected. Returns 0, or -EPROTO if the record does not fit. */
int job_shards_take_over(struct job_shards *shards, struct handover_reader *reader);
struct shard_job *job_shards_take_over_job(struct job_shards *shards, size_t worker);
bool job_shards_were_taken_over(const struct job_shards *shards);

#endif
