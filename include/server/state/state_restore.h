#ifndef SERVER_STATE_STATE_RESTORE_H
#define SERVER_STATE_STATE_RESTORE_H

#include "admission/device_key.h"
#include "config/config.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/listen/listeners.h"
#include "server/names/name_decisions.h"
#include "server/workers/worker_pool.h"

/* Restores the clients, names, counters and job ids from state.file when the server starts.
 *
 * A client is restored if its listener still exists and the rest of its ttl has not passed while
 * the server was down. That time is of CLOCK_BOOTTIME as long as the host has not been started
 * again, and of the wall clock after that; it counts as 0 if the wall clock was set back. A file
 * older than state.max-age is not used. Each client goes to the worker that will receive its next
 * datagram.
 *
 * A file that cannot be used is logged and kept aside, and the server starts without clients. What
 * cannot be a state file, such as a directory, is not touched: then the server does not start. */

struct state_restore_options {
    const struct config *config;
    const struct names_key *names_key; /* only under clients.names = keyed */
    const struct listeners *listeners;
    struct workers *workers;
    struct name_decisions *names; /* NULL: clients.names = off */
    struct jobs *jobs;
    void (*pause)(void *state); /* called before each read of the file */
    void *pause_state;
};

/* Does nothing without state.file. Called in the main thread, after privileges were given up and
 * before the workers are started. Returns 0; or -errno if the server must not start, which is
 * logged. */
int state_restore(const struct state_restore_options *options);

/* Restores them from bytes that the former process of an upgrade has encoded (state_encode_all)
 * while it did not serve: whatever their age, and the clients that are connected by streams are
 * handed over as well. Returns 0, -ENOMEM, or -EPROTO if the bytes are no whole state file. */
int state_restore_handed(const struct state_restore_options *options, const void *bytes,
                         size_t size);

#endif
