#ifndef NET_UNIX_SOCKET_FILE_H
#define NET_UNIX_SOCKET_FILE_H

#include "os/process/privilege.h"

#include <stdbool.h>
#include <stdint.h>

/* The file of a Unix socket: its owner, and whether it is still the same file. */
struct socket_file {
    struct identity owner;
    uint64_t device, inode;
    uint64_t born_ns; /* time of creation; 0 if the file system does not know it */
};

/* Reads the attributes of the file at path; symbolic links are not followed. Returns 0 or -errno
 * (-EEXIST: not a socket). */
int socket_file_read(const char *path, struct socket_file *file);

/* Whether both are the same file, whatever their owners are. */
bool socket_file_same(const struct socket_file *a, const struct socket_file *b);

/* Whether the file at path is the same as before, even if its owner has changed. */
bool socket_file_is_at(const char *path, const struct socket_file *file);

/* Removes the file at path if it is still the same as before, also while a process listens there.
 * Waits at most 100 ms for another process that makes or removes a file there. If the directory is
 * not writable, the file stays. */
void socket_file_remove(const char *path, const struct socket_file *file);

#endif
