#ifndef SERVER_LISTEN_RESTORE_AFTER_INTERFACE_CHANGE_H
#define SERVER_LISTEN_RESTORE_AFTER_INTERFACE_CHANGE_H

#include "server/listen/socket_renewal.h"
#include "server/listen/startup_sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Restores listeners, multicast groups and broadcast.multicast when their interface or address
 * comes back: an interface that was deleted and created again (a VPN, a USB adapter, a bridge), or
 * an address that was missing at the start. Used by the main thread.
 *
 * A group is joined again on the socket that exists, since a new one on a port below 1024 would
 * need a privilege that was given up. Listeners on link-local addresses and link-local groups are
 * bound to the interface itself, and need new sockets. */
struct listener_restore {
    const struct config *config;
    struct startup_sockets *sockets;
    struct socket_renewal *const *renewals; /* by worker: new sockets are added there */
};

/* Marks the listeners that are tied to the interface of this index as missing, also if another
 * interface has the index already. */
void listener_restore_interface_removed(const struct listener_restore *recovery,
                                        uint32_t interface);

/* Checks everything that may be missing, and restores what can be restored. all_taken: the workers
 * have taken the sockets of all earlier renewals. Returns whether a listener of any kind is still
 * missing, so that the check has to be repeated. Sets *added to true if it added sockets to the
 * renewals; otherwise leaves it unchanged. */
bool listener_restore_check(const struct listener_restore *recovery, bool all_taken, bool *added);

#endif
