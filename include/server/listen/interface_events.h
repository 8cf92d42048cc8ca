#ifndef SERVER_LISTEN_INTERFACE_EVENTS_H
#define SERVER_LISTEN_INTERFACE_EVENTS_H

#include "os/loop/mailbox.h"
#include "server/listen/restore_after_interface_change.h"
#include "server/offload/kernel_offload.h"
#include "server/workers/worker.h"

#include <stddef.h>

/* Follows the host's interfaces and addresses, and the files of Unix sockets, while the server
 * runs: sends the workers the broadcast addresses of the host's networks, and new sockets for
 * listeners whose interface has come back (server/listen/restore_after_interface_change) or whose
 * file was removed (server/listen/stream_socket_file_recovery); and the offload which interfaces
 * there are. Used by the main thread. */
struct interface_events;

/* All pointers are to objects of the server, which outlive the interface_events. */
struct interface_events_options {
    struct loop *loop;
    struct mailbox *reply_mailbox; /* of the main thread */
    struct worker *const *workers;
    size_t worker_count;
    const struct config *config; /* that the server was started with */
    struct startup_sockets *sockets;
    const struct kernel_offload *offload;
    void (*on_change)(void *state); /* called after each change of interfaces or addresses */
    void *on_change_state;
};

/* Starts to follow them. Call it before the workers' threads start. Returns 0 or -errno. */
int interface_events_open(struct interface_events **interfaces,
                          const struct interface_events_options *options);

/* Checks at once for changes that would otherwise be found within a second. */
void interface_events_check(struct interface_events *interfaces);

/* Returns how often workers have got renewed sockets: if it is the same as before, and no call to a
 * worker is under way, all sockets are the same. */
uint64_t interface_events_renewals(const struct interface_events *interfaces);

/* Stops following them. A call that was posted to a worker still completes. Call
 * interface_events_free, which frees the memory, after the workers have ended and the mailbox is
 * freed. */
void interface_events_stop(struct interface_events *interfaces);
void interface_events_free(struct interface_events *interfaces);

#endif
