#ifndef SERVER_BROADCAST_SHARD_BROADCAST_H
#define SERVER_BROADCAST_SHARD_BROADCAST_H

#include "server/broadcast/paced_copies.h"
#include "server/broadcast/recipients.h"
#include "server/broadcast/shard_job.h"

#include <stdbool.h>
#include <stdint.h>

/* The queues of shard jobs of one worker. Each job sends a copy to every client that is registered
 * in this worker's shard when the job starts. All functions are called in the worker's thread, or
 * before it starts. */
struct broadcast;

/* Returns 0 or -errno. */
int broadcast_open(struct broadcast **broadcast, const struct broadcast_options *options);

/* Adds recipients, at most BROADCAST_RECIPIENTS_MAX. Call it before the first job. */
void broadcast_add_recipients(struct broadcast *broadcast, const struct recipients *recipients);

/* Ends all jobs, counts the copies not yet sent as skipped, and frees the broadcast. */
void broadcast_close(struct broadcast *broadcast);

/* Adds a job to its queue. It starts when the jobs before it have ended. */
void broadcast_start(struct broadcast *broadcast, struct shard_job *job);

/* Ends a job and counts the copies not yet sent as skipped. Does nothing if the job has ended. */
void broadcast_cancel(struct broadcast *broadcast, const struct shard_job *job);

/* Sets the rate of all workers together, for all copies that are not yet sent. */
void broadcast_set_rate(struct broadcast *broadcast, uint32_t rate_pps);

/* Whether no job is in a queue. */
bool broadcast_is_idle(const struct broadcast *broadcast);

/* Adds the jobs in both queues by their names, how far the first ones are, and the pace to a record
 * of a handover. */
void broadcast_hand_over(const struct broadcast *broadcast, struct handover_writer *writer);

/* Returns the shard job of that name, which the sender has made anew for this worker; NULL if there
 * is none. */
typedef struct shard_job *broadcast_find_job(void *state, enum broadcast_queue queue,
                                             const struct shard_job_name *name);

/* Queues these jobs in the same order, each as find returns it, and continues with the first ones
 * when the loop runs. Clients keep their slots and join numbers, stream clients their places and
 * serial numbers. Call it after broadcast_add_recipients, for queues that are empty. Returns 0, or
 * -EPROTO if the record does not fit. */
int broadcast_take_over(struct broadcast *broadcast, struct handover_reader *reader,
                        broadcast_find_job *find, void *state);

#endif
