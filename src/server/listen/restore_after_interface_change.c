#include "server/listen/restore_after_interface_change.h"

#include "net/interface/interface.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/tcp_socket.h"
#include "os/log/log.h"
#include "server/listen/unicast_sockets.h"
#include "server/startup_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- log lines ---- */

static void log_lost(const char *address, const char *zone)
{
    log_event(LOG_LEVEL_WARNING, "an interface is gone", "address", address, "interface",
              zone[0] != '\0' ? zone : "of the routes", "reason", strerror(ENODEV), "advice",
              "the address is served again once such an interface exists", NULL);
}

static void log_restored(const char *address, const char *zone)
{
    /* NULL ends the pairs: a listener that is tied to no interface has none to log. */
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
        return "another program uses the port there; stop that program";
    default:
        return startup_error_advice(error, "udpsrv tries again each second");
    }
}

/* ---- groups ---- */

static struct multicast_group_sockets *find_group(const struct listener_restore *recovery,
                                                  size_t listener)
{
    for (size_t i = 0; i < recovery->sockets->first_worker.group_count; i++)
        if (recovery->sockets->first_worker.groups[i].listener == listener)
            return &recovery->sockets->first_worker.groups[i];
    return NULL;
}

static uint32_t receive_buffer(const struct listener_restore *recovery)
{
    return recovery->config->server.receive_buffer_bytes;
}

/* Opens another socket for a group. A link-local group needs one that is bound to the interface;
 * another group when the memberships on removed interfaces, which the kernel keeps, are as many as
 * a socket may have (net.ipv4.igmp_max_memberships, 20 by default). */
static int reopen_group(const struct listener_restore *recovery, size_t i, uint32_t interface,
                        bool *added)
{
    const struct addr *group = &recovery->sockets->listeners.list[i].config->addr;
    listeners_share_port(&recovery->sockets->listeners, group->port, true);
    int socket = multicast_join(group, interface, receive_buffer(recovery));
    listeners_share_port(&recovery->sockets->listeners, group->port, false);
    if (socket < 0)
        return socket;
    socket_renewal_add(recovery->renewals[0], i, socket, NULL);
    *added = true;
    return 0;
}

static int join(const struct listener_restore *recovery, size_t i, uint32_t interface, bool *added)
{
    const struct addr *group = &recovery->sockets->listeners.list[i].config->addr;
    int error = multicast_add_membership(find_group(recovery, i)->socket, group, interface);
    return error == -ENOBUFS ? reopen_group(recovery, i, interface, added) : error;
}

/* Returns 0 or -errno; 0 also if the membership exists already (EADDRINUSE). */
static int join_again(const struct listener_restore *recovery, size_t i, uint32_t interface,
                      bool *added)
{
    const struct addr *group = &recovery->sockets->listeners.list[i].config->addr;
    if (group->family == ADDR_IPV6 && addr_is_link_scoped_group(group))
        return reopen_group(recovery, i, interface, added);
    int error = join(recovery, i, interface, added);
    return error == -EADDRINUSE ? 0 : error;
}

/* ---- listeners ---- */

static void mark_lost(const struct listener_restore *recovery, size_t i)
{
    struct listener *listener = &recovery->sockets->listeners.list[i];
    struct multicast_group_sockets *group = find_group(recovery, i);
    if (group != NULL)
        multicast_drop_membership(group->socket, &listener->config->addr, listener->interface);
    listener->interface = 0;
    listener->missing = true;
    listener->logged_error = 0;
    log_lost(listener->text, listener->zone);
}

/* Opens new sockets for all workers, on the interface that has the name now. */
static int reopen_unicast(const struct listener_restore *recovery, size_t i, bool *added)
{
    struct listeners *listeners = &recovery->sockets->listeners;
    struct listener *listener = &listeners->list[i], fresh;
    int error = unicast_sockets_reopen(listeners, listener, recovery->config, &fresh);
    if (error != 0)
        return error;
    for (size_t k = 0; k < listeners->worker_count; k++)
        socket_renewal_add(recovery->renewals[k], i, fresh.sockets[k], &fresh.senders[k]);
    free(fresh.sockets);
    free(fresh.senders);
    listener->bound = fresh.bound;
    memcpy(listener->text, fresh.text, sizeof listener->text);
    listener->missing = fresh.missing;
    *added = true;
    return 0;
}

