#ifndef NET_SOCKET_SOCKET_DESCRIPTOR_H
#define NET_SOCKET_SOCKET_DESCRIPTOR_H

/* Descriptors of sockets: closing, duplicating, and replacing the socket under a number. */

void socket_close(int socket);

/* A second descriptor of the same socket, which an event loop can watch separately. Returns it, or
 * -errno (-EMFILE). */
int socket_duplicate(int socket);

/* A socket that is neither bound nor used, in the place of one that can't be opened yet. Returns
 * the descriptor or -errno. */
int socket_open_placeholder(void);

/* Makes the number old refer to the socket new, and closes the number new. Returns 0 or -errno. */
int socket_replace(int old, int new);

#endif
