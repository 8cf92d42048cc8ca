#ifndef SERVER_WORKERS_HANDOVER_WORKER_HANDOVER_H
#define SERVER_WORKERS_HANDOVER_WORKER_HANDOVER_H

#include "base/handover.h"
#include "server/workers/worker.h"

#include <stdint.h>

/* Hands over to another process what a worker has under way with its clients: replies that wait for
 * space in a send buffer, what the kernel has dropped, and the stream clients. Each function adds
 * or reads one record. The main thread calls them while the worker's thread does not run: the
 * functions of the first process after loop_stop, when no handler is in a callback, those of the
 * other one before worker_start.
 *
 * In the functions that read, listeners has the number of each listener here by its number there,
 * CONFIG_LISTEN_MAX or more if there is none with the same address. They add to the worker's
 * counters, so call them when these were taken over. They return 0, -EPROTO if the record does not
 * fit, or -ENOMEM. */

void worker_hand_over_replies(const struct worker *worker, struct handover_writer *writer);
/* May be called for several workers' records, if there were more. */
int worker_take_over_replies(struct worker *worker, struct handover_reader *reader,
                             const uint8_t *listeners);

/* Only for the first worker. */
void worker_hand_over_streams(const struct worker *worker, struct handover_writer *writer);
int worker_take_over_streams(struct worker *worker, struct handover_reader *reader,
                             const uint8_t *listeners);

#endif
