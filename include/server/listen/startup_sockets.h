#ifndef SERVER_LISTEN_STARTUP_SOCKETS_H
#define SERVER_LISTEN_STARTUP_SOCKETS_H

#include "server/listen/first_worker_sockets.h"
#include "server/listen/listeners.h"

/* All sockets of the service, opened at the start, before privileges are given up and before any
 * thread starts: the unicast sockets of every worker, and the sockets that only the first worker
 * has. The main thread opens and closes them; the workers use them. */
struct startup_sockets {
    struct listeners listeners;
    struct first_worker_sockets first_worker;
};

/* Opens what the configuration needs for worker_count workers, or takes what exists, which
 * passed_sockets_check and inherited_sockets_check have checked. Sockets and the files of Unix
 * sockets belong to owner. Errors are
 * logged. Returns 0 or -errno; either way startup_sockets_close is needed. */
int startup_sockets_open(struct startup_sockets *sockets, const struct config *config,
                         size_t worker_count, const struct identity *owner,
                         const struct existing_sockets *existing);

/* Writes all sockets to the record that is being written, for the process after this one, and the
 * key by which the kernel chooses the worker (inherited_sockets_take_over). That process opens anew
 * those that wait for their interface, and the one of broadcast.multicast. They stay this server's,
 * too, which can go on with them. */
void startup_sockets_hand_over(const struct startup_sockets *sockets,
                               struct handover_writer *writer);

/* Undoes what a process that has failed to take over may have left: that further sockets may be
 * bound to the ports. */
void startup_sockets_end_sharing(const struct startup_sockets *sockets);

/* Makes the unicast sockets receive, and sets the sizes of buffers of sockets that were taken over.
 * Those of several workers drop everything until then: while a
 * group of sockets is incomplete, the kernel may give a client's datagrams to the wrong worker.
 * Returns 0, or the first -errno; then the others receive nevertheless. */
int startup_sockets_receive(const struct startup_sockets *sockets, const struct config *config);

/* Closes the Unix sockets whose files this server has created, and removes these: for a process
 * that exits at once. */
void startup_sockets_remove_files(struct startup_sockets *sockets);

/* Closes all. Call it after the worker threads have ended. */
void startup_sockets_close(struct startup_sockets *sockets);

#endif
