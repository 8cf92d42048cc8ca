/* The sockets of groups and streams. */
#include "server/listen/first_worker_sockets.h"

#include "net/interface/interface.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/socket_option.h"
#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "os/log/log.h"
#include "server/startup_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    STREAM_MODE = 0666, /* whoever reaches the path may be a client, as on a port of loopback */
};

/* ---- saying why ---- */

static const char *advice_on_streams(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program has it; stop that one or listen elsewhere (server.listen, -l)";
    case -EACCES:
    case -EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE, a Unix socket needs a "
               "directory "
               "that we may write; choose another one (server.listen, -l)";
    case -EADDRNOTAVAIL:
        return "no interface of this host has it; `ip address` lists what is there (tentative: the "
               "kernel still looks for a duplicate), and server.missing-address = wait waits for "
               "it";
    case -EEXIST:
        return "a file is in the way, there or at its .lock; remove it or choose another path";
    case -ENOENT:
        return "the directory isn't there; make it or choose another path";
    case -ENODEV:
        return "no interface has that name; `ip link` lists those that are there, and "
               "server.missing-address = wait waits for it";
    default:
        return startup_error_advice(error, "see server.listen in udpsrv.conf(5)");
    }
}

static const char *advice_on_groups(int error)
{
    switch (error) {
    case -ENODEV:
        return "no interface has that name, or no route says which one to take: name one behind "
               "the group, as in 239.1.2.3%eth0:3000; `ip link` lists those that are there, and "
               "server.missing-address = wait waits for it";
    case -ENETUNREACH:
    case -EADDRNOTAVAIL:
        return "no way leads there: name the interface (broadcast.multicast-interface), or give it "
               "an address";
    case -EADDRINUSE:
        return "another program has the port for itself; stop that one or choose another group";
    case -ENOBUFS:
        return "raise net.ipv4.igmp_max_memberships";
    default:
        return startup_error_advice(error, "see multicast groups in udpsrv.conf(5)");
    }
}

static int cannot(const char *what, const char *on, int error, const char *advice)
{
    log_event(LOG_LEVEL_ERROR, what, "address", on, "reason", socket_option_why(-error), "advice",
              advice, NULL);
    return error;
}

/* ---- groups ---- */

static void add_own(struct first_worker_sockets *first_sockets, const struct addr *addr)
{
    first_sockets->own[first_sockets->own_count++] = *addr;
}

/* The unicast listener of the group's family and port, NO_LISTENER if there is none. */
static uint8_t find_voice(const struct listeners *listeners, const struct addr *group)
{
    for (size_t i = 0; i < listeners->own_count; i++) {
        const struct addr *bound = &listeners->list[i].bound;
        if (bound->family == group->family && bound->port == group->port)
            return (uint8_t)i;
    }
    return NO_LISTENER;
}

static int open_voice(struct first_worker_sockets *first_sockets, struct group_sockets *group,
                      struct listeners *listeners, const struct config *config)
{
    struct addr any = {.family = listeners->list[group->listener].bound.family}, bound;
    struct socket_options options = {
        .receive_buffer_bytes = config->server.receive_buffer_bytes,
        .send_buffer_bytes = config->server.send_buffer_bytes,
    };
    group->reply_socket = socket_open(&any, &options, &bound);
    if (group->reply_socket < 0)
        return group->reply_socket;
    own_ports_add(&listeners->ports, &bound);
    add_own(first_sockets, &bound);
    return 0;
}

/* A wildcard of ours on the group's port lets the group in beside it for just this moment; nobody
 * else can use it. */
static int bind_beside(const struct listeners *listeners, const struct addr *group,
                       uint32_t interface, uint32_t receive_buffer_bytes)
{
    listeners_share(listeners, group->port, true);
    int socket = multicast_bind(group, interface, receive_buffer_bytes);
    listeners_share(listeners, group->port, false);
    return socket;
}

/* Opens the socket of a group and joins, unless its interface may come later. */
static int join(struct group_sockets *group, const struct listeners *listeners,
                struct listener *listener, const struct config *config)
{
    const struct addr *addr = &listener->config->addr;
    bool waits = config->server.missing_address == MISSING_WAIT;
    int error = listeners_find_interface(listener);
    if (error != 0 && !waits)
        return error;
    listener->missing = error != 0;
    group->socket = listener->missing && addr_is_link_group(addr)
                        ? socket_reserve()
                        : bind_beside(listeners, addr, listener->interface,
                                      config->server.receive_buffer_bytes);
    if (group->socket < 0)
        return group->socket;
    if (!listener->missing)
        error = multicast_add_membership(group->socket, addr, listener->interface);
    if (error != 0 && (error != -ENODEV || !waits)) {
        socket_close(group->socket);
        return error;
    }
    listener->missing = error != 0;
    if (listener->missing)
        listeners_warn_of_waiting(listener, error);
    else if (listener->interface == 0)
        listener->interface = interface_of_route(addr);
    return 0;
}

