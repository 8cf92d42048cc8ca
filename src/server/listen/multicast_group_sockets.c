#include "server/listen/multicast_group_sockets.h"

#include "net/interface/interface.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "server/startup_error.h"

#include <errno.h>

const char *multicast_group_sockets_advice(int error)
{
    switch (error) {
    case -ENODEV:
        return "no interface has that name, or no route chooses one: name the interface after the "
               "group, as in 239.1.2.3%eth0:3000; `ip link` lists those that are there, and "
               "server.missing-address = wait waits for it";
    case -ENETUNREACH:
    case -EADDRNOTAVAIL:
        return "no route leads there: name the interface (broadcast.multicast-interface), or give "
               "it an address";
    case -EADDRINUSE:
        return "another program uses the port exclusively; stop that one or choose another group";
    case -ENOBUFS:
        return "raise net.ipv4.igmp_max_memberships";
    default:
        return startup_error_advice(error, "see multicast groups in udpsrv.conf(5)");
    }
}

/* Returns the unicast listener of the group's family and port, NO_LISTENER if there is none. */
static uint8_t find_reply_listener(const struct listeners *listeners, const struct addr *group)
{
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        const struct addr *bound = &listeners->list[i].bound;
        if (bound->family == group->family && bound->port == group->port)
            return (uint8_t)i;
    }
    return NO_LISTENER;
}

/* Opens the reply socket, or takes that of the process before, if it had one. */
static int open_reply_socket(struct multicast_group_sockets *group, struct listeners *listeners,
                             struct own_addrs *own_addrs, const struct config *config,
                             struct inherited_listener *entry)
{
    struct addr any = {.family = listeners->list[group->listener].bound.family}, bound;
    struct udp_socket_options options = {
        .receive_buffer_bytes = config->server.receive_buffer_bytes,
        .send_buffer_bytes = config->server.send_buffer_bytes,
    };
    int error = 0;
    if (entry != NULL && entry->socket_count == 2) {
        group->reply_socket = entry->sockets[1];
        entry->sockets[1] = -1;
        error = socket_get_local_addr(group->reply_socket, &bound);
    } else {
        group->reply_socket = udp_socket_open(&any, &options, &bound);
    }
    if (group->reply_socket < 0 || error != 0)
        return error != 0 ? error : group->reply_socket;
    own_ports_add(&listeners->ports, &bound);
    own_addrs_add(own_addrs, &bound);
    return 0;
}

/* A wildcard listener on the group's port shares the port only during the bind, so that no other
 * program can bind to it. */
static int bind_to_group(const struct listeners *listeners, const struct addr *group,
                         uint32_t interface, uint32_t receive_buffer_bytes)
{
    listeners_share_port(listeners, group->port, true);
    int socket = multicast_bind(group, interface, receive_buffer_bytes);
    listeners_share_port(listeners, group->port, false);
    return socket;
}

/* Opens the socket of a group, and joins it unless its interface may appear later. */
static int join(struct multicast_group_sockets *group, const struct listeners *listeners,
                struct listener *listener, const struct config *config)
{
    const struct addr *addr = &listener->config->addr;
    bool waits = config->server.missing_address == MISSING_WAIT;
    int error = listeners_find_interface(listener);
    if (error != 0 && !waits)
        return error;
    listener->missing = error != 0;
    group->socket = listener->missing && addr_is_link_scoped_group(addr)
                        ? socket_open_placeholder()
                        : bind_to_group(listeners, addr, listener->interface,
                                        config->server.receive_buffer_bytes);
    if (group->socket < 0)
        return group->socket;
    if (!listener->missing)
        error = multicast_add_membership(group->socket, addr, listener->interface);
    if (error != 0 && (error != -ENODEV || !waits)) {
        socket_close(group->socket);
        group->socket = -1;
        return error;
    }
    listener->missing = error != 0;
    if (listener->missing)
        listeners_warn_of_waiting(listener, error);
    else if (listener->interface == 0)
        listener->interface = interface_route_lookup(addr);
    return 0;
}

/* Takes the socket of the process before, which is bound to the group. If that process waited for
 * its interface, restore_after_interface_change goes on with that. */
static void take(struct multicast_group_sockets *group, struct listener *listener,
                 struct inherited_listener *entry)
{
    listeners_find_interface(listener);
    group->socket = entry->sockets[0];
    entry->sockets[0] = -1;
    listener->missing = entry->missing;
    listener->interface = entry->interface;
    listener->inherited = 1;
}

int multicast_group_sockets_open(struct multicast_group_sockets *group, struct listeners *listeners,
                                 struct own_addrs *own_addrs, const struct config *config,
                                 struct inherited_sockets *inherited)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct listener *listener = &listeners->list[listeners->count];
    uint32_t send_buffer_bytes = config->server.send_buffer_bytes;
    *group = (struct multicast_group_sockets){
        .listener = (uint8_t)listeners->count, .socket = -1, .reply_socket = -1};
    send_socket_set_init(&group->senders);
    send_socket_set_init(&group->reply_senders);
    listener->bound = listener->config->addr;
    struct inherited_listener *entry = inherited_sockets_find(
        inherited, INHERITED_GROUP, config_listen_text(listener->config, text));
    if (entry != NULL)
        take(group, listener, entry);
    int error = entry == NULL ? join(group, listeners, listener, config) : 0;
    if (error != 0)
        return error;
    if (listener->bound.family == ADDR_IPV6 && listener->zone[0] != '\0')
        listener->bound.scope = listener->interface;
    group->reply_listener = find_reply_listener(listeners, &listener->config->addr);
    if (group->reply_listener != NO_LISTENER)
        return send_socket_set_open_shared(
            &group->senders, listeners->list[group->reply_listener].sockets[0], send_buffer_bytes);
    error = open_reply_socket(group, listeners, own_addrs, config, entry);
    if (error == 0)
        error =
            send_socket_set_open_single(&group->senders, group->reply_socket, send_buffer_bytes);
    return error == 0 ? send_socket_set_open_single(&group->reply_senders, group->reply_socket,
                                                    send_buffer_bytes)
                      : error;
}

void multicast_group_sockets_enlarge(const struct multicast_group_sockets *group)
{
    if (group->reply_listener != NO_LISTENER && !socket_is_placeholder(group->senders.routed))
        send_socket_set_enlarge(&group->senders);
}

void multicast_group_sockets_close(struct multicast_group_sockets *group)
{
    send_socket_set_close(&group->senders);
    send_socket_set_close(&group->reply_senders);
    if (group->socket >= 0)
        socket_close(group->socket);
    if (group->reply_socket >= 0)
        socket_close(group->reply_socket);
}

bool multicast_group_sockets_hand_over(const struct multicast_group_sockets *group,
                                       const struct listeners *listeners,
                                       struct handover_writer *writer)
{
    const struct listener *listener = &listeners->list[group->listener];
    int sockets[] = {group->socket, group->reply_socket};
    if (socket_is_placeholder(group->socket))
        return false;
    struct inherited_listener entry = {
        .kind = INHERITED_GROUP,
        .bound = listener->bound,
        .missing = listener->missing,
        .interface = listener->interface,
        .socket_count = group->reply_socket >= 0 ? 2 : 1,
        .sockets = sockets,
    };
    config_listen_text(listener->config, entry.text);
    if (writer != NULL)
        inherited_sockets_put(writer, &entry);
    return true;
}
