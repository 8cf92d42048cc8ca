#ifndef SERVER_BROADCAST_PACED_COPIES_H
#define SERVER_BROADCAST_PACED_COPIES_H

#include "base/pacer.h"
#include "base/stats.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "registry/registry.h"
#include "server/broadcast/blocked_sockets.h"
#include "server/broadcast/frame_copies.h"
#include "server/broadcast/recipients.h"
#include "server/broadcast/shard_job.h"
#include "server/datagram/datagram_io.h"

#include <stddef.h>
#include <stdint.h>

/* Sends the copies of a broadcast in slices, paced by broadcast.rate.
 *
 * A slice is at most one batch of copies by sockets, and OFFLOAD_COPIES_MAX of them as frames,
 * which take about as long (server/broadcast/frame_copies). Between slices the worker receives and
 * answers datagrams: in the benchmark, a broadcast to 1,000,000 clients loses none of 20,000
 * requests a second (docs/performance.md, "requests lost during a broadcast"). Sending all copies
 * at once would block reception for about 4.6 s (a copy takes 4,567 ns of CPU time there), and a
 * separate thread for them would need a lock on the registry. */

/* Owned by the worker; all of it outlives the broadcast. */
struct broadcast_options {
    struct loop *loop;
    struct registry *registry;
    uint32_t capacity;                   /* of the registry, in clients */
    struct datagram_io **io_by_listener; /* by listener */
    struct confirmations *confirmations; /* NULL: no shard job is confirmed */
    struct frame_copies *frames;         /* NULL: all copies leave by sockets */
    struct stats *stats;
    int *last_errno;                      /* of the last copy that the kernel refused */
    uint32_t rate_pps;                    /* copies a second of all workers together; 0: no limit */
    uint32_t worker_number, worker_count; /* the workers share the rate evenly, see base/pacer */
};

/* The state that the shard jobs of a worker share. */
struct paced_copies {
    struct broadcast_options options;
    struct batch *batch; /* empty between slices */
    struct pacer pacer;
    struct loop_task slice;  /* runs the next slice */
    struct loop_task space;  /* a send socket that was blocked has space again */
    struct loop_timer timer; /* set while a shard job waits for its pace */
    struct recipients recipients[BROADCAST_RECIPIENTS_MAX];
    size_t recipients_count;
};

/* The progress of one shard job. */
struct copy_progress {
    struct registry_walk walk;
    struct blocked_sockets sockets;
    struct recipients_walk recipients_walks[BROADCAST_RECIPIENTS_MAX];
    size_t recipients_done;
    bool avoids_frames; /* a copy could not leave as a frame: the rest leave by sockets */
};

/* slice and space are called in the loop's thread. Returns 0 or -errno. */
int paced_copies_init(struct paced_copies *copies, const struct broadcast_options *options,
                      void (*slice)(void *state), void (*space)(void *state), void *state);
void paced_copies_free(struct paced_copies *copies);

/* Begins a shard job: counts its targets, which are the clients that are registered and the other
 * recipients that exist now. With a selector, the slices count them: those that match at their
 * turn. A repeated round counts none. */
void paced_copies_start(struct paced_copies *copies, struct copy_progress *progress,
                        struct shard_job *job);

/* Add the pace, and the progress of a shard job, to a record of a handover. */
void paced_copies_hand_over_pace(const struct paced_copies *copies, struct handover_writer *writer);
void paced_copies_hand_over(const struct paced_copies *copies, const struct copy_progress *progress,
                            const struct shard_job *job, struct handover_writer *writer);

/* Take them over. A shard job continues with the next slice: the kinds of recipients that were not
 * there when it started get no copy; to those that are not there any more, no copy is sent. Return
 * 0, or -EPROTO if the record does not fit. */
int paced_copies_take_over_pace(struct paced_copies *copies, struct handover_reader *reader);
int paced_copies_take_over(struct paced_copies *copies, struct copy_progress *progress,
                           struct shard_job *job, struct handover_reader *reader);

enum slice_result { SLICE_CONTINUE, SLICE_WAIT, SLICE_ENDED };

/* Sends the next slice of the shard job: to the registry's clients first, then to the recipients,
 * then to the clients that were skipped. SLICE_WAIT: the timer or a task will run the next slice.
 */
enum slice_result paced_copies_send_slice(struct paced_copies *copies,
                                          struct copy_progress *progress, struct shard_job *job);

#endif
