/* The sockets, opened all together before anything else is. */
#include "server/listen/listeners.h"

#include "net/interface/interface.h"
#include "net/socket/socket_option.h"
#include "net/socket/udp_socket.h"
#include "os/log/log.h"
#include "server/startup_error.h"
#include "text/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An address that the kernel does not let us bind to. */
static const char *advice_on_absence(const struct addr *addr)
{
    switch (interface_address(addr)) {
    case INTERFACE_ADDRESS_TENTATIVE:
        return "the address is tentative: the kernel still looks for a duplicate of it (DAD); try "
               "again in some seconds, or have it waited for (server.missing-address = wait)";
    case INTERFACE_ADDRESS_DUPLICATE:
        return "another host has the address: `ip address` says dadfailed; give this one another";
    default:
        return "no interface of this host has it, or it is a broadcast address; `ip address` lists "
               "what is there, and server.missing-address = wait waits for it";
    }
}

/* What to do about an address that can't be bound. */
static const char *advice(int error, const struct addr *addr)
{
    switch (error) {
    case EADDRINUSE:
        return "another program has it; stop that one or listen elsewhere (server.listen, -l)";
    case EACCES:
    case EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one "
               "(server.listen, -l)";
    case EADDRNOTAVAIL:
        return advice_on_absence(addr);
    case EAFNOSUPPORT:
        return "this host has no such protocol; leave the address out";
    case ENODEV:
        return "no interface has that name; `ip link` lists those that are there, and "
               "server.missing-address = wait waits for it";
    case ENETUNREACH:
        return "the loopback interface is down; `ip link set lo up` brings it up";
    case EMFILE:
        return "raise the limit on open files (ulimit -n), or take fewer workers or addresses";
    case ENOPROTOOPT:
        return "listen on single addresses, with one worker (server.listen, server.workers): that "
               "asks the least of a kernel";
    default:
        return startup_error_advice(-error, "see server.listen in udpsrv.conf(5)");
    }
}

static void warn_of_clamping(const struct listener *listener, const struct socket_options *options)
{
    if (options->receive_buffer_got_bytes >= options->receive_buffer_bytes)
        return;
    char asked[24], got[24];
    log_event(LOG_LEVEL_WARNING,
              "the kernel gave a smaller receive buffer than server.receive-buffer", "address",
              listener->text, "asked", text_format_size(options->receive_buffer_bytes, asked),
              "got", text_format_size(options->receive_buffer_got_bytes, got), "reason",
              "the kernel bounds it", "advice", "raise net.core.rmem_max, or ask for less", NULL);
}

/* A listener on loopback has no neighbours that may not answer. */
static void warn_of_small_reserve(const struct listener *listener)
{
    char least[24], got[24];
    uint32_t got_bytes = listener->senders[0].reserve_got_bytes;
    if (listener->senders[0].copy_reserve < 0 || got_bytes >= SEND_SOCKET_SET_RESERVE_LEAST_BYTES ||
        addr_is_loopback(&listener->bound))
        return;
    log_event(LOG_LEVEL_WARNING,
              "clients that vanish from the network may delay the replies to others", "address",
              listener->text, "wanted",
              text_format_size(SEND_SOCKET_SET_RESERVE_LEAST_BYTES, least), "got",
              text_format_size(got_bytes, got), "reason", "the kernel bounds send buffers",
              "advice", "raise net.core.wmem_max, or start udpsrv as root", NULL);
}

static void share(const struct listener *listener, size_t worker_count, bool may)
{
    for (size_t k = 0; k < worker_count; k++) {
        socket_share(listener->sockets[k], may);
        send_socket_set_share(&listener->senders[k], may);
    }
}

static void close_sockets(struct listener *listener, size_t socket_count, size_t sender_count)
{
    while (sender_count > 0)
        send_socket_set_close(&listener->senders[--sender_count]);
    while (socket_count > 0)
        socket_close(listener->sockets[--socket_count]);
    free(listener->senders);
    free(listener->sockets);
}

