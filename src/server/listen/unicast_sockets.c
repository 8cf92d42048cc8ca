#include "server/listen/unicast_sockets.h"

#include "net/interface/interface.h"
#include "net/socket/reuseport_group.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"
#include "net/socket/udp_socket.h"
#include "os/log/log.h"
#include "os/process/random.h"
#include "server/listen/unicast_takeover.h"
#include "server/startup_error.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Returns what to do about EADDRNOTAVAIL. */
static const char *advice_on_missing_address(const struct addr *addr)
{
    switch (interface_address(addr)) {
    case INTERFACE_ADDRESS_TENTATIVE:
        return "the address is tentative: the kernel still looks for a duplicate of it (DAD); try "
               "again in some seconds, or set server.missing-address = wait";
    case INTERFACE_ADDRESS_DUPLICATE:
        return "another host has the address: `ip address` shows dadfailed; give this host another";
    default:
        return "no interface of this host has the address, or it is a broadcast address; `ip "
               "address` lists "
               "what is there, and server.missing-address = wait waits for it";
    }
}

/* Returns what to do about an address that cannot be bound. */
static const char *advice(int error, const struct addr *addr)
{
    switch (error) {
    case EADDRINUSE:
        return "another program uses it; stop that program or listen elsewhere (server.listen, -l)";
    case EACCES:
    case EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one "
               "(server.listen, -l)";
    case EADDRNOTAVAIL:
        return advice_on_missing_address(addr);
    case EAFNOSUPPORT:
        return "this host does not support this kind of address; leave the address out";
    case ENODEV:
        return "no interface has that name; `ip link` lists those that are there, and "
               "server.missing-address = wait waits for it";
    case ENETUNREACH:
        return "the loopback interface is down; `ip link set lo up` brings it up";
    case EMFILE:
        return "raise the limit on open files (ulimit -n), or use fewer workers or addresses";
    case ENOPROTOOPT:
        return "listen on single addresses, with one worker (server.listen, server.workers): that "
               "needs the fewest features of a kernel";
    default:
        return startup_error_advice(-error, "see server.listen in udpsrv.conf(5)");
    }
}

/* What exists when sockets are opened, and which user gets them. */
struct open_options {
    const struct identity *owner;
    const struct existing_sockets *existing;
};

static void warn_of_small_receive_buffer(const struct listener *listener, uint32_t asked_bytes,
                                         uint32_t got_bytes)
{
    if (got_bytes >= asked_bytes)
        return;
    char asked[24], got[24];
    log_event(LOG_LEVEL_WARNING,
              "the kernel gave a smaller receive buffer than server.receive-buffer", "address",
              listener->text, "asked", size_format(asked_bytes, asked), "got",
              size_format(got_bytes, got), "reason", "the kernel bounds it", "advice",
              "raise net.core.rmem_max, or ask for less", NULL);
}

/* Warns of a reserve that is too small, except for a listener on loopback, where no neighbour can
 * fail to answer. */
static void warn_of_small_reserve(const struct listener *listener)
{
    char least[24], got[24];
    uint32_t got_bytes = listener->senders[0].reserve_got_bytes;
    if (listener->senders[0].copy_reserve < 0 || got_bytes >= SEND_SOCKET_SET_RESERVE_LEAST_BYTES ||
        addr_is_loopback(&listener->bound))
        return;
    log_event(LOG_LEVEL_WARNING,
              "clients that vanish from the network may delay the replies to others", "address",
              listener->text, "wanted", size_format(SEND_SOCKET_SET_RESERVE_LEAST_BYTES, least),
              "got", size_format(got_bytes, got), "reason", "the kernel bounds send buffers",
              "advice", "raise net.core.wmem_max, or start udpsrv as root", NULL);
}

/* If IPv6 is disabled on loopback, no address exists that a sender could be connected to, so the
 * socket that receives also sends. Mostly IPv6 is then disabled on all interfaces, and no datagram
 * is received. The same for a passed socket on a port that this process may not bind to. */
