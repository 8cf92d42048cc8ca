/* The sockets, opened all together before anything else is. */
#include "server/listeners.h"

#include "core/text.h"
#include "net/log.h"
#include "net/socket.h"

#include <errno.h>
#include <string.h>

/* What to do about an address that can't be bound. */
static const char *advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program has it; stop that one or listen elsewhere (server.listen, -l)";
    case EACCES:
    case EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one "
               "(server.listen, -l)";
    case EADDRNOTAVAIL:
        return "no interface of this host has it, or it is a broadcast address; `ip address` lists "
               "what "
               "is there";
    case EAFNOSUPPORT:
        return "this host has no such protocol; leave the address out";
    case ENODEV:
        return "no interface has that name; `ip link` lists those that are there";
    default:
        return "see server.listen in udpsrv.conf(5)";
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
              "got", text_format_size(options->receive_buffer_got_bytes, got), "advice",
              "raise net.core.rmem_max, or ask for less", NULL);
}

/* 0 or -errno; what was tried is in listener->text. */
static int open_one(struct listener *listener, const struct config_listen *listen,
                    const struct config *config)
{
    struct addr wanted = listen->addr;
    addr_format(&wanted, listener->text);
    if (listen->zone[0] != '\0') {
        wanted.scope = socket_zone_index(listen->zone);
        if (wanted.scope == 0)
            return -ENODEV;
    }
    struct socket_options options = {
        .receive_buffer_bytes = config->server.receive_buffer_bytes,
        .send_buffer_bytes = config->server.send_buffer_bytes,
    };
    listener->socket = socket_open(&wanted, &options, &listener->bound);
    if (listener->socket < 0)
        return listener->socket;
    addr_format(&listener->bound, listener->text);
    warn_of_clamping(listener, &options);
    return 0;
}

static bool may_do_without(const struct config *config, int error)
{
    return !config->server.listen_stated && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

int listeners_open(struct listeners *listeners, const struct config *config)
{
    memset(listeners, 0, sizeof *listeners);
    int error = 0;
    for (size_t i = 0; i < config->server.listen_count; i++) {
        struct listener *listener = &listeners->list[listeners->count];
        error = open_one(listener, &config->server.listen[i], config);
        if (error == 0) {
            service_ports_add(&listeners->ports, listener->bound.port);
            listeners->count++;
            continue;
        }
        bool go_on = may_do_without(config, error);
        log_event(go_on ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  go_on ? "going on without a default listener" : "cannot listen", "address",
                  listener->text, "reason", strerror(-error), "advice", advice(-error), NULL);
        if (!go_on)
            break;
    }
    if (listeners->count > 0 && (error == 0 || may_do_without(config, error)))
        return 0;
    if (may_do_without(config, error))
        log_event(LOG_LEVEL_ERROR, "cannot listen on any default address", "reason",
                  strerror(-error), "advice", "bring the loopback interface up, or use -l", NULL);
    listeners_close(listeners);
    return error;
}

void listeners_close(struct listeners *listeners)
{
    while (listeners->count > 0)
        socket_close(listeners->list[--listeners->count].socket);
}
