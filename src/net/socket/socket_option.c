#include "net/socket/socket_option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static _Thread_local const char
    *refused_option; /* the last one that the kernel does not know, or NULL */

int socket_option_set_named(int socket, int level, int option, const void *value, size_t size,
                            const char *name)
{
    if (setsockopt(socket, level, option, value, (socklen_t)size) == 0)
        return 0;
    if (errno == ENOPROTOOPT)
        refused_option = name;
    return -errno;
}

int socket_option_set_if_known(int socket, int level, int option, int value)
{
    if (setsockopt(socket, level, option, &value, sizeof value) == 0 || errno == ENOPROTOOPT)
        return 0;
    return -errno;
}

const char *socket_option_error(int error)
{
    static _Thread_local char text[96];

    if (error != ENOPROTOOPT || !refused_option)
        return strerror(error);
    snprintf(text, sizeof text, "%s (this kernel has no %s)", strerror(error), refused_option);
    return text;
}