static int open_group(struct first_worker_sockets *first_sockets, struct listeners *listeners,
                      struct listener *listener, const struct config_listen *listen,
                      const struct config *config)
{
    struct group_sockets *group = &first_sockets->groups[first_sockets->group_count];
    *group = (struct group_sockets){.listener = (uint8_t)listeners->count, .reply_socket = -1};
    send_socket_set_init(&group->senders);
    send_socket_set_init(&group->reply_senders);
    listener->bound = listen->addr;
    int error = join(group, listeners, listener, config);
    if (error != 0)
        return error;
    if (listener->bound.family == ADDR_IPV6 && listener->zone[0] != '\0')
        listener->bound.scope = listener->interface;
    first_sockets->group_count++;
    group->reply_listener = find_voice(listeners, &listen->addr);
    if (group->reply_listener != NO_LISTENER)
        return send_socket_set_open_single(&group->senders,
                                           listeners->list[group->reply_listener].sockets[0],
                                           config->server.send_buffer_bytes);
    error = open_voice(first_sockets, group, listeners, config);
    if (error == 0)
        error = send_socket_set_open_single(&group->senders, group->reply_socket,
                                            config->server.send_buffer_bytes);
    return error == 0 ? send_socket_set_open_single(&group->reply_senders, group->reply_socket,
                                                    config->server.send_buffer_bytes)
                      : error;
}

/* The name of the interface that broadcasts leave by: that of the key, or else the group's. */
static void name_way(const struct config *config, struct multicast_destination *multicast)
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

uint32_t first_worker_sockets_multicast_interface(const struct multicast_destination *multicast)
{
    char name[ADDR_ZONE_BYTES];
    if (multicast->zone[0] != '\0')
        return socket_zone_index(multicast->zone);
    return interface_name(multicast->interface, name) ? multicast->interface : 0;
}

int first_worker_sockets_connect_multicast(const struct config *config,
                                           struct multicast_destination *multicast,
                                           struct addr *from)
{
    const struct addr *group = &config->broadcast.multicast.addr;
    struct multicast_path way = {.interface = group->scope,
                                 .ttl = (uint8_t)config->broadcast.multicast_ttl};
    if (multicast->zone[0] != '\0' && (way.interface = socket_zone_index(multicast->zone)) == 0)
        return -ENODEV;
    int socket = multicast_connect(group, &way, from);
    if (socket >= 0)
        multicast->interface = way.interface != 0 ? way.interface : interface_of_route(group);
    return socket;
}

static bool is_missing_way(int error)
{
    return error == -ENODEV || error == -ENETUNREACH || error == -EADDRNOTAVAIL;
}

static int open_multicast(struct first_worker_sockets *first_sockets, const struct config *config)
{
    const struct config_listen *group = &config->broadcast.multicast;
    struct multicast_destination *multicast = &first_sockets->multicast_path;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct addr from = {.family = ADDR_NONE};
    if (group->addr.family == ADDR_NONE)
        return 0;
    name_way(config, multicast);
    int socket = first_worker_sockets_connect_multicast(config, multicast, &from);
    if (is_missing_way(socket) && config->server.missing_address == MISSING_WAIT) {
        log_event(LOG_LEVEL_WARNING, "waiting for a way to broadcast.multicast", "address",
                  config_listen_text(group, text), "reason", strerror(-socket), "advice",
                  "broadcasts reach the group once there is one; `ip route` lists them", NULL);
        multicast->missing = true;
        socket = socket_reserve();
    }
    if (socket < 0)
        return cannot("cannot send to broadcast.multicast", config_listen_text(group, text), socket,
                      advice_on_groups(socket));
    first_sockets->multicast = socket;
    multicast->own = &first_sockets->own[first_sockets->own_count];
    add_own(first_sockets, &from);
    return 0;
}

/* ---- streams ---- */

static int open_tcp(const struct config_listen *listen, struct listener *listener, bool waits)
{
    struct config_listen bound = *listen;
    struct addr wanted = listener->bound = listen->addr;
    int error = listeners_find_interface(listener);
    listener->missing = error != 0;
    if (error != 0 && (!waits || wanted.port == 0))
        return error;
    if (error != 0) {
        listeners_warn_of_waiting(listener, error);
        return socket_reserve();
    }
    wanted.scope = listener->interface;
    int socket = tcp_listen(&wanted, &listener->bound);
    if (socket == -EADDRNOTAVAIL && waits) {
        socket = tcp_listen_anyway(&wanted, &listener->bound);
        listener->missing = socket >= 0;
        if (socket >= 0)
            listeners_warn_of_waiting(listener, -EADDRNOTAVAIL);
    }
    bound.addr = listener->bound;
    bound.zone[0] = '\0';
    if (socket >= 0)
        config_listen_text(&bound, listener->text);
    return socket;
}

