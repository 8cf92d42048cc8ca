/* From a target to a connected socket. */
#include "client/peer.h"

#include "net/socket.h"

#include <errno.h>
#include <string.h>

/* Keeps the addresses of the family. */
static void keep(struct peers *peers, int family)
{
    int kept = 0;
    for (int i = 0; i < peers->count; i++)
        if (family == ADDR_NONE || peers->addrs[i].family == family)
            peers->addrs[kept++] = peers->addrs[i];
    peers->count = kept;
}

const char *peers_find(struct peers *peers, const struct target *target, int family)
{
    *peers = (struct peers){0};
    if (target->addr.family) {
        peers->addrs[peers->count++] = target->addr;
        if (target->zone[0])
            peers->addrs[0].scope = socket_zone_index(target->zone);
        return target->zone[0] && !peers->addrs[0].scope ? "no such network interface" : NULL;
    }
    peers->count = socket_resolve(target->host, target->port, peers->addrs, PEERS_MAX);
    if (peers->count < 0)
        return socket_resolve_error(peers->count);
    keep(peers, family);
    return peers->count ? NULL : "the host has no address of that family";
}

int peer_connect(struct peer *peer, struct peers *peers)
{
    int error = -ENOENT;
    while (peers->next < peers->count) {
        peer->addr = peers->addrs[peers->next++];
        addr_format(&peer->addr, peer->name);
        peer->socket = socket_connect(&peer->addr);
        if (peer->socket >= 0)
            return 0;
        error = peer->socket;
    }
    return error;
}

const char *peer_why(int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return "refused: no program listens on that UDP port";
    case -EMSGSIZE:
        return "longer than a datagram can be";
    case -ETIMEDOUT:
        return "nothing came back";
    default:
        return strerror(-error);
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
