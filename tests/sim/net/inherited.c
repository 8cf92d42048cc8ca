/* net/socket and net/unix: what a process does with the sockets of another one, and with groups. */
#include "net/socket/reuseport_group.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/unix/socket_file.h"
#include "sim/core/trace.h"
#include "sim/net/network.h"
#include "sim/net/udp.h"
#include "sim/os/files.h"
#include "sim/world/faults.h"
#include "sim/world/upgrades.h"

#include <errno.h>

/* All processes have the user that the server runs as. */
void socket_set_owner(int socket, const struct identity *owner)
{
    descriptor_any(socket);
    (void)owner;
}

bool socket_has_other_owner(int socket)
{
    udp_of(socket);
    return false;
}

bool socket_is_placeholder(int socket)
{
    return descriptor_any(socket)->kind == OBJECT_PLACEHOLDER;
}

int socket_get_local_addr(int socket, struct addr *addr)
{
    *addr = udp_of(socket)->bound;
    return 0;
}

uint32_t socket_set_send_buffer(int socket, uint32_t bytes)
{
    struct udp *udp = udp_of(socket);
    udp->send_limit = 2 * bytes;
    return bytes;
}

/* ---- groups ---- */

static uint32_t size_of_group(const struct udp *member)
{
    const struct udp *udp;
    uint32_t size = 0;
    for (size_t i = 0; (udp = udp_next(&i)) != NULL;)
        size += !udp->send_only && udp_is_at(udp, &member->bound);
    return size;
}

int reuseport_group_add(int member, const struct addr *bound, struct udp_socket_options *options)
{
    struct udp *first = udp_of(member);
    struct addr ignored, none = *bound;
    none.port = 0; /* only then it is bound */
    uint32_t number = size_of_group(first);
    int fd = udp_socket_open(&none, options, &ignored);
    if (fd < 0)
        return fd;
    struct udp *added = udp_of(fd);
    added->bound = first->bound;
    added->in_group = first->in_group = true;
    added->number = number;
    added->shards = first->shards;
    added->key = first->key;
    return fd;
}

int reuseport_group_leave(int member)
{
    struct udp *udp = udp_of(member);
    if (upgrades_are_taken())
        network_arrive_now(); /* as late as it can be for this socket */
    udp->has_left = true;
    udp_begin_arrival(udp);
    return 0;
}

void reuseport_group_await_delivery(void)
{
    udp_end_arrivals();
}

int reuseport_group_end(int member)
{
    if (socket_is_placeholder(member))
        return -EOPNOTSUPP;
    udp_of(member)->in_group = false;
    return 0;
}

int reuseport_group_choose_by_source(const int *fds, size_t count, enum addr_family family,
                                     const struct source_shard_key *key)
{
    struct shards_key own = {key->start, {key->multipliers[0], key->multipliers[1]}};
    const struct udp *first = udp_of(fds[0]);
    /* One that has taken over goes on, and its clients may be in two workers (docs/testing.md). */
    int error = upgrades_are_taken() ? 0 : faults_refuse_program();
    if (family != first->bound.family)
        broken_promise("a group gets the program of its family", "another one");
    shards_asked(&own, error);
    if (error != 0)
        return error;
    if (upgrades_are_taken() && count < size_of_group(first))
        network_arrive_now(); /* as late as it can be for the sockets that get no more */
    for (size_t i = 0; i < count; i++)
        udp_of(fds[i])->number = (uint32_t)i;
    struct udp *udp;
    for (size_t i = 0; (udp = udp_next(&i)) != NULL;)
        if (!udp->send_only && udp_is_at(udp, &first->bound)) {
            udp->shards = (uint32_t)count;
            udp->key = own;
            if (udp->number >= count)
                udp_begin_arrival(udp);
        }
    return 0;
}

/* ---- files ---- */

void socket_file_remove(const char *path, const struct socket_file *file)
{
    if (socket_file_is_at(path, file))
        simulated_file_remove(path);
}
