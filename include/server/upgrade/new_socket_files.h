#ifndef SERVER_UPGRADE_NEW_SOCKET_FILES_H
#define SERVER_UPGRADE_NEW_SOCKET_FILES_H

#include "config/config.h"
#include "net/unix/handover_channel.h"
#include "server/listen/inherited_sockets.h"

#include <stdbool.h>
#include <stddef.h>

/* The files of the Unix sockets that a successor creates before it has to serve: those of listeners
 * that its predecessor does not have. The successor names them before it creates the first one, and
 * the predecessor removes them when a successor that does not serve has ended. So they go also if
 * it is killed. */

struct new_socket_files {
    size_t count;
    /* Of server.listen, control.socket, control.observer-socket and metrics.listen. */
    char paths[CONFIG_LISTEN_MAX + 3][TRANSPORT_PATH_BYTES];
};

/* The successor: sends the paths of the Unix sockets of its configuration that are not inherited.
 * An error is ignored: then the files may stay, as after a crash of a server. */
void new_socket_files_report(int channel, const struct config *config,
                             const struct inherited_sockets *inherited);

/* The predecessor: notes the paths of a message. Returns false if it is another message. */
bool new_socket_files_note(struct new_socket_files *files, const struct handover_message *message);

/* The predecessor: removes those at which no process listens, and forgets all. */
void new_socket_files_remove(struct new_socket_files *files);

#endif
