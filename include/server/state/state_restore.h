#ifndef SERVER_STATE_STATE_RESTORE_H
#define SERVER_STATE_STATE_RESTORE_H

#include "config/config.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/listen/listeners.h"
#include "server/names/name_decisions.h"
#include "server/workers/worker_pool.h"

/* Restores the clients, names, counters and job ids from state.file when the server starts.
 *
 * A client is restored if its listener still exists and the rest of its ttl has not passed. The
 * time that the server was down is taken from the wall clock, the only one that goes on over a
 * reboot: it counts as 0 if that clock was set back, and a file older than state.max-age is not
 * used. Each client goes to the worker that will receive its next datagram.
 *
 * A file that cannot be used is logged and kept aside, and the server starts without clients. */

struct state_restore_options {
    const struct config *config;
    const struct listeners *listeners;
    struct workers *workers;
    struct name_decisions *names; /* NULL: clients.names = off */
    struct jobs *jobs;
};

/* Does nothing without state.file. Called in the main thread, after privileges were given up and
 * before the workers are started. */
void state_restore(const struct state_restore_options *options);

#endif