static int open_stream(struct first_worker_sockets *first_sockets,
                       const struct listeners *listeners, struct listener *listener,
                       const struct config_listen *listen, bool waits)
{
    bool local = listen->transport == TRANSPORT_UNIX;
    int socket = local ? unix_socket_listen(listen->path, STREAM_MODE, &first_sockets->owner)
                       : open_tcp(listen, listener, waits);
    if (socket < 0)
        return socket;
    first_sockets->stream_paths[first_sockets->stream_count] = local ? listen->path : NULL;
    if (local) /* a file that is gone already is made again as others are */
        unix_socket_file_read(listen->path,
                              &first_sockets->stream_files[first_sockets->stream_count]);
    first_sockets->streams[first_sockets->stream_count++] = (struct stream_listener){
        .socket = socket,
        .transport = listen->transport,
        .listener = (uint8_t)listeners->count,
    };
    return 0;
}

bool first_worker_sockets_stream_is_there(const struct first_worker_sockets *first_sockets,
                                          size_t stream)
{
    return unix_socket_file_is(first_sockets->stream_paths[stream],
                               &first_sockets->stream_files[stream]);
}

int first_worker_sockets_make_stream(struct first_worker_sockets *first_sockets, size_t stream)
{
    const char *path = first_sockets->stream_paths[stream];
    int socket = unix_socket_listen_at_once(path, STREAM_MODE, &first_sockets->owner);
    if (socket < 0)
        return socket;
    int error = unix_socket_file_read(path, &first_sockets->stream_files[stream]);
    if (error == 0)
        return socket;
    unix_socket_unlisten(socket, path);
    return error;
}

/* ---- all of it ---- */

/* Those that server/listen/listeners has opened, as far as clients may take them for their own. */
static void add_listeners(struct first_worker_sockets *first_sockets,
                          const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->own_count; i++)
        if (!addr_is_wildcard(&listeners->list[i].bound))
            add_own(first_sockets, &listeners->list[i].bound);
}

static int open_one(struct first_worker_sockets *first_sockets, struct listeners *listeners,
                    const struct config_listen *listen, const struct config *config)
{
    struct listener *listener = &listeners->list[listeners->count];
    bool group = listen->transport == TRANSPORT_UDP;
    *listener = (struct listener){.transport = listen->transport, .config = listen};
    config_listen_text(listen, listener->text);
    int error = group ? open_group(first_sockets, listeners, listener, listen, config)
                      : open_stream(first_sockets, listeners, listener, listen,
                                    config->server.missing_address == MISSING_WAIT);
    if (error != 0)
        return cannot(group ? "cannot listen to a group" : "cannot listen for streams",
                      listener->text, error,
                      group ? advice_on_groups(error) : advice_on_streams(error));
    listeners->count++;
    return 0;
}

int first_worker_sockets_open(struct first_worker_sockets *first_sockets,
                              struct listeners *listeners, const struct config *config,
                              const struct identity *owner)
{
    *first_sockets = (struct first_worker_sockets){.owner = *owner};
    add_listeners(first_sockets, listeners);
    int error = open_multicast(first_sockets, config);
    for (size_t i = 0; i < config->server.listen_count && error == 0; i++)
        if (!listeners_has(&config->server.listen[i]))
            error = open_one(first_sockets, listeners, &config->server.listen[i], config);
    return error;
}

struct multicast_listeners first_worker_sockets_groups(
    const struct first_worker_sockets *first_sockets)
{
    struct multicast_listeners groups = {.own = first_sockets->own,
                                         .own_count = first_sockets->own_count};
    for (size_t i = 0; i < first_sockets->group_count; i++)
        groups.listeners |= UINT64_C(1) << first_sockets->groups[i].listener;
    return groups;
}

void first_worker_sockets_remove_files(struct first_worker_sockets *first_sockets)
{
    for (size_t i = 0; i < first_sockets->stream_count; i++)
        if (first_sockets->stream_paths[i] != NULL)
            unix_socket_unlisten(first_sockets->streams[i].socket, first_sockets->stream_paths[i]);
}

void first_worker_sockets_close(struct first_worker_sockets *first_sockets)
{
    first_worker_sockets_remove_files(first_sockets);
    for (size_t i = 0; i < first_sockets->group_count; i++) {
        send_socket_set_close(&first_sockets->groups[i].senders);
        send_socket_set_close(&first_sockets->groups[i].reply_senders);
        socket_close(first_sockets->groups[i].socket);
        if (first_sockets->groups[i].reply_socket >= 0)
            socket_close(first_sockets->groups[i].reply_socket);
    }
    for (size_t i = 0; i < first_sockets->stream_count; i++)
        if (first_sockets->stream_paths[i] == NULL)
            socket_close(first_sockets->streams[i].socket);
    if (first_sockets->multicast > 0)
        socket_close(first_sockets->multicast);
    *first_sockets = (struct first_worker_sockets){.multicast = 0};
}
