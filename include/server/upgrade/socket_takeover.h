#ifndef SERVER_UPGRADE_SOCKET_TAKEOVER_H
#define SERVER_UPGRADE_SOCKET_TAKEOVER_H

#include "base/handover.h"
#include "server/listen/inherited_sockets.h"
#include "server/listen/startup_sockets.h"
#include "server/workers/worker_pool.h"

/* The sockets of workers in the last part of an upgrade, while no worker's thread runs. The sockets
 * themselves are in the first package (startup_sockets_hand_over). */

/* Opens the sockets of workers that the process before did not have, when that process receives no
 * more. Errors are logged. Returns 0 or -errno. */
int socket_takeover_grow(const struct workers *workers, const struct listeners *listeners,
                         const struct config *config);

/* When the process before has left, after startup_sockets_receive: answers what waits in sockets
 * that no worker of this process has, and what new sockets that only send have received before they
 * were connected; closes what this process does not use, and removes the files of that. If the
 * number of workers has changed, it first waits until all such datagrams are in their sockets
 * (reuseport_group_await_delivery). */
void socket_takeover_end(const struct workers *workers, const struct listeners *listeners,
                         struct inherited_sockets *inherited);

#endif
