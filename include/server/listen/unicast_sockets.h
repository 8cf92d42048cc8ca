#ifndef SERVER_LISTEN_UNICAST_SOCKETS_H
#define SERVER_LISTEN_UNICAST_SOCKETS_H

#include "server/listen/inherited_sockets.h"
#include "server/listen/listeners.h"

/* Opens the sockets of the unicast UDP listeners: for each address of server.listen, each worker
 * gets one that receives (SO_REUSEPORT) and a set of those that send.
 *
 * With several workers the kernel chooses the worker of a datagram by its source, under a key that
 * is random at each start (listeners_worker_of). A kernel that cannot do that (before Linux 4.5, an
 * emulation, a seccomp filter) chooses by its own hash, which serves clients as well; that is
 * logged once, and listeners->choice says so. Once one listener has the choice by source, a refusal
 * is an error, so that all listeners have the same. */

/* Returns whether a listener of the configuration is a unicast one. */
bool unicast_sockets_are_for(const struct config_listen *listen);

/* Opens the sockets of all unicast listeners for worker_count workers (at least 1), and sets up the
 * table. Of the two built-in default listeners, one whose family the host lacks is left out with a
 * warning. The sockets of a single worker receive from now on; those of several workers drop
 * everything until unicast_sockets_receive. Where sockets exist for an address, these receive, and
 * no other ones are opened; files and sockets belong to owner. If the process before had fewer
 * workers, the descriptors of the others are placeholders until unicast_takeover_grow. Errors are
 * logged. Returns 0, or -errno with none open. */
int unicast_sockets_open(struct listeners *listeners, const struct config *config,
                         size_t worker_count, const struct identity *owner,
                         const struct existing_sockets *existing);

/* Makes the sockets of all workers receive, each its share, and sets the sizes of the buffers of
 * those that were taken over. Returns 0, or the first -errno; then
 * the others receive nevertheless. */
int unicast_sockets_receive(const struct listeners *listeners, const struct config *config);

/* Opens new sockets for one of the unicast listeners in *fresh, on the interface that has its name
 * now and on the port that it had, also while no interface has the address. They receive from now
 * on. Returns 0 or -errno. */
int unicast_sockets_reopen(struct listeners *listeners, const struct listener *listener,
                           const struct config *config, struct listener *fresh);

/* Closes the sockets of all unicast listeners, and empties the table. */
void unicast_sockets_close(struct listeners *listeners);

#endif
