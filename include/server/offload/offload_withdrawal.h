#ifndef SERVER_OFFLOAD_OFFLOAD_WITHDRAWAL_H
#define SERVER_OFFLOAD_OFFLOAD_WITHDRAWAL_H

#include "server/workers/worker_pool.h"

#include <stdbool.h>

/* The offload before an upgrade: all workers take their clients back, so that the registries have
 * the time of the last datagram of each, and the tables of the kernel are empty for the successor.
 * They do it in slices, between which they serve. Used by the main thread. */

struct offload_withdrawal {
    const struct workers *workers;
    struct mailbox *mailbox;       /* of the main thread */
    struct withdrawal_call *calls; /* by worker; NULL: there is no offload */
    size_t pending;                /* calls that have not come back */
    bool is_wanted;
    bool is_stopped; /* the workers get no more calls */
    void (*done)(void *state);
    void *state;
};

/* has_offload: whether the workers have one. Returns 0 or -ENOMEM. */
int offload_withdrawal_open(struct offload_withdrawal *withdrawal, const struct workers *workers,
                            struct mailbox *mailbox, bool has_offload);
/* Call it after the threads of the workers have ended. */
void offload_withdrawal_close(struct offload_withdrawal *withdrawal);

/* Has all clients taken back, and then calls done: at once if there is no offload. Not while
 * offload_withdrawal_is_busy. */
void offload_withdrawal_begin(struct offload_withdrawal *withdrawal, void (*done)(void *state),
                              void *state);

/* Has the offload go on; done is not called any more. Nothing happens if none was begun. */
void offload_withdrawal_end(struct offload_withdrawal *withdrawal);

/* Ends it because the server is stopping: the workers do not get their clients back, since they
 * would be answered without being counted. Call it before the workers finish. */
void offload_withdrawal_stop(struct offload_withdrawal *withdrawal);

/* Whether workers do not know yet that a withdrawal has ended. */
bool offload_withdrawal_is_busy(const struct offload_withdrawal *withdrawal);

#endif
