#include "net/unix/unix_address.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int unix_address_set(struct sockaddr_un *address, const char *path)
{
    size_t size = strlen(path);

    if (size == 0)
        return -ENOENT;
    if (size >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, size);
    return 0;
}
