#include "server/listen/broadcast_multicast_socket.h"

#include "net/interface/interface.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"
#include "os/log/log.h"
#include "server/listen/multicast_group_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Sets the name of the interface: that of broadcast.multicast-interface, or else the group's. */
static void set_zone(struct broadcast_multicast_socket *multicast, const struct config *config)
{
    const struct config_listen *group = &config->broadcast.multicast;
    const char *name = config->broadcast.multicast_interface;
    if (name == NULL)
        name = group->zone;
    if (name[0] != '\0')
        snprintf(multicast->zone, sizeof multicast->zone, "%s", name);
    else if (group->addr.scope != 0)
        interface_name(group->addr.scope, multicast->zone);
}

uint32_t broadcast_multicast_socket_interface(const struct broadcast_multicast_socket *multicast)
{
    char name[ADDR_ZONE_BYTES];
    if (multicast->zone[0] != '\0')
        return interface_index(multicast->zone);
    return interface_name(multicast->interface, name) ? multicast->interface : 0;
}

int broadcast_multicast_socket_connect(struct broadcast_multicast_socket *multicast,
                                       const struct config *config, struct addr *from)
{
    const struct addr *group = &config->broadcast.multicast.addr;
    struct multicast_path path = {.interface = group->scope,
                                  .ttl = (uint8_t)config->broadcast.multicast_ttl};
    if (multicast->zone[0] != '\0' && (path.interface = interface_index(multicast->zone)) == 0)
        return -ENODEV;
    int socket = multicast_connect(group, &path, from);
    if (socket >= 0)
        multicast->interface = path.interface != 0 ? path.interface : interface_route_lookup(group);
    return socket;
}

bool broadcast_multicast_socket_is_missing(int error)
{
    return error == -ENODEV || error == -ENETUNREACH || error == -EADDRNOTAVAIL;
}

int broadcast_multicast_socket_open(struct broadcast_multicast_socket *multicast,
                                    struct own_addrs *own_addrs, const struct config *config)
{
    const struct config_listen *group = &config->broadcast.multicast;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct addr from = {.family = ADDR_NONE};
    if (group->addr.family == ADDR_NONE)
        return 0;
    set_zone(multicast, config);
    int socket = broadcast_multicast_socket_connect(multicast, config, &from);
    if (broadcast_multicast_socket_is_missing(socket) &&
        config->server.missing_address == MISSING_WAIT) {
        log_event(LOG_LEVEL_WARNING, "waiting for a route to broadcast.multicast", "address",
                  config_listen_text(group, text), "reason", strerror(-socket), "advice",
                  "broadcasts reach the group once there is one; `ip route` lists them", NULL);
        multicast->missing = true;
        socket = socket_open_placeholder();
    }
    if (socket < 0) {
        log_event(LOG_LEVEL_ERROR, "cannot send to broadcast.multicast", "address",
                  config_listen_text(group, text), "reason", socket_option_error(-socket), "advice",
                  multicast_group_sockets_advice(socket), NULL);
        return socket;
    }
    multicast->socket = socket;
    multicast->own_addr = own_addrs_add(own_addrs, &from);
    return 0;
}

void broadcast_multicast_socket_close(struct broadcast_multicast_socket *multicast)
{
    if (multicast->socket > 0)
        socket_close(multicast->socket);
    multicast->socket = 0;
}
