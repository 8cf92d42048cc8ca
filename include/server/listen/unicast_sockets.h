#ifndef SERVER_LISTEN_UNICAST_SOCKETS_H
#define SERVER_LISTEN_UNICAST_SOCKETS_H

#include "server/listen/listeners.h"
#include "server/listen/passed_sockets.h"

/* Opens the sockets of the unicast UDP listeners: for each address of server.listen, each worker
 * gets one that receives (SO_REUSEPORT) and a set of those that send. */

/* Returns whether a listener of the configuration is a unicast one. */
bool unicast_sockets_are_for(const struct config_listen *listen);

/* Opens the sockets of all unicast listeners for worker_count workers (at least 1), and sets up the
 * table. Of the two built-in default listeners, one whose family the host lacks is left out with a
 * warning. The sockets of a single worker receive from now on; those of several workers drop
 * everything until unicast_sockets_receive. Where the service manager passed sockets for an
 * address, these receive, and no other ones are opened. Errors are logged. Returns 0, or -errno
 * with none open. */
int unicast_sockets_open(struct listeners *listeners, const struct config *config,
                         size_t worker_count, struct passed_sockets *passed);

/* Makes the sockets of all workers receive. Returns 0 or -errno. */
int unicast_sockets_receive(const struct listeners *listeners);

/* Opens new sockets for one unicast listener in *fresh, on the interface that has its name now and
 * on the port that it had, also while no interface has the address. They receive from now on.
 * Returns 0 or -errno. */
int unicast_sockets_reopen(const struct listener *listener, const struct config *config,
                           size_t worker_count, struct listener *fresh);

/* Closes the sockets of all unicast listeners, and empties the table. */
void unicast_sockets_close(struct listeners *listeners);

#endif
