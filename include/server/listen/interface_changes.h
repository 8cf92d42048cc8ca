#ifndef SERVER_LISTEN_INTERFACE_CHANGES_H
#define SERVER_LISTEN_INTERFACE_CHANGES_H

#include "os/loop/mailbox.h"
#include "server/listen/listener_recovery.h"
#include "server/workers/worker.h"

#include <stddef.h>

/* Follows the host's interfaces and addresses, and the files of Unix sockets, while the server
 * runs: sends the workers the broadcast addresses of the host's networks, and new sockets for
 * listeners whose interface has come back
 * (server/listen/listener_recovery) or whose file was removed (socket_file_recovery). In the main
 * thread. */
struct interface_changes;

/* All pointers are to objects of the server, which outlive the interface_changes. */
struct interface_changes_options {
    struct loop *loop;
    struct mailbox *reply_mailbox; /* of the main thread */
    struct worker *const *workers;
    size_t worker_count;
    const struct config *config; /* that the server was started with */
    struct startup_sockets *sockets;
    void (*on_change)(void *state); /* called after each change of interfaces or addresses */
    void *on_change_state;
};

/* Starts to follow them. Call it before the workers' threads start. Returns 0 or -errno. */
int interface_changes_open(struct interface_changes **interfaces,
                           const struct interface_changes_options *options);

/* Checks now what is otherwise checked within a second. */
void interface_changes_check(struct interface_changes *interfaces);

/* Ends following. A call that was posted to a worker still completes; interface_changes_free frees
 * the memory, once the workers have ended and the mailbox is freed. */
void interface_changes_stop(struct interface_changes *interfaces);
void interface_changes_free(struct interface_changes *interfaces);

#endif