static bool needs_single(const struct listener *listener, int error)
{
    return (error == -EADDRNOTAVAIL && addr_is_wildcard(&listener->bound)) ||
           (error == -EACCES && listener->passed);
}

static int open_single(struct listener *listener, size_t k, uint32_t send_buffer_bytes)
{
    if (k == 0 && listener->passed)
        log_event(
            LOG_LEVEL_WARNING, "clients that vanish may delay the replies to others", "address",
            listener->text, "reason",
            "sockets that only send need a privilege for ports below 1024", "advice",
            "give udpsrv CAP_NET_BIND_SERVICE (AmbientCapabilities=), or choose a higher port",
            NULL);
    else if (k == 0)
        log_event(LOG_LEVEL_WARNING, "clients that vanish may delay the replies to others",
                  "address", listener->text, "reason", "the loopback interface has no IPv6",
                  "advice",
                  "leave the address out, or enable IPv6 (net.ipv6.conf.lo.disable_ipv6) and "
                  "restart udpsrv",
                  NULL);
    return send_socket_set_open_single(&listener->senders[k], listener->sockets[k],
                                       send_buffer_bytes);
}

/* Opens the sockets that send, beside those that receive. The port is shared only during this
 * (SO_REUSEADDR), so that no other program can bind to it later. */
static int open_senders(struct listener *listener, const struct config *config, size_t worker_count)
{
    int error = 0;
    size_t opened = 0;
    for (size_t k = 0; k < worker_count; k++)
        udp_socket_allow_sharing(listener->sockets[k], true);
    while (opened < worker_count && error == 0) {
        error = send_socket_set_open(&listener->senders[opened], listener->sockets[opened],
                                     &listener->bound, config->server.send_buffer_bytes);
        if (error != 0 && needs_single(listener, error))
            error = open_single(listener, opened, config->server.send_buffer_bytes);
        opened += error == 0;
        if (error == 0)
            error = send_socket_set_drop_received(&listener->senders[opened - 1]);
    }
    if (error != 0) {
        listeners_close_sockets(listener, worker_count, opened);
        return error;
    }
    for (size_t k = 0; k < worker_count; k++) {
        udp_socket_allow_sharing(listener->sockets[k], false);
        send_socket_set_share(&listener->senders[k], false);
    }
    return 0;
}

/* Reserves the descriptors of sockets whose interface does not exist yet. */
static int reserve_sockets(struct listener *listener, size_t worker_count)
{
    int error = listeners_make_tables(listener, worker_count);
    for (size_t k = 0; k < worker_count && error == 0; k++) {
        listener->sockets[k] = socket_open_placeholder();
        error = listener->sockets[k] < 0
                    ? listener->sockets[k]
                    : send_socket_set_reserve(&listener->senders[k], listener->sockets[k],
                                              &listener->bound);
        if (error == 0)
            continue;
        listeners_close_sockets(listener, k + (listener->sockets[k] >= 0), k);
        return error;
    }
    if (error == 0)
        listeners_warn_of_waiting(listener, -ENODEV);
    return error;
}

/* Uses the sockets that were passed for the listener. Returns 0, or -errno with none open. */
static int adopt_receivers(struct listener *listener, struct udp_socket_options *options,
                           size_t worker_count)
{
    int error = listeners_find_address(listener, options->may_be_missing);
    options->is_missing = listener->missing;
    for (size_t k = 0; k < worker_count && error == 0; k++)
        error = udp_socket_adopt(listener->sockets[k], &listener->bound, options);
    for (size_t k = 0; k < worker_count && error != 0; k++)
        socket_close(listener->sockets[k]);
    return error;
}

/* Returns 0, or -errno with none open. */
static int open_receivers(struct listener *listener, const struct addr *wanted,
                          struct udp_socket_options *options, size_t worker_count,
                          const struct existing_sockets *existing)
{
    listener->passed =
        existing->passed != NULL && passed_sockets_take(existing->passed, listener->config,
                                                        listener->sockets, worker_count) > 0;
    if (!listener->passed)
        return reuseport_group_open(wanted, options, &listener->bound, listener->sockets,
                                    worker_count);
    listener->bound = *wanted;
    return adopt_receivers(listener, options, worker_count);
}

