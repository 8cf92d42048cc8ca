#include "net/socket/passed_socket.h"

#include "net/socket/socket_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/un.h>

/* Returns 0 or -errno. */
static int get(int socket, int level, int option, int *value)
{
    socklen_t size = sizeof *value;
    return getsockopt(socket, level, option, value, &size) == 0 ? 0 : -errno;
}

/* The flags of descriptors that a service manager passes are those of its configuration. */
static int set_flags(int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
        return -errno;
    return 0;
}

static int read_unix_path(struct passed_socket *passed)
{
    struct sockaddr_un name = {.sun_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    if (getsockname(passed->descriptor, (struct sockaddr *)&name, &size) != 0)
        return -errno;
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t bytes = size > start ? size - start : 0;
    if (bytes >= sizeof passed->path)
        bytes = sizeof passed->path - 1;
    memcpy(passed->path, name.sun_path, bytes);
    passed->path[bytes] = '\0';
    if (bytes > 0 && passed->path[0] == '\0')
        passed->path[0] = '@';
    return 0;
}

static int read_address(struct passed_socket *passed)
{
    return passed->transport == TRANSPORT_UNIX
               ? read_unix_path(passed)
               : socket_get_local_addr(passed->descriptor, &passed->addr);
}

/* Finds out the kind. A kind that is not known is a fault. */
static int read_transport(struct passed_socket *passed)
{
    int domain = 0, type = 0, protocol = 0;
    int error = get(passed->descriptor, SOL_SOCKET, SO_DOMAIN, &domain);
    if (error == 0)
        error = get(passed->descriptor, SOL_SOCKET, SO_TYPE, &type);
    if (error == 0)
        error = get(passed->descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol);
    bool is_ip = domain == AF_INET || domain == AF_INET6;
    if (error != 0)
        return error;
    if (domain == AF_UNIX && type == SOCK_STREAM)
        passed->transport = TRANSPORT_UNIX;
    else if (is_ip && type == SOCK_STREAM)
        passed->transport = TRANSPORT_TCP;
    else if (is_ip && type == SOCK_DGRAM && protocol == IPPROTO_UDP)
        passed->transport = TRANSPORT_UDP;
    else
        passed->fault = PASSED_SOCKET_OTHER_KIND;
    return 0;
}

static int check_stream(struct passed_socket *passed)
{
    int listens = 0;
    int error = get(passed->descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens);
    if (error == 0 && !listens)
        passed->fault = PASSED_SOCKET_NOT_LISTENING;
    return error;
}

static int check_udp(struct passed_socket *passed)
{
    union socket_address peer;
    socklen_t size = sizeof peer;
    int shares = 0;
    int error = get(passed->descriptor, SOL_SOCKET, SO_REUSEPORT, &shares);
    passed->shares_port = shares != 0;
    if (passed->addr.port == 0)
        passed->fault = PASSED_SOCKET_NOT_BOUND;
    else if (getpeername(passed->descriptor, &peer.any, &size) == 0)
        passed->fault = PASSED_SOCKET_CONNECTED;
    return error;
}

/* The IPv4 datagrams that such a socket receives have addresses of a form that is no client's. */
static int check_dual_stack(struct passed_socket *passed)
{
    int ipv6_only = 1;
    int error = 0;
    if (passed->addr.family == ADDR_IPV6 && addr_is_wildcard(&passed->addr))
        error = get(passed->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only);
    if (error == 0 && !ipv6_only)
        passed->fault = PASSED_SOCKET_DUAL_STACK;
    return error;
}

/* What is no error: the descriptor is not what it should be. */
static int no_error_if(bool condition, int error, struct passed_socket *passed,
                       enum passed_socket_fault fault)
{
    if (!condition)
        return error;
    passed->fault = fault;
    return 0;
}

int passed_socket_read(struct passed_socket *passed, int descriptor)
{
    *passed = (struct passed_socket){.descriptor = descriptor};
    int error = set_flags(descriptor);
    if (error != 0)
        return no_error_if(error == -EBADF, error, passed, PASSED_SOCKET_NOT_OPEN);
    error = read_transport(passed);
    if (error != 0)
        return no_error_if(error == -ENOTSOCK, error, passed, PASSED_SOCKET_NO_SOCKET);
    if (passed->fault != PASSED_SOCKET_USABLE)
        return 0;
    error = read_address(passed);
    if (error == 0)
        error = passed->transport == TRANSPORT_UDP ? check_udp(passed) : check_stream(passed);
    if (error == 0 && passed->fault == PASSED_SOCKET_USABLE)
        error = check_dual_stack(passed);
    return error;
}
