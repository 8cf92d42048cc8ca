#include "server/metrics/http_listener.h"

#include "net/socket/socket_descriptor.h"
#include "net/socket/tcp_socket.h"
#include "net/unix/unix_listener.h"
#include "os/log/log.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MODE = 0666,      /* as a stream listener (server/listen/stream_sockets) */
    ACCEPTS_AT_ONCE = 16,  /* before other events are handled */
    RETRY_NS = 1000000000, /* when no descriptor is free and no connection can be closed */
};

struct http_listener {
    struct http_listener_options options;
    struct loop_handler handler;
    struct loop_timer retry;
    struct config_listen bound;
    struct socket_file file; /* of a Unix socket */
    int socket;
    bool is_inherited;
    char text[CONFIG_LISTEN_TEXT_BYTES];
};

static void pause_accepting(struct http_listener *listener, int error)
{
    log_limited(LOG_KIND_METRICS_REFUSED, clock_now_ms(), "cannot accept a connection for metrics",
                "reason", strerror(-error), "advice",
                "raise the limit on open files (ulimit -n), or free some memory", NULL);
    /* The connection still waits: without a pause the loop would spin until something is freed. */
    if (listener->options.make_room(listener->options.state))
        return;
    loop_change(&listener->handler, 0);
    loop_timer_once(&listener->retry, RETRY_NS);
}

static void on_connection(void *state, unsigned events)
{
    struct http_listener *listener = state;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct addr peer = {.family = ADDR_NONE};
        int fd = listener->bound.transport == TRANSPORT_TCP
                     ? tcp_accept(listener->socket, &peer)
                     : unix_listener_accept(listener->socket);
        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            pause_accepting(listener, fd);
            return;
        }
        listener->options.accepted(listener->options.state, fd, &peer);
    }
}

static void on_retry(void *state)
{
    struct http_listener *listener = state;
    loop_change(&listener->handler, LOOP_READ);
}

/* Takes the socket of the process before, if it has one there. Returns the descriptor or -1. */
static int take_socket(struct http_listener *listener)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct inherited_listener *entry = inherited_sockets_find(
        listener->options.inherited, INHERITED_METRICS, config_listen_text(&listener->bound, text));
    if (entry == NULL)
        return -1;
    int socket = entry->sockets[0];
    entry->sockets[0] = -1;
    listener->bound.addr = entry->bound;
    listener->file = entry->file;
    listener->is_inherited = true;
    return socket;
}

/* Returns the descriptor or -errno. */
static int make_socket(struct http_listener *listener)
{
    const struct config *config = listener->options.config;
    const struct addr *addr = &config->metrics.listen.addr;
    if (listener->bound.transport == TRANSPORT_UNIX) {
        int made = unix_listener_open(listener->bound.path, FILE_MODE, listener->options.owner);
        if (made >= 0)
            socket_file_read(listener->bound.path, &listener->file);
        return made;
    }
    int socket = tcp_listen(addr, &listener->bound.addr);
    if (socket == -EADDRNOTAVAIL && config->server.missing_address == MISSING_WAIT)
        socket = tcp_listen_freebind(addr, &listener->bound.addr);
    return socket;
}

static int open_socket(struct http_listener *listener)
{
    int socket = take_socket(listener);
    return socket >= 0 ? socket : make_socket(listener);
}

static void close_socket(struct http_listener *listener)
{
    if (listener->bound.transport == TRANSPORT_UNIX)
        unix_listener_close_and_remove(listener->socket, listener->bound.path);
    else
        socket_close(listener->socket);
}

static void leave_loop(struct http_listener *listener)
{
    loop_remove(&listener->handler);
    loop_timer_close(&listener->retry);
}

static int enter_loop(struct http_listener *listener, struct loop *loop)
{
    int error = loop_timer_open(loop, &listener->retry, on_retry, listener);
    if (error != 0)
        return error;
    error =
        loop_add(loop, &listener->handler, listener->socket, LOOP_READ, on_connection, listener);
    if (error != 0)
        loop_timer_close(&listener->retry);
    return error;
}

int http_listener_open(struct http_listener **listener, const struct http_listener_options *options)
{
    struct http_listener *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->bound = options->config->metrics.listen;
    int error = made->socket = open_socket(made);
    if (error < 0) {
        free(made);
        return error;
    }
    config_listen_text(&made->bound, made->text);
    error = made->is_inherited ? 0 : enter_loop(made, options->loop);
    if (error != 0) {
        close_socket(made);
        free(made);
        return error;
    }
    *listener = made;
    return 0;
}

int http_listener_move(struct http_listener *listener, struct loop *loop)
{
    leave_loop(listener);
    return enter_loop(listener, loop);
}

void http_listener_hand_over(const struct http_listener *listener, struct handover_writer *writer)
{
    int socket = listener->socket;
    struct inherited_listener entry = {
        .kind = INHERITED_METRICS,
        .bound = listener->bound.addr,
        .file = listener->file,
        .socket_count = 1,
        .sockets = &socket,
    };
    config_listen_text(&listener->options.config->metrics.listen, entry.text);
    inherited_sockets_put(writer, &entry);
}

const char *http_listener_text(const struct http_listener *listener)
{
    enum transport transport;
    const char *address = transport_split(listener->text, &transport);
    return transport == TRANSPORT_UNIX ? listener->text : address;
}

void http_listener_close(struct http_listener *listener)
{
    if (listener == NULL)
        return;
    leave_loop(listener);
    close_socket(listener);
    free(listener);
}
