#include "net/socket/reuseport_group.h"

#include "net/socket/drop_filter.h"
#include "net/socket/shard_program.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first socket is bound without SO_REUSEPORT, which fails if any other process has the port,
 * and allows sharing only afterwards. From then on the port is never free, so that no other process
 * can bind to it in between. */
static int join_group(int socket, bool is_first, const struct addr *addr,
                      struct udp_socket_options *options, struct addr *bound)
{
    int error = drop_filter_attach(socket);
    if (!error && !is_first)
        error = socket_option_set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!error)
        error = udp_socket_bind(socket, addr, options, bound);
    if (!error && is_first)
        error = socket_option_set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    return error;
}

int reuseport_group_open(const struct addr *addr, struct udp_socket_options *options,
                         struct addr *bound, int *sockets, size_t count)
{
    struct addr at = *addr;
    size_t opened = 0;
    int error = 0;

    if (count == 1) {
        sockets[0] = udp_socket_open(addr, options, bound);
        return sockets[0] < 0 ? sockets[0] : 0;
    }
    for (; opened < count && !error; opened++) {
        sockets[opened] = udp_socket_open_unbound(&at, options);
        if (sockets[opened] < 0) {
            error = sockets[opened];
            break;
        }
        error = join_group(sockets[opened], opened == 0, &at, options, bound);
        at = *bound; /* the port that the kernel picked for the first */
    }
    while (error && opened > 0)
        close(sockets[--opened]);
    return error;
}

/* If the users differed, the kernel would make a second group, which gets all datagrams. */
int reuseport_group_add(int member, const struct addr *bound, struct udp_socket_options *options)
{
    struct addr ignored;
    if (socket_has_other_owner(member))
        return -EPERM;
    int added = udp_socket_open_unbound(bound, options);
    if (added < 0)
        return added;
    udp_socket_allow_sharing(added, true);
    int error = socket_option_set(member, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!error)
        error = socket_option_set(added, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!error)
        error = udp_socket_bind(added, bound, options, &ignored);
    if (error) {
        close(added);
        return error;
    }
    return added;
}

/* A connected socket receives from its peer only, and the kernel chooses among the others of the
 * group. The peer is the socket itself, to which no other one sends from there. */
int reuseport_group_leave(int member)
{
    static const uint8_t loopback[] = {127, 0, 0, 1};
    union socket_address name;
    struct addr peer;
    int error = socket_get_local_addr(member, &peer);
    if (error != 0)
        return error;
    if (addr_is_wildcard(&peer) && peer.family == ADDR_IPV4)
        memcpy(peer.ip, loopback, sizeof loopback);
    else if (addr_is_wildcard(&peer))
        peer.ip[sizeof peer.ip - 1] = 1;
    socklen_t size = sockaddr_from_addr(&name, &peer);
    return connect(member, &name.any, size) == 0 ? 0 : -errno;
}

/* The kernel chooses the socket of a datagram and puts it there in one read-side section of RCU,
 * for the end of which this command waits. */
void reuseport_group_await_delivery(void)
{
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

int reuseport_group_end(int member)
{
    return socket_option_set(member, SOL_SOCKET, SO_REUSEPORT, 0);
}

int reuseport_group_choose_by_source(const int *sockets, size_t count, enum addr_family family,
                                     const struct source_shard_key *key)
{
    return shard_program_attach(sockets[0], family, key, (uint32_t)count);
}

int reuseport_member_start(int socket)
{
    return drop_filter_detach(socket);
}
