#ifndef SERVER_LISTEN_STREAM_SOCKETS_H
#define SERVER_LISTEN_STREAM_SOCKETS_H

#include "net/unix/socket_file.h"
#include "os/process/privilege.h"
#include "server/listen/inherited_sockets.h"
#include "server/listen/listeners.h"
#include "server/streams/stream_clients.h"

#include <stdbool.h>
#include <stddef.h>

/* The listening sockets for streams (TCP and Unix sockets), which the first worker uses, and the
 * files of the Unix sockets. */
struct stream_sockets {
    struct stream_listener list[CONFIG_LISTEN_MAX];
    /* Of Unix sockets whose file this server creates and removes: the configuration owns the texts.
     * NULL: TCP, or a file of the service manager. */
    const char *paths[CONFIG_LISTEN_MAX];
    struct socket_file files[CONFIG_LISTEN_MAX]; /* the one that was created at each path */
    size_t count;
    struct identity owner; /* of the files */
};

/* Opens the socket of the stream listener that is next in the table, or takes the one that exists.
 * With server.missing-address = wait its address may appear later. Returns 0 or -errno. */
int stream_sockets_open(struct stream_sockets *streams, const struct listeners *listeners,
                        struct listener *listener, const struct config *config,
                        const struct existing_sockets *existing);

/* Writes the listeners to the record that is being written; those that wait for their interface are
 * left out. Returns how many, also if writer is NULL. */
size_t stream_sockets_hand_over(const struct stream_sockets *streams,
                                const struct listeners *listeners, struct handover_writer *writer);

/* Returns whether the file at the path of a Unix socket is the one that was created there. */
bool stream_sockets_file_exists(const struct stream_sockets *streams, size_t stream);

/* Creates the file of a Unix socket again, with a new socket, which is to replace the old one. Does
 * not wait for another process. Returns the descriptor or -errno (-EALREADY: another process holds
 * the lock of the path for a moment). */
int stream_sockets_create_file(struct stream_sockets *streams, size_t stream);

/* Closes the Unix sockets and removes their files. */
void stream_sockets_remove_files(struct stream_sockets *streams);

/* Closes all, and removes the files. */
void stream_sockets_close(struct stream_sockets *streams);

/* Returns what to do about an error of opening one. */
const char *stream_sockets_advice(int error);

#endif
