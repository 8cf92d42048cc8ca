#ifndef SERVER_BROADCAST_H
#define SERVER_BROADCAST_H

#include "core/registry.h"
#include "net/thread.h"
#include "server/endpoint.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One worker's share of the broadcasts: a copy to each client that is registered in its shard when
 * a job starts, in slices between which datagrams are received and answered. */
struct broadcast;

/* A job's share for one worker: a letter that comes, is worked off and goes home. */
struct broadcast_part {
    struct mail mail; /* posted home when the part has ended; its `open` is the sender's */

    /* The sender's, unchanged until it is home again. */
    struct mailbox *home;
    const uint8_t *bytes;
    size_t size;

    /* Written by the worker alone, read by anyone. targets = sent + failed + skipped once it has
     * ended. */
    _Atomic uint64_t targets, sent, failed, skipped;
};

struct broadcast_options {
    struct loop *loop;
    struct registry *registry;
    struct endpoint **endpoints; /* by listener */
    struct stats *stats;
    int *last_errno;      /* of the last copy that the kernel refused */
    uint32_t rate_pps;    /* of all workers together; 0: no pace */
    uint32_t part, parts; /* this worker's number, and how many share the rate: core/pace */
};

/* 0 or -errno. */
int broadcast_open(struct broadcast **broadcast, const struct broadcast_options *options);

/* Ends the part that runs, skipping what is not yet sent, and frees the rest. */
void broadcast_close(struct broadcast *broadcast);

/* Starts a part: who is registered now gets a copy. Only while none runs. */
void broadcast_start(struct broadcast *broadcast, struct broadcast_part *part);

/* Ends the part, skipping what is not yet sent; nothing, if it isn't the one that runs. */
void broadcast_cancel(struct broadcast *broadcast, const struct broadcast_part *part);

/* Paces the copies that are not yet sent, by a new rate of all workers together. */
void broadcast_set_rate(struct broadcast *broadcast, uint32_t rate_pps);

#endif
