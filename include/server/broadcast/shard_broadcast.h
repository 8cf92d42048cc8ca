#ifndef SERVER_BROADCAST_SHARD_BROADCAST_H
#define SERVER_BROADCAST_SHARD_BROADCAST_H

#include "server/broadcast/paced_copies.h"
#include "server/broadcast/recipients.h"
#include "server/broadcast/shard_job.h"

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

#endif