static int reopen_stream(const struct listener_restore *recovery, size_t i, uint32_t interface,
                         bool *added)
{
    struct listener *listener = &recovery->sockets->listeners.list[i];
    struct config_listen bound = *listener->config;
    struct addr at = listener->bound;
    at.scope = interface;
    int socket = tcp_listen_freebind(&at, &bound.addr);
    if (socket < 0)
        return socket;
    socket_renewal_add(recovery->renewals[0], i, socket, NULL);
    listener->bound = bound.addr;
    bound.zone[0] = '\0';
    config_listen_text(&bound, listener->text);
    listener->missing = interface_address(&listener->bound) != INTERFACE_ADDRESS_PRESENT;
    *added = true;
    return 0;
}

/* Restores a listener on the interface of this index; 0: that of the route, for a group. */
static void restore(const struct listener_restore *recovery, size_t i, uint32_t interface,
                    bool *added)
{
    struct listener *listener = &recovery->sockets->listeners.list[i];
    bool is_group = find_group(recovery, i) != NULL;
    int error = 0;
    if (is_group) {
        error = join_again(recovery, i, interface, added);
        listener->missing = error != 0;
        if (error == 0 && listener->config->addr.family == ADDR_IPV6)
            listener->bound.scope = interface;
    } else if (listener->bound.scope == interface) {
        listener->missing = interface_address(&listener->bound) != INTERFACE_ADDRESS_PRESENT;
    } else if (listener->transport == TRANSPORT_UDP) {
        error = reopen_unicast(recovery, i, added);
    } else {
        error = reopen_stream(recovery, i, interface, added);
    }
    if (error == 0) /* read after the kernel has chosen by the route, which may be new */
        listener->interface =
            interface != 0 || !is_group ? interface : interface_route_lookup(&listener->config->addr);
    /* -ENODEV: there is no route to choose an interface by yet. The next check tries again. */
    else if (error != -ENODEV)
        listeners_log_failed(listener->text, error, advice(error), &listener->logged_error);
    if (!listener->missing)
        log_restored(listener->text, listener->zone);
}

/* Handles sockets that are bound to a missing address: once it appears, connects the sockets that
 * send. */
static void check_address(const struct listener_restore *recovery, size_t i, bool all_taken)
{
    struct listener *listener = &recovery->sockets->listeners.list[i];
    int error = 0;
    if (!all_taken || interface_address(&listener->bound) != INTERFACE_ADDRESS_PRESENT)
        return;
    for (size_t k = 0; listener->senders != NULL && k < recovery->sockets->listeners.worker_count;
         k++)
        if (error == 0)
            error = send_socket_set_connect(&listener->senders[k], &listener->bound);
    if (error != 0)
        return;
    listener->missing = false;
    log_restored(listener->text, listener->zone);
}

/* Returns the index that the interface of a listener has now, 0 if it does not exist. A group that
 * names no interface moves to that of the route once the one in use is removed. */
static uint32_t find_interface(const struct listener *listener, bool is_group)
{
    char name[ADDR_ZONE_BYTES];
    if (listener->zone[0] != '\0')
        return interface_index(listener->zone);
    if (!is_group || (!listener->missing && interface_name(listener->interface, name)))
        return listener->interface;
    return interface_route_lookup(&listener->config->addr);
}

/* If netlink is not permitted, the interface on which the kernel joined a group by its routes is
 * not known. For IPv4, joining again succeeds only if the membership was lost. For IPv6 it never
 * does, since the kernel compares with all memberships of the socket, also those of removed
 * interfaces: the group is joined on a known interface as soon as there is one. */
