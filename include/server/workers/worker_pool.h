#ifndef SERVER_WORKERS_WORKER_POOL_H
#define SERVER_WORKERS_WORKER_POOL_H

#include "config/config.h"
#include "registry/shared_capacity.h"
#include "server/listen/listeners.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* All the workers: how many there are, what they share, and what falls to each. */
struct workers {
    struct worker **list;
    struct relay **relays; /* theirs */
    size_t count;
    struct shared_capacity *budget; /* of clients.max; NULL where one worker has all of it */
    size_t started;                 /* how many of them run, the first ones */
};

/* What they have in common. */
struct workers_shared {
    struct reply *reply;
    const struct first_worker_sockets *first_sockets; /* the first one's alone */
    struct admission_rules rules;
    struct cookie_secrets secrets;
    void (*on_link_failed)(void *state); /* see server/datagram/datagram_io; from any thread */
    void *on_link_state;
    uint32_t stream_files; /* as workers_allow_files says */
    struct worker_break on_break;
};

/* What server.workers comes to on this machine: 1 to CONFIG_WORKERS_MAX. */
size_t workers_wanted(const struct config *config);

/* Has the process allowed the descriptors that so many workers need for what the configuration
 * says, as far as it may be. Returns how many streams there are descriptors for then, beside
 * operators and all else. */
uint32_t workers_allow_files(size_t count, const struct config *config);

/* Makes as many workers as the listeners were opened for; the first one has the doors, too.
 * Everything given is kept and outlives them, but for the configuration. 0 or -errno; then *failed
 * is what could not be made, a static text. Either way workers_free is due. */
int workers_make(struct workers *workers, const struct config *config,
                 const struct listeners *listeners, const struct workers_shared *shared,
                 const char **failed);

/* Starts their threads; where there are several, each on a processor of its own as far as there are
 * enough. 0 or -errno; then some may run. */
int workers_start(struct workers *workers);

/* Waits for the end of those that run (worker_finish), and frees all. */
void workers_free(struct workers *workers);

#endif
