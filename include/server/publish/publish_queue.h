#ifndef SERVER_PUBLISH_PUBLISH_QUEUE_H
#define SERVER_PUBLISH_PUBLISH_QUEUE_H

#include "address/publish_key.h"
#include "base/handover.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/publish/publish_streams.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Idempotent publishing: broadcasts that have a key (address/publish_key), of which each is sent at
 * most once, whatever ends the server.
 *
 * Entries are published one after the other, over all streams, in the order in which they came. An
 * entry that is not newer than the last one of its stream is a duplicate. Of any other one the
 * journal (os/file/journal_file) says that it has begun before its job is queued, and that it has
 * ended after its job; so after a crash at most one entry is uncertain, and later ones were not
 * begun.
 *
 * One write to the disk for each entry would limit them to some hundred a second. So it reserves
 * the entries that wait after the first one, which then only append to the journal: that survives
 * the end of the process at any moment. A power failure may lose what was appended; then the last
 * reserved entry of a stream is the uncertain one, and none up to it is sent again.
 *
 * Without state.file there is no journal, and the streams are forgotten when the server ends, but
 * not by an upgrade. All functions are called in the thread of the server's loop. */
struct publish_queue;

struct publish_queue_options {
    struct jobs *jobs;
    struct loop *loop;
    struct mailbox *mailbox; /* of the main thread */
    const char *state_path;  /* state.file; NULL: there is no journal */
};

/* All pointers of the options outlive it, the jobs until publish_queue_stop. Returns 0 or -errno.
 */
int publish_queue_open(struct publish_queue **queue, const struct publish_queue_options *options);

/* Reads the journal of an earlier process. What cannot be used is logged and kept aside. Call it
 * when the lock of the state file is taken; a successor takes over instead. */
void publish_queue_restore(struct publish_queue *queue);

/* Starts the thread of the journal. Returns 0 or -errno. */
int publish_queue_start(struct publish_queue *queue);

enum publish_outcome {
    PUBLISH_QUEUED,    /* its job was queued */
    PUBLISH_DUPLICATE, /* it is not newer than the last one of its stream: nothing is sent */
    PUBLISH_REFUSED,   /* nothing is sent, and it is not remembered */
};

struct publish_decision {
    enum publish_outcome outcome;
    uint64_t job;        /* of PUBLISH_QUEUED */
    const char *refusal; /* of PUBLISH_REFUSED: a message for the operator, valid during the call */
    bool is_passing;     /* the same entry may be accepted later */
};

typedef void publish_decided(void *state, const struct publish_decision *decision);

/* An entry to be published. Nothing that it points to is kept, except the states. */
struct publish_request {
    struct publish_key key;
    uint64_t entries_added;        /* of its stream, as of this entry; 0: unknown */
    const struct job_request *job; /* as for jobs_submit, whose limit does not apply */
    publish_decided *decided;      /* called once */
    void *state;
};

/* Takes an entry. decided may be called before this function returns. Returns 0, -ENOMEM, or
 * -ESHUTDOWN after publish_queue_stop; after an error decided is not called. */
int publish_queue_submit(struct publish_queue *queue, const struct publish_request *request);

/* Call it whenever a job changes (jobs_set_observer). */
void publish_queue_note_job(struct publish_queue *queue, const struct job_report *report);

/* Returns the streams that are remembered. */
const struct publish_streams *publish_queue_streams(const struct publish_queue *queue);

/* Whether they are kept over a restart. */
bool publish_queue_is_kept(const struct publish_queue *queue);

struct publish_counts {
    uint64_t duplicates; /* since the start of the server */
    uint64_t waiting;    /* entries that wait for their turn */
};

struct publish_counts publish_queue_counts(const struct publish_queue *queue);

/* Refuses the entries that wait and all further ones. Call it before jobs_stop. */
void publish_queue_stop(struct publish_queue *queue);

/* Writes what has ended since, and calls done when that was tried; at once if there is nothing to
 * write. Call it after publish_queue_stop, when all jobs have ended. */
void publish_queue_finish(struct publish_queue *queue, loop_callback *done, void *state);

/* From now on no entry begins; held is called when the journal is not being written, at once if it
 * is not. Then each entry of which the journal says that it has begun has its job. After
 * publish_queue_resume it goes on; held is not called any more then. */
void publish_queue_hold(struct publish_queue *queue, loop_callback *held, void *state);
void publish_queue_resume(struct publish_queue *queue);

/* Adds the streams to a record of a handover, but not the entries that wait, whose sessions end
 * without an answer; and reads it, after the jobs. Returns 0 or -EPROTO. */
void publish_queue_hand_over(const struct publish_queue *queue, struct handover_writer *writer);
int publish_queue_take_over(struct publish_queue *queue, struct handover_reader *reader);

/* Ends the thread of the journal. Call it before the mailbox is freed. */
void publish_queue_close(struct publish_queue *queue);

/* Call it after the mailbox is freed, before the jobs are closed. NULL is ignored by both. */
void publish_queue_free(struct publish_queue *queue);

#endif
