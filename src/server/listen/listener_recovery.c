/* Listeners and groups whose interface or address comes back, or comes late, and files of Unix
 * sockets that were removed. */
#include "server/listen/listener_recovery.h"

#include "net/interface/interface.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "os/log/log.h"
#include "server/startup_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is said ---- */

static void say_lost(const char *address, const char *zone)
{
    log_event(LOG_LEVEL_WARNING, "an interface is gone", "address", address, "interface",
              zone[0] != '\0' ? zone : "of the routes", "reason", strerror(ENODEV), "advice",
              "the address is served again once such an interface is there", NULL);
}

static void say_back(const char *address, const char *zone)
{
    /* Without an interface of its own the list of pairs ends there. */
    log_event(LOG_LEVEL_INFO, "an address that was missing is served", "address", address,
              zone[0] != '\0' ? "interface" : NULL, zone, NULL);
}

static const char *advice(int error)
{
    switch (error) {
    case -EACCES:
    case -EPERM:
        return "restart udpsrv, which has given up the privilege for ports below 1024; or lower "
               "net.ipv4.ip_unprivileged_port_start";
    case -EADDRINUSE:
        return "another program has the port there; stop that one";
    default:
        return startup_error_advice(error, "it is tried again each second");
    }
}

/* Once for each reason. */
static void say_failed(const char *address, int error, const char *advice, int *told)
{
    if (*told != error)
        log_event(LOG_LEVEL_ERROR, "cannot serve an address again", "address", address, "reason",
                  strerror(-error), "advice", advice, NULL);
    *told = error;
}

/* ---- groups ---- */

static struct group_sockets *find_group(const struct listener_recovery *recovery, size_t listener)
{
    for (size_t i = 0; i < recovery->first_sockets->group_count; i++)
        if (recovery->first_sockets->groups[i].listener == listener)
            return &recovery->first_sockets->groups[i];
    return NULL;
}

static uint32_t receive_buffer(const struct listener_recovery *recovery)
{
    return recovery->config->server.receive_buffer_bytes;
}

/* A group of one link needs a socket that is bound there. */
static int open_link_group(const struct listener_recovery *recovery, size_t i, uint32_t interface)
{
    const struct addr *group = &recovery->listeners->list[i].config->addr;
    listeners_share(recovery->listeners, group->port, true);
    int socket = multicast_join(group, interface, receive_buffer(recovery));
    listeners_share(recovery->listeners, group->port, false);
    if (socket < 0)
        return socket;
    socket_renewal_add(recovery->renewals[0], i, socket, NULL);
    return 0;
}

/* 0 or -errno; a membership that is there already (EADDRINUSE) is what was wanted. */
static int join_again(const struct listener_recovery *recovery, size_t i, uint32_t interface,
                      bool *new)
{
    const struct addr *group = &recovery->listeners->list[i].config->addr;
    int error;
    if (group->family == ADDR_IPV6 && addr_is_link_group(group)) {
        error = open_link_group(recovery, i, interface);
        *new |= error == 0;
        return error;
    }
    int socket = find_group(recovery, i)->socket;
    error = multicast_add_membership(socket, group, interface);
    if (error == -ENOBUFS) { /* memberships of interfaces that are gone count, too */
        multicast_drop_membership(socket, group, 0);
        error = multicast_add_membership(socket, group, interface);
    }
    return error == -EADDRINUSE ? 0 : error;
}

/* ---- listeners ---- */

static void lose(const struct listener_recovery *recovery, size_t i)
{
    struct listener *listener = &recovery->listeners->list[i];
    struct group_sockets *group = find_group(recovery, i);
    if (group != NULL)
        multicast_drop_membership(group->socket, &listener->config->addr, listener->interface);
    listener->interface = 0;
    listener->missing = true;
    listener->told = 0;
    say_lost(listener->text, listener->zone);
}

/* New sockets for all workers, on the interface as it is now. */
static int open_unicast(const struct listener_recovery *recovery, size_t i, bool *new)
{
    struct listeners *listeners = recovery->listeners;
    struct listener *listener = &listeners->list[i], fresh;
    int error = listeners_open_again(listener, recovery->config, listeners->worker_count, &fresh);
    if (error != 0)
        return error;
    for (size_t k = 0; k < listeners->worker_count; k++)
        socket_renewal_add(recovery->renewals[k], i, fresh.sockets[k], &fresh.senders[k]);
    free(fresh.sockets);
    free(fresh.senders);
    listener->bound = fresh.bound;
    memcpy(listener->text, fresh.text, sizeof listener->text);
    listener->missing = fresh.missing;
    *new = true;
    return 0;
}

