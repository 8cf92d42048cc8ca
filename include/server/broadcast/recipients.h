#ifndef SERVER_BROADCAST_RECIPIENTS_H
#define SERVER_BROADCAST_RECIPIENTS_H

#include "os/loop/event_loop.h"
#include "server/broadcast/shard_job.h"

#include <stdbool.h>
#include <stdint.h>

/* The interface for recipients of broadcasts that are not in the registry: stream clients and the
 * multicast group. All functions are called in the worker's thread. */

/* The position of a shard job among the recipients. `begin` and `send` set it. They may use the
 * fields other than `ended` as they need. */
struct recipients_walk {
    uint64_t joined_before;
    uint32_t next;
    bool ended;
};

struct recipients_tally {
    uint32_t sent, failed;
    uint32_t skipped; /* recipients that matched a selector, and got no copy */
};

/* Each worker has at most one of each kind. */
enum recipients_kind { RECIPIENTS_STREAMS, RECIPIENTS_MULTICAST };

struct recipients {
    enum recipients_kind kind;
    void *state;
    /* Begins a walk over the recipients that exist now and returns their number; 0 if the job has a
     * selector, since it is not known how many of them match. */
    uint64_t (*begin)(void *state, const struct shard_job *job, struct recipients_walk *walk);
    /* Sends at most `limit` copies, to recipients that match the job's selector, after a bounded
     * number of steps. Returns true when it has to wait for send buffer space; it then defers
     * `wake` as soon as it can continue. */
    bool (*send)(void *state, const struct shard_job *job, struct recipients_walk *walk,
                 uint32_t limit, struct recipients_tally *tally, struct loop_task *wake);
};

enum { BROADCAST_RECIPIENTS_MAX = 2 };

#endif
