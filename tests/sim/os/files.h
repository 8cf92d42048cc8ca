#ifndef SIM_OS_FILES_H
#define SIM_OS_FILES_H

#include "os/process/privilege.h"
#include "sim/core/descriptors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The file system: configuration files, and the files of Unix sockets. */

struct simulated_file {
    char path[108];
    char *text;              /* NULL: a socket */
    struct object *listener; /* of a socket; NULL: its server has ended */
    uint64_t inode;
    mode_t mode; /* of a socket */
    struct identity owner;
    int maker;    /* of a socket: the process */
    bool is_left; /* by a crash */
};

/* Writes a file, or replaces it. */
void simulated_file_write(const char *path, const char *text);
void simulated_file_remove(const char *path);
/* NULL: there is none. */
struct simulated_file *simulated_file_find(const char *path);
/* Makes the file of a Unix socket. */
struct simulated_file *simulated_file_add_socket(const char *path, struct object *listener);
/* The listener ends: its file stays, but nobody listens there. */
void simulated_file_forget_listener(const struct object *listener);

/* A process was killed: the files of the sockets that it has made stay, until another socket is
 * made there; if it was the server (`all`), those of all sockets. */
void simulated_files_leave(int process, bool all);

/* How many socket files there are that a server which has ended orderly has left. */
unsigned simulated_file_sockets(void);

#endif
