#ifndef SERVER_WORKERS_WORKER_SWEEP_H
#define SERVER_WORKERS_WORKER_SWEEP_H

#include "server/workers/worker_state.h"

/* The periodic work of a worker, every clients.sweep: it removes expired clients in slices of 100
 * us, between which datagrams are answered, disconnects idle stream clients, reads the kernel's
 * drop counters and logs warnings. Called in the worker's thread, or before it starts. */

/* Creates the timer, which the caller starts. Returns 0 or -errno. */
int worker_sweep_open(struct worker *worker);

/* Begins a sweep as soon as the worker runs. A worker that goes on for that of another process,
 * which may have been in the midst of one, must not wait for its own timer: with one upgrade after
 * the other none would ever expire. */
void worker_sweep_soon(struct worker *worker);

/* Ends the sweep; a slice that is due does not run. */
void worker_sweep_close(struct worker *worker);

#endif
