#ifndef SERVER_WORKERS_FIRST_WORKER_H
#define SERVER_WORKERS_FIRST_WORKER_H

#include "server/broadcast/multicast_recipient.h"
#include "server/listen/first_worker_sockets.h"
#include "server/listen/socket_renewal.h"

#include <stddef.h>
#include <stdint.h>

/* What the first worker has beside its share of the service: groups that it listens to, streams,
 * and the group that gets the broadcasts; made from the doors, in the worker's own loop. */
struct first_worker;

/* All of it is the worker's or the server's, and outlives the guests. */
struct first_worker_options {
    const struct first_worker_sockets *first_sockets;
    struct datagram_io_options io;       /* for all groups, as far as they are alike */
    struct datagram_io **io_by_listener; /* by listener; those of groups are filled in */
    struct broadcast *broadcast;
    struct relay *relay;
    int *copy_errno; /* of the last copy to the group that the kernel refused */
    uint32_t stream_max, stream_files, stream_buffer_bytes, stream_idle_ms;
};

/* 0 or -errno. */
int first_worker_open(struct first_worker **first_worker,
                      const struct first_worker_options *options);

/* Behind the broadcast's end and before that of the other endpoints. */
void first_worker_close(struct first_worker *first_worker);

/* NULL if there are none to be expected. */
struct streams *first_worker_streams(struct first_worker *first_worker);

/* Has streams and the group of the broadcasts take what is theirs of a renewal, and groups answer
 * by the new sockets of the unicast listeners that speak for them: `renewed` has a bit for each. */
void first_worker_renew(struct first_worker *first_worker, struct socket_renewal *renewal,
                        uint64_t renewed);

/* Adds the datagrams that the kernel dropped since the last call to the counters. */
void first_worker_count_drops(struct first_worker *first_worker);

#endif
