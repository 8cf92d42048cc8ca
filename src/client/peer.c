#include "client/peer.h"

#include "net/interface/interface.h"
#include "net/message/datagram.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/name_lookup.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"
#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "net/unix/unix_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Resolving ---- */

/* Removes the addresses of other families. */
static void filter_by_family(struct peer_addresses *addresses, int family)
{
    int kept = 0;
    for (int i = 0; i < addresses->count; i++)
        if (family == ADDR_NONE || addresses->addrs[i].family == family)
            addresses->addrs[kept++] = addresses->addrs[i];
    addresses->count = kept;
}

static const char *find_group(struct peer_addresses *addresses)
{
    const struct peer_route *route = addresses->route;
    const char *zone = route->interface != NULL ? route->interface : route->target->zone;
    struct addr *group = &addresses->addrs[addresses->count++];
    *group = route->target->addr;
    addresses->interface = group->scope;
    if (zone[0] != '\0' && (addresses->interface = interface_index(zone)) == 0)
        return "no such network interface";
    return NULL;
}

const char *peer_addresses_resolve(struct peer_addresses *addresses, const struct peer_route *route)
{
    const struct target *target = route->target;
    *addresses = (struct peer_addresses){.route = route};
    if (route->group)
        return find_group(addresses);
    if (target->transport == TRANSPORT_UNIX) {
        addresses->count = 1;
        return NULL;
    }
    if (target->addr.family) {
        addresses->addrs[addresses->count++] = target->addr;
        if (target->zone[0])
            addresses->addrs[0].scope = interface_index(target->zone);
        return target->zone[0] && !addresses->addrs[0].scope ? "no such network interface" : NULL;
    }
    addresses->count =
        name_lookup(target->host, target->port, addresses->addrs, PEER_ADDRESSES_MAX);
    if (addresses->count < 0)
        return name_lookup_error(addresses->count);
    filter_by_family(addresses, route->family);
    return addresses->count ? NULL : "the host has no address of that family";
}

/* ---- Connecting ---- */

static int join(struct peer *peer, const struct peer_addresses *addresses)
{
    const struct multicast_path path = {.interface = addresses->interface,
                                        .ttl = addresses->route->ttl};
    int socket = multicast_join(&peer->addr, addresses->interface, 0);
    if (socket < 0)
        return socket;
    int error = multicast_set_path(socket, &peer->addr, &path);
    /* A link-local group needs the interface. */
    if (peer->addr.family == ADDR_IPV6)
        peer->addr.scope = addresses->interface;
    if (error == 0)
        return socket;
    socket_close(socket);
    return error;
}

static int connect_to(struct peer *peer, const struct peer_addresses *addresses)
{
    const struct target *target = addresses->route->target;
    peer->group = addresses->route->group;
    peer->stream = target->transport != TRANSPORT_UDP;
    if (target->transport == TRANSPORT_UNIX) {
        snprintf(peer->name, sizeof peer->name, "unix:%s", target->path);
        return unix_client_connect_nonblocking(target->path);
    }
    strcpy(peer->name, peer->stream ? "tcp:" : "");
    addr_format(&peer->addr, peer->name + strlen(peer->name));
    if (peer->group)
        return join(peer, addresses);
    return peer->stream ? tcp_connect_within(&peer->addr, PEER_CONNECT_MS)
                        : udp_socket_connect(&peer->addr);
}

int peer_connect(struct peer *peer, struct peer_addresses *addresses)
{
    int error = -ENOENT;
    while (addresses->next < addresses->count) {
        peer->addr = addresses->addrs[addresses->next++];
        peer->socket = connect_to(peer, addresses);
        if (peer->socket >= 0) {
            line_socket_open(&peer->lines, peer->socket);
            return 0;
        }
        error = peer->socket;
    }
    return error;
}

void peer_close(struct peer *peer)
{
    socket_close(peer->socket);
}

bool peer_has_alternative(const struct peer *peer, const struct peer_addresses *addresses)
{
    return !peer->stream && !peer->group && addresses->next < addresses->count;
}

bool peer_sends_frames(const struct peer *peer)
{
    return !peer->stream && !peer->group;
}

/* ---- Messages ---- */

int peer_send(struct peer *peer, const void *bytes, size_t size)
{
    if (peer->stream)
        return line_socket_send(&peer->lines, bytes, size);
    if (peer->group)
        return multicast_send(peer->socket, &peer->addr, bytes, size);
    return datagram_send(peer->socket, bytes, size);
}

bool peer_flush(struct peer *peer)
{
    return peer->stream && line_socket_flush(&peer->lines) == -EAGAIN;
}

void peer_end_sending(struct peer *peer)
{
    if (peer->stream)
        line_socket_finish(&peer->lines);
}

ssize_t peer_receive(struct peer *peer, void *bytes, size_t capacity, uint64_t *time_ms,
                     const char **from)
{
    *from = peer->name;
    if (peer->stream)
        return line_socket_receive(&peer->lines, bytes, capacity, time_ms);
    if (!peer->group)
        return datagram_receive(peer->socket, bytes, capacity, time_ms);
    struct addr sender;
    ssize_t size = multicast_receive(peer->socket, bytes, capacity, &sender, time_ms);
    if (size >= 0)
        *from = addr_format(&sender, peer->sender);
    return size;
}

/* Errors of a datagram socket that a receive returns each time, so that the event loop never waits.
 */
static bool is_lasting(int error)
{
    switch (-error) {
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOMEM:
    case ENOTCONN:
    case ENOTSOCK:
        return true;
    default:
        return false;
    }
}

bool peer_error_is_final(const struct peer *peer, int error)
{
    if (!peer->stream)
        return is_lasting(error);
    return error < 0 && error != -EAGAIN && error != -EMSGSIZE;
}

const char *peer_error_reason(int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return "refused: no program listens there";
    case -EMSGSIZE:
        return "longer than a datagram can be";
    case -ETIMEDOUT:
        return "no reply was received";
    case -ENODATA:
        return "the service has ended the connection";
    default:
        return socket_option_error(-error);
    }
}

const char *peer_error_advice(int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return "start the service, or check the address";
    case -EMSGSIZE:
        return "send a shorter message";
    case -ETIMEDOUT:
        return "check that the service runs there, or wait longer with -w";
    case -ENODATA:
    case -ECONNRESET:
    case -EPIPE:
        return "look at its log, and connect again";
    case -ENOENT:
        return "start the service, or check the path";
    case -ENODEV:
        return "name the interface that leads there, with --interface for a group";
    case -ENETUNREACH:
        return "check the address, and with `ip route` the route there; a group may need "
               "--interface";
    case -EACCES:
    case -EPERM:
        return "check the firewall, and that it is not a broadcast address";
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
        return "free some, or raise the limit";
    default:
        return "check the address and the route there";
    }
}