/* Has the kernel choose the worker of a datagram by its source. Returns 0 also where the kernel
 * refuses that for all listeners. */
static int choose_by_source(struct listeners *listeners, const struct listener *listener)
{
    if (listeners->worker_count == 1 || listeners->choice == WORKER_CHOICE_BY_KERNEL)
        return 0;
    int error = reuseport_group_choose_by_source(listener->sockets, listeners->worker_count,
                                                 listener->bound.family, &listeners->shard_key);
    if (error == 0)
        listeners->choice = WORKER_CHOICE_BY_SOURCE;
    if (listeners->choice == WORKER_CHOICE_BY_SOURCE)
        return error;
    listeners->choice = WORKER_CHOICE_BY_KERNEL;
    listeners->choice_error = error;
    log_event(LOG_LEVEL_INFO, "the kernel chooses the worker of each client by its own hash",
              "address", listener->text, "reason", socket_option_error(-error), NULL);
    return 0;
}

/* Once the sockets that receive are open. */
static void note_receivers(struct listener *listener, const struct udp_socket_options *options)
{
    addr_format(&listener->bound, listener->text);
    warn_of_small_receive_buffer(listener, options->receive_buffer_bytes,
                                 options->receive_buffer_actual_bytes);
}

/* Opens the sockets that receive. */
static int open_group(struct listeners *listeners, struct listener *listener,
                      const struct addr *wanted, struct udp_socket_options *options,
                      const struct open_options *how)
{
    int error = open_receivers(listener, wanted, options, listeners->worker_count, how->existing);
    if (error != 0) {
        listeners_close_sockets(listener, 0, 0);
        return error;
    }
    listener->missing = options->is_missing;
    note_receivers(listener, options);
    error = choose_by_source(listeners, listener);
    /* After the last bind: all sockets of a group have to belong to one user. */
    for (size_t k = 0; k < listeners->worker_count && error == 0; k++)
        socket_set_owner(listener->sockets[k], how->owner);
    if (error != 0)
        listeners_close_sockets(listener, listeners->worker_count, 0);
    return error;
}

/* Returns 0 or -errno; listener->text is the address for a message. */
static int open_listener(struct listeners *listeners, struct listener *listener,
                         const struct config *config, bool waits, const struct open_options *how)
{
    size_t worker_count = listeners->worker_count;
    struct addr wanted = listener->bound;
    addr_format(&wanted, listener->text);
    int error = listeners_find_interface(listener);
    /* A port that the kernel chooses later would not be known to anyone. */
    if (error != 0 && waits && wanted.port != 0) {
        config_listen_text(listener->config, listener->text);
        listener->missing = true;
        return reserve_sockets(listener, worker_count);
    }
    wanted.scope = listener->interface;
    struct udp_socket_options options = {
        .receive_buffer_bytes = config->server.receive_buffer_bytes,
        .send_buffer_bytes = config->server.send_buffer_bytes,
        .may_be_missing = waits,
    };
    struct inherited_listener *entry =
        error == 0 ? unicast_takeover_find(how->existing->inherited, listener) : NULL;
    if (entry != NULL) {
        error = unicast_takeover_adopt(listeners, listener, entry, config);
        addr_format(&listener->bound, listener->text);
        return error;
    }
    if (error == 0)
        error = listeners_make_tables(listener, worker_count);
    if (error != 0)
        return error;
    error = open_group(listeners, listener, &wanted, &options, how);
    if (error == 0)
        error = open_senders(listener, config, worker_count);
    if (error == 0)
        warn_of_small_reserve(listener);
    return error;
}

int unicast_sockets_reopen(struct listeners *listeners, const struct listener *listener,
                           const struct config *config, struct listener *fresh)
{
    *fresh = (struct listener){
        .transport = listener->transport, .bound = listener->bound, .config = listener->config};
    fresh->bound.scope = 0;
    static const struct existing_sockets none = {NULL, NULL};
    static const struct identity same = {(uid_t)-1, (gid_t)-1};
    int error = open_listener(listeners, fresh, config, true,
                              &(struct open_options){.owner = &same, .existing = &none});
    for (size_t k = 0; error == 0 && k < listeners->worker_count; k++)
        error = reuseport_member_start(fresh->sockets[k]);
    return error;
}