static int open_stream(const struct listener_recovery *recovery, size_t i, uint32_t interface,
                       bool *new)
{
    struct listener *listener = &recovery->listeners->list[i];
    struct config_listen bound = *listener->config;
    struct addr at = listener->bound;
    at.scope = interface;
    int socket = tcp_listen_anyway(&at, &bound.addr);
    if (socket < 0)
        return socket;
    socket_renewal_add(recovery->renewals[0], i, socket, NULL);
    listener->bound = bound.addr;
    bound.zone[0] = '\0';
    config_listen_text(&bound, listener->text);
    listener->missing = interface_address(&listener->bound) != INTERFACE_ADDRESS_PRESENT;
    *new = true;
    return 0;
}

/* The interface is there, of this index; 0: as the routes of a group say. */
static void come_back(const struct listener_recovery *recovery, size_t i, uint32_t interface,
                      bool *new)
{
    struct listener *listener = &recovery->listeners->list[i];
    bool group = find_group(recovery, i) != NULL;
    int error = 0;
    if (group) {
        error = join_again(recovery, i, interface, new);
        listener->missing = error != 0;
        if (error == 0 && listener->config->addr.family == ADDR_IPV6)
            listener->bound.scope = interface;
    } else if (listener->bound.scope == interface) {
        listener->missing = interface_address(&listener->bound) != INTERFACE_ADDRESS_PRESENT;
    } else if (listener->transport == TRANSPORT_UDP) {
        error = open_unicast(recovery, i, new);
    } else {
        error = open_stream(recovery, i, interface, new);
    }
    if (error == 0) /* a route may have come just before the kernel chose by it */
        listener->interface =
            interface != 0 || !group ? interface : interface_of_route(&listener->config->addr);
    /* Without a route no interface can be chosen: that is no fault, but what is waited for. */
    else if (error != -ENODEV)
        say_failed(listener->text, error, advice(error), &listener->told);
    if (!listener->missing)
        say_back(listener->text, listener->zone);
}

/* The sockets are there, and wait for the address: those that send are connected once they can be.
 */
static void look_at_address(const struct listener_recovery *recovery, size_t i, bool settled)
{
    struct listener *listener = &recovery->listeners->list[i];
    int error = 0;
    if (!settled || interface_address(&listener->bound) != INTERFACE_ADDRESS_PRESENT)
        return;
    for (size_t k = 0; listener->senders != NULL && k < recovery->listeners->worker_count; k++)
        if (error == 0)
            error = send_socket_set_connect(&listener->senders[k], &listener->bound);
    if (error != 0)
        return;
    listener->missing = false;
    say_back(listener->text, listener->zone);
}

/* Where the interface of a listener is now; 0: nowhere. A group that names none goes where the
 * routes lead once the one that they led to before is gone. */
static uint32_t find_interface(const struct listener *listener, bool group)
{
    char name[ADDR_ZONE_BYTES];
    if (listener->zone[0] != '\0')
        return socket_zone_index(listener->zone);
    if (!group || (!listener->missing && interface_name(listener->interface, name)))
        return listener->interface;
    return interface_of_route(&listener->config->addr);
}

/* Where netlink is not permitted, it isn't known by which interface the routes had a group joined:
 * joining once more tells whether the membership is still there. */
static void look_at_routed_group(const struct listener_recovery *recovery, size_t i)
{
    const struct listener *listener = &recovery->listeners->list[i];
    const struct group_sockets *group = find_group(recovery, i);
    if (multicast_add_membership(group->socket, &listener->config->addr, 0) == 0)
        say_back(listener->text, listener->zone);
}

/* ---- files of Unix sockets ---- */

static void say_file_made(const struct listener *listener)
{
    log_event(LOG_LEVEL_WARNING, "the file of a listener is made again", "address", listener->text,
              "reason", "it was removed or moved", "advice",
              "keep cleaners of temporary files away from it, or choose another place "
              "(server.listen, -l)",
              NULL);
}

static const char *advice_on_file(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program listens there; stop that one";
    case -EEXIST:
        return "a file is in the way, there or at its .lock; remove it";
    case -ENOENT:
        return "the directory isn't there; make it again";
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return "give server.user the directory that it is in, or restart udpsrv";
    default:
        return startup_error_advice(error, "it is tried again each second");
    }
}

