#ifndef NET_SOCKET_SOCKET_OPTION_H
#define NET_SOCKET_SOCKET_OPTION_H

#include <stddef.h>

/* Options of sockets, set by name: a kernel, or what stands in for one (gVisor, qemu-user), may
 * lack one, and then the error should say which. */

/* Sets an option whose value is an int, or any other. 0 or -errno; for -ENOPROTOOPT,
 * socket_option_why knows the name. */
#define socket_option_set(socket, level, option, value) \
    socket_option_set_named(socket, level, option, &(const int){(value)}, sizeof(int), #option)
#define socket_option_set_bytes(socket, level, option, value, size) \
    socket_option_set_named(socket, level, option, value, size, #option)
int socket_option_set_named(int socket, int level, int option, const void *value, size_t size,
                            const char *name);

/* The same for one that can be done without: a kernel that doesn't know it is no error. */
int socket_option_set_if_known(int socket, int level, int option, int value);

/* What strerror says; of ENOPROTOOPT, also the name of the option that was refused last in this
 * thread. error is an errno. The text is valid until the next call in this thread. */
const char *socket_option_why(int error);

#endif
