#ifndef SERVER_LISTEN_PASSED_SOCKETS_H
#define SERVER_LISTEN_PASSED_SOCKETS_H

#include "config/config.h"
#include "net/socket/passed_socket.h"
#include "os/process/manager_environment.h"

#include <stdbool.h>
#include <stddef.h>

/* Sockets that a service manager opened and passed (LISTEN_FDS, sd_listen_fds(3)). Each is used for
 * the listener of the configuration, or the control socket, whose address it is bound to; all
 * others are opened as usual. The manager keeps its descriptors, so that what arrives while the
 * server is restarted, or after a crash, waits in them.
 *
 * A passed socket that nothing uses is an error of the start, not a warning: the kernel would
 * accept for it what nobody answers.
 *
 * With several workers, an address has to be passed once for each worker, or not at all. The kernel
 * chooses among the sockets that exist (net/socket/reuseport_group.h): if only some were passed,
 * clients that send while the server is down would be given to other workers than before and
 * after, and get each broadcast twice. So these groups need no drop filter, either. What was
 * weighed: one passed socket as the first of a group, whose waiting datagrams are dropped; but to
 * keep them is what it is passed for. */
struct passed_sockets {
    const struct manager_environment *environment;
    struct passed_entry {
        struct passed_socket socket;
        bool taken;
    } * list;
    size_t count;
};

/* Reads what the passed descriptors are. The environment must outlive the table. Errors are logged,
 * each with its descriptor. Returns 0 or -errno; either way passed_sockets_close is needed. */
int passed_sockets_open(struct passed_sockets *passed,
                        const struct manager_environment *environment);

/* Returns the number of workers: `wanted`, or, under server.workers = auto, as many as there are
 * UDP sockets for an address, if there are any; logs a warning if these are fewer. */
size_t passed_sockets_workers(const struct passed_sockets *passed, const struct config *config,
                              size_t wanted);

/* Checks that each socket is for a listener of the configuration or for one of the paths of control
 * sockets (NULL ends the list), that each of these has as many as it can use, and that those of
 * several workers share their port. Errors are logged. Returns 0 or -EINVAL. */
int passed_sockets_check(const struct passed_sockets *passed, const struct config *config,
                         size_t worker_count, const char *const *paths);

/* Takes over the sockets of a listener, at most max, in the order in which they were passed.
 * Returns how many these are: 0 if none was passed. */
size_t passed_sockets_take(struct passed_sockets *passed, const struct config_listen *listen,
                           int *sockets, size_t max);

/* Takes over the socket at a path. Returns the descriptor, or 0 if none was passed. */
int passed_sockets_take_path(struct passed_sockets *passed, const char *path);

/* Closes those that were not taken over. */
void passed_sockets_close(struct passed_sockets *passed);

#endif
