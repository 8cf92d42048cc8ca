#ifndef SERVER_GUESTS_H
#define SERVER_GUESTS_H

#include "server/doors.h"
#include "server/multicast.h"
#include "server/renewal.h"

#include <stddef.h>
#include <stdint.h>

/* What the first worker has beside its share of the service: groups that it listens to, streams,
 * and the group that gets the broadcasts; made from the doors, in the worker's own loop. */
struct guests;

/* All of it is the worker's or the server's, and outlives the guests. */
struct guests_options {
    const struct doors *doors;
    struct endpoint_options endpoint; /* for all groups, as far as they are alike */
    struct endpoint **endpoints;      /* by listener; those of groups are filled in */
    struct broadcast *broadcast;
    struct relay *relay;
    int *copy_errno; /* of the last copy to the group that the kernel refused */
    uint32_t stream_max, stream_files, stream_buffer_bytes, stream_idle_ms;
};

/* 0 or -errno. */
int guests_open(struct guests **guests, const struct guests_options *options);

/* Behind the broadcast's end and before that of the other endpoints. */
void guests_close(struct guests *guests);

/* NULL if there are none to be expected. */
struct streams *guests_streams(struct guests *guests);

/* Has streams and the group of the broadcasts take what is theirs of a renewal, and groups answer
 * by the new sockets of the unicast listeners that speak for them: `renewed` has a bit for each. */
void guests_renew(struct guests *guests, struct renewal *renewal, uint64_t renewed);

/* Adds the datagrams that the kernel dropped since the last call to the counters. */
void guests_count_drops(struct guests *guests);

#endif