/* The connections that there are don't need the file; new ones do. */
static void look_at_file(const struct listener_recovery *recovery, size_t stream, bool *new)
{
    struct first_worker_sockets *first_sockets = recovery->first_sockets;
    size_t i = first_sockets->streams[stream].listener;
    struct listener *listener = &recovery->listeners->list[i];
    if (first_sockets->stream_paths[stream] == NULL)
        return;
    bool there = first_worker_sockets_stream_is_there(first_sockets, stream);
    int socket = there ? 0 : first_worker_sockets_make_stream(first_sockets, stream);
    listener->missing = socket < 0;
    if (socket == -EALREADY) /* somebody has its lock for a moment */
        return;
    if (socket < 0) {
        say_failed(listener->text, socket, advice_on_file(socket), &listener->told);
        return;
    }
    listener->told = 0;
    if (there)
        return;
    socket_renewal_add(recovery->renewals[0], i, socket, NULL);
    *new = true;
    say_file_made(listener);
}

static void look_at_listener(const struct listener_recovery *recovery, size_t i, bool settled,
                             bool *new)
{
    struct listener *listener = &recovery->listeners->list[i];
    bool group = find_group(recovery, i) != NULL;
    uint32_t now = find_interface(listener, group);
    if (!listener->missing && listener->interface != 0 && now != listener->interface)
        lose(recovery, i);
    if (!listener->missing) {
        if (group && listener->interface == 0)
            look_at_routed_group(recovery, i);
        return;
    }
    if (group || now != listener->interface) {
        if (now != 0 || (group && listener->zone[0] == '\0'))
            come_back(recovery, i, now, new);
    } else if (now != 0 || listener->zone[0] == '\0') {
        look_at_address(recovery, i, settled);
    }
}

/* ---- the group of the broadcasts ---- */

static void look_at_multicast(const struct listener_recovery *recovery, bool *new)
{
    struct first_worker_sockets *first_sockets = recovery->first_sockets;
    struct multicast_destination *multicast = &first_sockets->multicast_path;
    struct socket_renewal *renewal = recovery->renewals[0];
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct addr from;
    if (first_sockets->multicast == 0)
        return;
    config_listen_text(&recovery->config->broadcast.multicast, text);
    if (!multicast->missing &&
        multicast->interface != first_worker_sockets_multicast_interface(multicast)) {
        multicast->missing = true;
        multicast->told = 0;
        say_lost(text, multicast->zone);
    }
    if (!multicast->missing)
        return;
    int socket = first_worker_sockets_connect_multicast(recovery->config, multicast, &from);
    if (socket < 0) {
        if (socket != -ENODEV && socket != -ENETUNREACH && socket != -EADDRNOTAVAIL)
            say_failed(text, socket, advice(socket), &multicast->told);
        return;
    }
    if (renewal->multicast >= 0)
        socket_close(renewal->multicast);
    renewal->multicast = socket;
    renewal->multicast_from = from;
    renewal->multicast_own = multicast->own;
    multicast->missing = false;
    *new = true;
    say_back(text, multicast->zone);
}

/* ---- all of it ---- */

void listener_recovery_interface_removed(const struct listener_recovery *recovery,
                                         uint32_t interface)
{
    for (size_t i = 0; i < recovery->listeners->count; i++) {
        const struct listener *listener = &recovery->listeners->list[i];
        if (!listener->missing && listener->interface == interface)
            lose(recovery, i);
    }
    if (recovery->first_sockets->multicast != 0 &&
        recovery->first_sockets->multicast_path.interface == interface)
        recovery->first_sockets->multicast_path.interface = 0;
}

bool listener_recovery_check(const struct listener_recovery *recovery, bool settled, bool *new)
{
    bool missing = false;
    for (size_t i = 0; i < recovery->first_sockets->stream_count; i++)
        look_at_file(recovery, i, new);
    for (size_t i = 0; i < recovery->listeners->count; i++) {
        if (recovery->listeners->list[i].transport != TRANSPORT_UNIX)
            look_at_listener(recovery, i, settled, new);
        missing |= recovery->listeners->list[i].missing;
    }
    look_at_multicast(recovery, new);
    return missing || (recovery->first_sockets->multicast != 0 &&
                       recovery->first_sockets->multicast_path.missing);
}
