#ifndef SERVER_WORKERS_FIRST_WORKER_H
#define SERVER_WORKERS_FIRST_WORKER_H

#include "config/config.h"
#include "server/broadcast/multicast_recipient.h"
#include "server/listen/first_worker_sockets.h"
#include "server/listen/socket_renewal.h"

#include <stddef.h>
#include <stdint.h>

/* The service of the first worker beyond its share of the unicast service: it receives from
 * multicast groups, serves streams, and sends broadcasts to a multicast group. It uses the sockets
 * of server/listen/first_worker_sockets, in the worker's loop and thread. */
struct first_worker;

/* All pointers are to objects of the worker or the server, which outlive the first_worker. */
struct first_worker_options {
    const struct first_worker_sockets *sockets;
    struct datagram_io_options io;       /* for each group; listener and sockets are set here */
    struct datagram_io **io_by_listener; /* by listener; those of groups are filled in */
    struct broadcast *broadcast;
    struct relay *relay;
    int *copy_errno; /* of the last copy to the multicast group that the kernel refused */
    uint32_t stream_max, stream_files, stream_buffer_bytes, stream_idle_ms;
    enum config_framing stream_framing;
};

/* Returns 0 or -errno. */
int first_worker_open(struct first_worker **first_worker,
                      const struct first_worker_options *options);

/* Call it after broadcast_close, and before the unicast listeners' datagram_io_close. */
void first_worker_close(struct first_worker *first_worker);

/* Returns the clients that are connected by streams, or NULL if no stream listener exists. */
struct stream_clients *first_worker_streams(struct first_worker *first_worker);

/* Returns the io of the socket by which the group of that listener replies, NULL if the group has
 * no reply socket of its own. */
struct datagram_io *first_worker_reply_io(const struct first_worker *first_worker,
                                          uint8_t listener);

/* Takes the new sockets of streams and of broadcast.multicast. `renewed` has a bit for each unicast
 * listener that was renewed: groups whose replies leave by such a listener now reply by its new
 * socket. */
void first_worker_renew(struct first_worker *first_worker, struct socket_renewal *renewal,
                        uint64_t renewed);

/* Adds the datagrams that the kernel dropped since the last call to the counters. */
void first_worker_count_drops(struct first_worker *first_worker);

#endif
