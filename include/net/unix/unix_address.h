#ifndef NET_UNIX_UNIX_ADDRESS_H
#define NET_UNIX_UNIX_ADDRESS_H

#include <sys/un.h>

/* The socket address of a Unix socket path. */

/* Returns 0 or -errno (-ENOENT: the path is empty; -ENAMETOOLONG: over 107 bytes). */
int unix_address_set(struct sockaddr_un *address, const char *path);

#endif
