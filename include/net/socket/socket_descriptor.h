#ifndef NET_SOCKET_SOCKET_DESCRIPTOR_H
#define NET_SOCKET_SOCKET_DESCRIPTOR_H

#include "os/process/privilege.h"

#include <stdbool.h>
#include <stdint.h>

/* Descriptors of sockets: closing, duplicating, and replacing the socket under a number. */

void socket_close(int socket);

/* Makes a second descriptor of the same socket, which an event loop can watch separately. Returns
 * it, or -errno (-EMFILE). */
int socket_duplicate(int socket);

/* Opens a socket that occupies the descriptor of one that can't be opened yet. It is a Unix socket,
 * so what is sent by it to an IP address fails (EINVAL); a UDP socket would send from a port of the
 * kernel's choice. Returns the descriptor or -errno. */
int socket_open_placeholder(void);

/* Whether a descriptor that should be a UDP or TCP socket is one of socket_open_placeholder. */
bool socket_is_placeholder(int socket);

/* Makes the owner's user the owner of a socket (uid -1: does nothing). The kernel lets only sockets
 * of the same user share a port (SO_REUSEPORT), and a process that gives up its privileges later
 * could add none to a socket that it opened before. A refusal is ignored: without it the socket
 * works, too (socket_has_other_owner). */
void socket_set_owner(int socket, const struct identity *owner);

/* Whether the owner of a socket is another user than that of this process, so that no socket of
 * this process can share its port. */
bool socket_has_other_owner(int socket);

/* Makes the descriptor old refer to the socket of new, and closes the descriptor new. Returns 0 or
 * -errno. */
int socket_replace(int old, int new);

/* Makes the descriptor old refer to the socket that source refers to. Needs no further descriptor.
 * Returns 0 or -errno. */
int socket_replace_by_duplicate(int old, int source);

/* Returns a number that no other socket of this host has had since its start: descriptors with the
 * same one, in any process, refer to the same socket. 0 if the kernel refuses. */
uint64_t socket_cookie(int socket);

#endif