bool unicast_sockets_are_for(const struct config_listen *listen)
{
    return listen->transport == TRANSPORT_UDP && !addr_is_multicast(&listen->addr);
}

static bool may_skip(const struct config *config, int error)
{
    return !config->server.listen_given && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

/* The key of the process before, if it had several workers: its clients are divided by it. */
static int make_shard_key(struct listeners *listeners, const struct inherited_sockets *inherited)
{
    uint8_t bytes[SOURCE_SHARD_KEY_BYTES];
    if (inherited != NULL && inherited->worker_count > 1) {
        listeners->shard_key = inherited->shard_key;
        listeners->choice = inherited->choice;
        listeners->choice_error = inherited->choice_error;
        return 0;
    }
    if (listeners->worker_count == 1)
        return 0;
    int error = random_fill(bytes, sizeof bytes);
    if (error != 0)
        return startup_error_report(
            "cannot divide the clients among the workers", "random key", error,
            "the kernel has no entropy yet, or refuses it: try again later");
    source_shard_key_init(&listeners->shard_key, bytes);
    return 0;
}

int unicast_sockets_open(struct listeners *listeners, const struct config *config,
                         size_t worker_count, const struct identity *owner,
                         const struct existing_sockets *existing)
{
    const struct open_options how = {owner, existing};
    memset(listeners, 0, sizeof *listeners);
    listeners->worker_count = worker_count;
    int error = make_shard_key(listeners, existing->inherited);
    if (error != 0)
        return error;
    for (size_t i = 0; i < config->server.listen_count; i++) {
        struct listener *listener = &listeners->list[listeners->count];
        if (!unicast_sockets_are_for(&config->server.listen[i]))
            continue;
        listener->config = &config->server.listen[i];
        listener->bound = listener->config->addr;
        error = open_listener(listeners, listener, config,
                              config->server.missing_address == MISSING_WAIT, &how);
        if (error == 0) {
            if (listener->missing && listener->zone[0] == '\0')
                listeners_warn_of_waiting(listener, -EADDRNOTAVAIL);
            own_ports_add(&listeners->ports, &listener->bound);
            listeners->count = ++listeners->unicast_count;
            continue;
        }
        bool skip = may_skip(config, error);
        log_event(skip ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  skip ? "continuing without a default listener" : "cannot listen", "address",
                  listener->text, "reason", socket_option_error(-error), "advice",
                  advice(-error, &listener->bound), NULL);
        if (!skip)
            break;
    }
    if (error == 0 || (listeners->count > 0 && may_skip(config, error)))
        return 0;
    if (may_skip(config, error))
        log_event(LOG_LEVEL_ERROR, "cannot listen on any default address", "reason",
                  strerror(-error), "advice", "bring the loopback interface up, or use -l", NULL);
    unicast_sockets_close(listeners);
    return error;
}

static void resize(const struct listeners *listeners, const struct listener *listener,
                   const struct config *config)
{
    uint32_t got_bytes = unicast_takeover_resize(listeners, listener, config);
    warn_of_small_receive_buffer(listener, config->server.receive_buffer_bytes, got_bytes);
}

int unicast_sockets_receive(const struct listeners *listeners, const struct config *config)
{
    int first = 0;
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        resize(listeners, &listeners->list[i], config);
        int error = unicast_takeover_choose(listeners, &listeners->list[i]);
        first = first != 0 ? first : error;
        for (size_t k = 0; k < listeners->worker_count; k++) {
            error = reuseport_member_start(listeners->list[i].sockets[k]);
            first = first != 0 ? first : error;
        }
    }
    return first;
}

void unicast_sockets_close(struct listeners *listeners)
{
    while (listeners->unicast_count > 0)
        listeners_close_sockets(&listeners->list[--listeners->unicast_count],
                                listeners->worker_count, listeners->worker_count);
    listeners->count = 0;
}
