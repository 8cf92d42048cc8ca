#ifndef SERVER_LISTEN_LISTENER_RECOVERY_H
#define SERVER_LISTEN_LISTENER_RECOVERY_H

#include "server/listen/first_worker_sockets.h"
#include "server/listen/listeners.h"
#include "server/listen/socket_renewal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Brings listeners, groups and the group of the broadcasts back when the interface that they are
 * tied to was deleted and made anew (a VPN, a USB adapter, a bridge), or when an address that was
 * missing at the start is there. In the main thread.
 *
 * Memberships are renewed on the sockets that there are, since a new one on a port below 1024 would
 * need a privilege that is gone. A listener on a link-local address, and a group of one link, are
 * bound to the interface itself, so they do need new ones. So does a Unix socket whose file was
 * removed. */
struct listener_recovery {
    const struct config *config;
    struct listeners *listeners;
    struct first_worker_sockets *first_sockets;
    struct socket_renewal *const *renewals; /* by worker: where new sockets are put */
};

/* The interface of this index is gone, even if there is one of that index again. */
void listener_recovery_interface_removed(const struct listener_recovery *recovery,
                                         uint32_t interface);

/* Looks at what is there now. `settled` says that the workers have taken all that was put into
 * earlier renewals. Returns whether something is still missing, and thus worth another look; *new
 * is set when sockets were put into the renewals, and else left as it is. */
bool listener_recovery_check(const struct listener_recovery *recovery, bool settled, bool *new);

#endif
