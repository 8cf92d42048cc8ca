#ifndef SERVER_LISTEN_FIRST_WORKER_SOCKETS_H
#define SERVER_LISTEN_FIRST_WORKER_SOCKETS_H

#include "server/listen/broadcast_multicast_socket.h"
#include "server/listen/multicast_group_sockets.h"
#include "server/listen/stream_sockets.h"

/* The sockets that only the first worker has: those of multicast groups and of streams among the
 * listeners, and the one that sends broadcasts to a multicast group. They are opened before any
 * thread starts, and used by server/workers/first_worker. */
struct first_worker_sockets {
    struct multicast_group_sockets groups[CONFIG_LISTEN_MAX];
    size_t group_count;
    struct stream_sockets streams;
    struct broadcast_multicast_socket multicast;
    struct own_addrs own_addrs; /* of all sockets of the server that send datagrams */
};

/* Opens the sockets that the configuration needs, after the unicast ones, and adds their listeners
 * to the table, or takes those that exist. Files of Unix sockets belong to
 * owner. The configuration outlives the sockets. Errors are logged. Returns 0 or -errno; either way
 * first_worker_sockets_close is needed. */
int first_worker_sockets_open(struct first_worker_sockets *sockets, struct listeners *listeners,
                              const struct config *config, const struct identity *owner,
                              const struct existing_sockets *existing);

/* Returns the multicast groups for the decision about datagrams. The result points to
 * sockets->own_addrs. */
struct multicast_listeners first_worker_sockets_groups(const struct first_worker_sockets *sockets);

/* Gives the sockets that another process may have used the send buffers that they need, once that
 * process has left. */
void first_worker_sockets_enlarge(const struct first_worker_sockets *sockets);

/* Closes all. Call it after the worker threads have ended. */
void first_worker_sockets_close(struct first_worker_sockets *sockets);

#endif
