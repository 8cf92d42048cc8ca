/* What an upgrade needs of net/: there is none here, so that no process hands over its sockets. */
#include "net/socket/reuseport_group.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/unix/socket_file.h"
#include "sim/core/trace.h"

#include <errno.h>

static int refuse(const char *what)
{
    broken_promise("no upgrade takes place", "%s", what);
    return -ENOSYS;
}

/* Each socket is opened by the user that the server runs as. */
void socket_set_owner(int socket, const struct identity *owner)
{
    (void)socket;
    (void)owner;
}

bool socket_has_other_owner(int socket)
{
    (void)socket;
    refuse("asks for the owner of a socket");
    return false;
}

bool socket_is_placeholder(int socket)
{
    (void)socket;
    refuse("hands over a socket");
    return false;
}

int socket_get_local_addr(int socket, struct addr *addr)
{
    (void)socket;
    *addr = (struct addr){.family = ADDR_NONE};
    return refuse("takes over a reply socket");
}

uint32_t socket_set_send_buffer(int socket, uint32_t bytes)
{
    (void)socket;
    (void)bytes;
    refuse("takes over sockets that send");
    return 0;
}

int reuseport_group_add(int member, const struct addr *bound, struct udp_socket_options *options)
{
    (void)member;
    (void)bound;
    (void)options;
    return refuse("adds a worker");
}

/* Each upgrade fails, after which no socket is to share its port. */
int reuseport_group_end(int member)
{
    (void)member;
    return 0;
}

void socket_file_remove(const char *path, const struct socket_file *file)
{
    (void)path;
    (void)file;
    refuse("removes a file of the process before");
}
