#ifndef SERVER_LISTEN_STREAM_SOCKET_FILE_RECOVERY_H
#define SERVER_LISTEN_STREAM_SOCKET_FILE_RECOVERY_H

#include "net/unix/socket_file.h"
#include "os/file/file_watch.h"
#include "server/listen/socket_renewal.h"
#include "server/listen/startup_sockets.h"

#include <stdbool.h>
#include <stddef.h>

/* The files of the Unix sockets for streams: watches them, and creates one again, with a new
 * socket, when it was removed. Existing connections do not need the file; new ones do. Used by the
 * main thread. */
struct stream_socket_file_recovery {
    struct loop *loop;
    struct startup_sockets *sockets;
    void (*on_change)(void *state); /* called when a watched file may have been removed */
    void *state;
    struct watched_file {
        struct file_watch watch;
        struct socket_file file; /* that is watched */
    } files[CONFIG_LISTEN_MAX];  /* by stream */
};

/* Creates missing files again, and adds their sockets to the first worker's renewal. Marks a
 * listener as missing while this fails. Sets *added to true if it added a socket; otherwise leaves
 * it unchanged. */
void stream_socket_file_recovery_check(struct stream_socket_file_recovery *recovery,
                                       struct socket_renewal *first_renewal, bool *added);

/* Watches the files that exist now. Returns false if one cannot be watched, for lack of permission
 * or descriptors: then the check has to be repeated. */
bool stream_socket_file_recovery_watch(struct stream_socket_file_recovery *recovery);

/* Stops watching. */
void stream_socket_file_recovery_close(struct stream_socket_file_recovery *recovery);

#endif
