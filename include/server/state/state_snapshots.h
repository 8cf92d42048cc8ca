#ifndef SERVER_STATE_STATE_SNAPSHOTS_H
#define SERVER_STATE_STATE_SNAPSHOTS_H

#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "server/state/state_encoder.h"

/* Writes the clients, names, counters and job ids to state.file: each state.interval, and at the
 * end of the server.
 *
 * A snapshot is taken in slices of STATE_SLICE clients, worker after worker, between which a worker
 * answers requests, so that it delays none by more than a slice. The main thread encodes a slice to
 * a block, and the thread of os/file/state_file_writer writes it. Only one slice and one buffer
 * exist, so the disk sets the pace, and no memory grows while it is slow.
 *
 * A client that is registered while all of a snapshot is taken is in it once; one that joins,
 * leaves or expires meanwhile may be or not. */
struct state_snapshots;

struct state_snapshots_options {
    struct state_sources sources;
    struct loop *loop;
    struct mailbox *mailbox; /* of the main thread */
    int lock; /* of the file, which the predecessor has handed over; 0: it is to be taken. It is
                 closed with the snapshots, or if they cannot be opened */
};

/* Allocates all memory and takes the lock of the file. Without state.file *snapshots is NULL, which
 * all functions accept. All pointers of the options outlive it. A file that cannot be written is
 * logged, and tried again each interval. Returns 0 or -errno (-EWOULDBLOCK: another server has the
 * same file); after an error *snapshots needs state_snapshots_free if it is not NULL. */
int state_snapshots_open(struct state_snapshots **snapshots,
                         const struct state_snapshots_options *options);

/* Starts the thread of the file, and begins with the first interval. Returns 0 or -errno. */
int state_snapshots_start(struct state_snapshots *snapshots);

/* Changes state.interval. */
void state_snapshots_set_interval(struct state_snapshots *snapshots, uint32_t interval_ms);

/* Returns the descriptor of the lock of the file, -1 if there is none. */
int state_snapshots_lock(const struct state_snapshots *snapshots);

/* From now on nothing more is posted to the workers, and no step of the file begins; held is called
 * once the step that runs has ended, at once if there is none. state_snapshots_resume goes on where
 * it was; held is not called any more then. */
void state_snapshots_hold(struct state_snapshots *snapshots, loop_callback *held, void *state);
void state_snapshots_resume(struct state_snapshots *snapshots);

/* Posts nothing more to the workers: they are about to end. */
void state_snapshots_stop(struct state_snapshots *snapshots);

/* Writes the last snapshot, and calls done when that has ended, with success or not; at once if
 * there is no state file. Call it after state_snapshots_stop, when all workers have posted their
 * final reports and use their registries no more. streams: clients that were connected by streams.
 */
void state_snapshots_finish(struct state_snapshots *snapshots, uint64_t streams,
                            loop_callback *done, void *state);

/* Ends the thread of the file. Call it before the mailbox is freed. */
void state_snapshots_close(struct state_snapshots *snapshots);

/* Call it after the mailbox is freed. */
void state_snapshots_free(struct state_snapshots *snapshots);

#endif
