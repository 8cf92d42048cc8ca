#ifndef NET_SOCKET_SOCKET_DESCRIPTOR_H
#define NET_SOCKET_SOCKET_DESCRIPTOR_H

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
