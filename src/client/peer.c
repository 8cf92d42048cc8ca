/* From a target to a socket, and the three ways of a message through it. */
#include "client/peer.h"

#include "net/message/datagram.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/socket_option.h"
#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "net/socket/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- finding it ---- */

/* Keeps the addresses of the family. */
static void keep(struct peers *peers, int family)
{
    int kept = 0;
    for (int i = 0; i < peers->count; i++)
        if (family == ADDR_NONE || peers->addrs[i].family == family)
            peers->addrs[kept++] = peers->addrs[i];
    peers->count = kept;
}

static const char *find_group(struct peers *peers)
{
    const struct peer_way *way = peers->way;
    const char *zone = way->interface != NULL ? way->interface : way->target->zone;
    struct addr *group = &peers->addrs[peers->count++];
    *group = way->target->addr;
    peers->interface = group->scope;
    if (zone[0] != '\0' && (peers->interface = socket_zone_index(zone)) == 0)
        return "no such network interface";
    return NULL;
}

const char *peers_find(struct peers *peers, const struct peer_way *way)
{
    const struct target *target = way->target;
    *peers = (struct peers){.way = way};
    if (way->group)
        return find_group(peers);
    if (target->transport == TRANSPORT_UNIX) {
        peers->count = 1;
        return NULL;
    }
    if (target->addr.family) {
        peers->addrs[peers->count++] = target->addr;
        if (target->zone[0])
            peers->addrs[0].scope = socket_zone_index(target->zone);
        return target->zone[0] && !peers->addrs[0].scope ? "no such network interface" : NULL;
    }
    peers->count = socket_resolve(target->host, target->port, peers->addrs, PEERS_MAX);
    if (peers->count < 0)
        return socket_resolve_error(peers->count);
    keep(peers, way->family);
    return peers->count ? NULL : "the host has no address of that family";
}

/* ---- getting there ---- */

static int join(struct peer *peer, const struct peers *peers)
{
    const struct multicast_path way = {.interface = peers->interface, .ttl = peers->way->ttl};
    int socket = multicast_join(&peer->addr, peers->interface, 0);
    if (socket < 0)
        return socket;
    int error = multicast_set_path(socket, &peer->addr, &way);
    /* A group of a link has no meaning without it. */
    if (peer->addr.family == ADDR_IPV6)
        peer->addr.scope = peers->interface;
    if (error == 0)
        return socket;
    socket_close(socket);
    return error;
}

static int connect_to(struct peer *peer, const struct peers *peers)
{
    const struct target *target = peers->way->target;
    peer->group = peers->way->group;
    peer->stream = target->transport != TRANSPORT_UDP;
    if (target->transport == TRANSPORT_UNIX) {
        snprintf(peer->name, sizeof peer->name, "unix:%s", target->path);
        return unix_socket_connect_for_loop(target->path);
    }
    strcpy(peer->name, peer->stream ? "tcp:" : "");
    addr_format(&peer->addr, peer->name + strlen(peer->name));
    if (peer->group)
        return join(peer, peers);
    return peer->stream ? tcp_connect_within(&peer->addr, PEER_CONNECT_MS)
                        : socket_connect(&peer->addr);
}

int peer_connect(struct peer *peer, struct peers *peers)
{
    int error = -ENOENT;
    while (peers->next < peers->count) {
        peer->addr = peers->addrs[peers->next++];
        peer->socket = connect_to(peer, peers);
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

bool peer_may_change(const struct peer *peer, const struct peers *peers)
{
    return !peer->stream && !peer->group && peers->next < peers->count;
}

/* ---- messages ---- */

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

void peer_finish(struct peer *peer)
{
    if (peer->stream)
        line_socket_finish(&peer->lines);
}

ssize_t peer_receive(struct peer *peer, void *bytes, size_t room, uint64_t *time_ms,
                     const char **from)
{
    *from = peer->name;
    if (peer->stream)
        return line_socket_receive(&peer->lines, bytes, room, time_ms);
    if (!peer->group)
        return datagram_receive(peer->socket, bytes, room, time_ms);
    struct addr sender;
    ssize_t size = multicast_receive(peer->socket, bytes, room, &sender, time_ms);
    if (size >= 0)
        *from = addr_format(&sender, peer->sender);
    return size;
}

bool peer_is_over(const struct peer *peer, int error)
{
    return peer->stream && error < 0 && error != -EAGAIN && error != -EMSGSIZE;
}

const char *peer_why(int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return "refused: no program listens there";
    case -EMSGSIZE:
        return "longer than a datagram can be";
    case -ETIMEDOUT:
        return "nothing came back";
    case -ENODATA:
        return "the service has ended the connection";
    default:
        return socket_option_why(-error);
    }
}

const char *peer_next(int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return "start the service, or check the address";
    case -EMSGSIZE:
        return "send less";
    case -ETIMEDOUT:
        return "check that the service runs there, or wait longer with -w";
    case -ENODATA:
    case -ECONNRESET:
    case -EPIPE:
        return "look at its log, and start anew";
    case -ENOENT:
        return "start the service, or check the path";
    case -ENODEV:
        return "name the interface that leads there, with --interface for a group";
    case -ENETUNREACH:
        return "check the address, and with `ip route` the way there; a group may need --interface";
    case -EACCES:
    case -EPERM:
        return "check the firewall, and that it is no broadcast address";
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
        return "free some, or raise the limit";
    default:
        return "check the address and the way there";
    }
}