/* Where IPv6 is disabled on loopback, there is no address to connect a sender to; mostly it is
 * disabled everywhere then, and nothing comes. */
static int open_single(struct listener *listener, size_t k, uint32_t send_buffer_bytes)
{
    if (k == 0)
        log_event(LOG_LEVEL_WARNING, "clients that vanish may delay the replies to others",
                  "address", listener->text, "reason", "the loopback interface has no IPv6",
                  "advice",
                  "leave the address out, or enable IPv6 (net.ipv6.conf.lo.disable_ipv6) and "
                  "restart udpsrv",
                  NULL);
    return send_socket_set_open_single(&listener->senders[k], listener->sockets[k],
                                       send_buffer_bytes);
}

/* Opens what sends, beside the sockets that receive, and lets nobody else in meanwhile or after. */
static int open_senders(struct listener *listener, const struct config *config, size_t worker_count)
{
    int error = 0;
    size_t opened = 0;
    for (size_t k = 0; k < worker_count; k++)
        socket_share(listener->sockets[k], true);
    while (opened < worker_count && error == 0) {
        error = send_socket_set_open(&listener->senders[opened], listener->sockets[opened],
                                     &listener->bound, config->server.send_buffer_bytes);
        if (error == -EADDRNOTAVAIL && addr_is_wildcard(&listener->bound))
            error = open_single(listener, opened, config->server.send_buffer_bytes);
        opened += error == 0;
    }
    if (error != 0) {
        close_sockets(listener, worker_count, opened);
        return error;
    }
    share(listener, worker_count, false);
    return 0;
}

int listeners_find_interface(struct listener *listener)
{
    const struct config_listen *listen = listener->config;
    listener->interface = listen->addr.scope;
    memcpy(listener->zone, listen->zone, sizeof listener->zone);
    if (listener->zone[0] != '\0')
        listener->interface = socket_zone_index(listener->zone);
    else if (listener->interface != 0)
        interface_name(listener->interface, listener->zone);
    return listener->zone[0] == '\0' || listener->interface != 0 ? 0 : -ENODEV;
}

void listeners_warn_of_waiting(const struct listener *listener, int error)
{
    log_event(LOG_LEVEL_WARNING, "waiting for an address to listen on", "address", listener->text,
              "reason", strerror(-error), "advice",
              "it is served once it is there; `ip address` lists what is", NULL);
}

static int make_tables(struct listener *listener, size_t worker_count)
{
    listener->sockets = calloc(worker_count, sizeof listener->sockets[0]);
    listener->senders = calloc(worker_count, sizeof listener->senders[0]);
    if (listener->sockets != NULL && listener->senders != NULL)
        return 0;
    close_sockets(listener, 0, 0);
    return -ENOMEM;
}

/* Opens sockets that stand for those of an interface that is not there. */
static int reserve(struct listener *listener, size_t worker_count)
{
    int error = make_tables(listener, worker_count);
    for (size_t k = 0; k < worker_count && error == 0; k++) {
        listener->sockets[k] = socket_reserve();
        error = listener->sockets[k] < 0
                    ? listener->sockets[k]
                    : send_socket_set_reserve(&listener->senders[k], listener->sockets[k]);
        if (error == 0)
            continue;
        close_sockets(listener, k + (listener->sockets[k] >= 0), k);
        return error;
    }
    if (error == 0)
        listeners_warn_of_waiting(listener, -ENODEV);
    return error;
}

