#ifndef SERVER_LISTEN_INTERFACE_CHANGES_H
#define SERVER_LISTEN_INTERFACE_CHANGES_H

#include "server/listen/listener_recovery.h"
#include "server/workers/worker.h"

#include <stddef.h>

/* Follows the interfaces and addresses of the host while the server runs: the workers know the
 * broadcast addresses of its networks, and listeners and groups come back when their interface does
 * (server/listen/listener_recovery). So do Unix sockets whose file was removed. In the main thread.
 */
struct interface_changes;

/* All of it is the server's, and outlives the interfaces. */
struct interface_changes_options {
    struct loop *loop;
    struct mailbox *reply_mailbox;
    struct worker *const *workers;
    size_t worker_count;
    const struct config *config; /* as started */
    struct listeners *listeners;
    struct first_worker_sockets *first_sockets;
    void (*on_change)(void *state); /* called after each change of interfaces or addresses */
    void *on_change_state;
};

/* Before the workers' threads start. 0 or -errno. */
int interface_changes_open(struct interface_changes **interfaces,
                           const struct interface_changes_options *options);

/* Looks now for what would be looked for within a second. */
void interface_changes_check(struct interface_changes *interfaces);

/* Nothing changes from now on. A call that is still on its way comes home; the memory is freed by
 * interface_changes_free, once the workers have ended and the mailbox is gone. */
void interface_changes_stop(struct interface_changes *interfaces);
void interface_changes_free(struct interface_changes *interfaces);

#endif
