#ifndef NET_SOCKET_SOCKET_OPTION_H
#define NET_SOCKET_SOCKET_OPTION_H

#include <stddef.h>

/* Setting socket options by name: a kernel, or a program that emulates one (gVisor, qemu-user), may
 * lack an option, and then the error message should name it. */

/* Since Linux 4.20; missing in the headers of the C library. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* Since Linux 4.15; missing in the headers of some C libraries. */
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

/* Sets an option with a value of type int, or of any other type. Returns 0 or -errno; after
 * -ENOPROTOOPT, socket_option_error knows the name of the option. */
#define socket_option_set(socket, level, option, value) \
    socket_option_set_named(socket, level, option, &(const int){(value)}, sizeof(int), #option)
#define socket_option_set_bytes(socket, level, option, value, size) \
    socket_option_set_named(socket, level, option, value, size, #option)
int socket_option_set_named(int socket, int level, int option, const void *value, size_t size,
                            const char *name);

/* The same for an option that is not essential: returns 0 also if the kernel does not know it. */
int socket_option_set_if_known(int socket, int level, int option, int value);

/* Describes an errno as strerror does; for ENOPROTOOPT also with the name of the option that was
 * refused last in this thread. The text is valid until the next call in this thread. */
const char *socket_option_error(int error);

#endif