/* 0 or -errno; what was tried is in listener->text. */
static int open_one(struct listener *listener, const struct config *config, size_t worker_count,
                    bool waits)
{
    struct addr wanted = listener->bound;
    addr_format(&wanted, listener->text);
    int error = listeners_find_interface(listener);
    /* On a port that the kernel is to choose, none could be found later. */
    if (error != 0 && waits && wanted.port != 0) {
        config_listen_text(listener->config, listener->text);
        listener->missing = true;
        return reserve(listener, worker_count);
    }
    wanted.scope = listener->interface;
    struct socket_options options = {
        .receive_buffer_bytes = config->server.receive_buffer_bytes,
        .send_buffer_bytes = config->server.send_buffer_bytes,
        .may_be_missing = waits,
    };
    if (error == 0)
        error = make_tables(listener, worker_count);
    if (error != 0)
        return error;
    error = socket_open_group(&wanted, &options, &listener->bound, listener->sockets, worker_count);
    if (error != 0) {
        close_sockets(listener, 0, 0);
        return error;
    }
    listener->missing = options.is_missing;
    addr_format(&listener->bound, listener->text);
    warn_of_clamping(listener, &options);
    error = open_senders(listener, config, worker_count);
    if (error == 0)
        warn_of_small_reserve(listener);
    return error;
}

int listeners_open_again(const struct listener *listener, const struct config *config,
                         size_t worker_count, struct listener *fresh)
{
    *fresh = (struct listener){
        .transport = listener->transport, .bound = listener->bound, .config = listener->config};
    fresh->bound.scope = 0;
    int error = open_one(fresh, config, worker_count, true);
    for (size_t k = 0; error == 0 && k < worker_count; k++)
        error = socket_receive_all(fresh->sockets[k]);
    return error;
}

bool listeners_has(const struct config_listen *listen)
{
    return listen->transport == TRANSPORT_UDP && !addr_is_multicast(&listen->addr);
}

void listeners_share(const struct listeners *listeners, uint16_t port, bool may)
{
    for (size_t i = 0; i < listeners->own_count; i++)
        if (listeners->list[i].bound.port == port)
            share(&listeners->list[i], listeners->worker_count, may);
}

static bool may_do_without(const struct config *config, int error)
{
    return !config->server.listen_given && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

int listeners_open(struct listeners *listeners, const struct config *config, size_t worker_count)
{
    memset(listeners, 0, sizeof *listeners);
    listeners->worker_count = worker_count;
    int error = 0;
    for (size_t i = 0; i < config->server.listen_count; i++) {
        struct listener *listener = &listeners->list[listeners->count];
        if (!listeners_has(&config->server.listen[i]))
            continue;
        listener->config = &config->server.listen[i];
        listener->bound = listener->config->addr;
        error = open_one(listener, config, worker_count,
                         config->server.missing_address == MISSING_WAIT);
        if (error == 0) {
            if (listener->missing && listener->zone[0] == '\0')
                listeners_warn_of_waiting(listener, -EADDRNOTAVAIL);
            own_ports_add(&listeners->ports, &listener->bound);
            listeners->count = ++listeners->own_count;
            continue;
        }
        bool go_on = may_do_without(config, error);
        log_event(go_on ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  go_on ? "going on without a default listener" : "cannot listen", "address",
                  listener->text, "reason", socket_option_why(-error), "advice",
                  advice(-error, &listener->bound), NULL);
        if (!go_on)
            break;
    }
    if (error == 0 || (listeners->count > 0 && may_do_without(config, error)))
        return 0;
    if (may_do_without(config, error))
        log_event(LOG_LEVEL_ERROR, "cannot listen on any default address", "reason",
                  strerror(-error), "advice", "bring the loopback interface up, or use -l", NULL);
    listeners_close(listeners);
    return error;
}

int listeners_receive(const struct listeners *listeners)
{
    int error = 0;
    for (size_t i = 0; i < listeners->own_count; i++)
        for (size_t k = 0; k < listeners->worker_count && error == 0; k++)
            error = socket_receive_all(listeners->list[i].sockets[k]);
    return error;
}

void listeners_close(struct listeners *listeners)
{
    while (listeners->own_count > 0)
        close_sockets(&listeners->list[--listeners->own_count], listeners->worker_count,
                      listeners->worker_count);
    listeners->count = 0;
}