static void check_routed_group(const struct listener_restore *recovery, size_t i, bool *added)
{
    struct listener *listener = &recovery->sockets->listeners.list[i];
    const struct addr *addr = &listener->config->addr;
    uint32_t interface = addr->family == ADDR_IPV6 ? interface_route_lookup(addr) : 0;
    if (addr->family == ADDR_IPV6 && interface == 0)
        return;
    if (interface != 0)
        multicast_drop_membership(find_group(recovery, i)->socket, addr, 0);
    if (join(recovery, i, interface, added) != 0)
        return;
    listener->interface = interface;
    if (interface == 0)
        log_restored(listener->text, listener->zone);
}

static void check_listener(const struct listener_restore *recovery, size_t i, bool all_taken,
                           bool *added)
{
    struct listener *listener = &recovery->sockets->listeners.list[i];
    bool is_group = find_group(recovery, i) != NULL;
    uint32_t now = find_interface(listener, is_group);
    if (!listener->missing && listener->interface != 0 && now != listener->interface)
        mark_lost(recovery, i);
    if (!listener->missing) {
        if (is_group && listener->interface == 0)
            check_routed_group(recovery, i, added);
        return;
    }
    if (is_group || now != listener->interface) {
        if (now != 0 || (is_group && listener->zone[0] == '\0'))
            restore(recovery, i, now, added);
    } else if (now != 0 || listener->zone[0] == '\0') {
        check_address(recovery, i, all_taken);
    }
}

/* ---- broadcast.multicast ---- */

static void mark_multicast_lost(const struct listener_restore *recovery)
{
    struct broadcast_multicast_socket *multicast = &recovery->sockets->first_worker.multicast;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    multicast->missing = true;
    multicast->logged_error = 0;
    log_lost(config_listen_text(&recovery->config->broadcast.multicast, text), multicast->zone);
}

static void check_multicast(const struct listener_restore *recovery, bool *added)
{
    struct broadcast_multicast_socket *multicast = &recovery->sockets->first_worker.multicast;
    struct socket_renewal *renewal = recovery->renewals[0];
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct addr from;
    if (multicast->socket == 0)
        return;
    config_listen_text(&recovery->config->broadcast.multicast, text);
    if (!multicast->missing &&
        multicast->interface != broadcast_multicast_socket_interface(multicast))
        mark_multicast_lost(recovery);
    if (!multicast->missing)
        return;
    int socket = broadcast_multicast_socket_connect(multicast, recovery->config, &from);
    if (socket < 0) {
        if (!broadcast_multicast_socket_is_missing(socket))
            listeners_log_failed(text, socket, advice(socket), &multicast->logged_error);
        return;
    }
    if (renewal->multicast >= 0)
        socket_close(renewal->multicast);
    renewal->multicast = socket;
    renewal->multicast_from = from;
    renewal->multicast_own = multicast->own_addr;
    multicast->missing = false;
    *added = true;
    log_restored(text, multicast->zone);
}

/* ---- everything ---- */

void listener_restore_interface_removed(const struct listener_restore *recovery, uint32_t interface)
{
    for (size_t i = 0; i < recovery->sockets->listeners.count; i++) {
        const struct listener *listener = &recovery->sockets->listeners.list[i];
        if (!listener->missing && listener->interface == interface)
            mark_lost(recovery, i);
    }
    const struct broadcast_multicast_socket *multicast = &recovery->sockets->first_worker.multicast;
    if (multicast->socket != 0 && !multicast->missing && multicast->interface == interface)
        mark_multicast_lost(recovery);
}

bool listener_restore_check(const struct listener_restore *recovery, bool all_taken, bool *added)
{
    const struct broadcast_multicast_socket *multicast = &recovery->sockets->first_worker.multicast;
    bool missing = false;
    for (size_t i = 0; i < recovery->sockets->listeners.count; i++) {
        if (recovery->sockets->listeners.list[i].transport != TRANSPORT_UNIX)
            check_listener(recovery, i, all_taken, added);
        missing |= recovery->sockets->listeners.list[i].missing;
    }
    check_multicast(recovery, added);
    return missing || (multicast->socket != 0 && multicast->missing);
}
