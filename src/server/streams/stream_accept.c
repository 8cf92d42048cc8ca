#include "server/streams/stream_accept.h"

#include "net/message/framed_stream_handover.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/tcp_socket.h"
#include "net/unix/unix_listener.h"
#include "os/log/log.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "server/streams/stream_disconnect.h"
#include "server/streams/stream_events.h"
#include "server/streams/stream_messages.h"

#include <errno.h>
#include <string.h>

enum {
    ACCEPTS_AT_ONCE = 64, /* before other events are handled */
    RETRY_MS = 1000,      /* after a failed accept, so that a lasting failure costs no CPU time */
};

/* ---- an accepted connection ---- */

static void on_message(void *state, char *message, size_t size)
{
    stream_messages_receive(state, (const uint8_t *)message, size);
}

static void on_too_long(void *state)
{
    stream_messages_drop_too_long(state);
}

static void on_drained(void *state)
{
    stream_disconnect_drained(state);
}

static void on_closed(void *state, int error)
{
    stream_disconnect_closed(state, error);
}

static const struct framed_stream_callbacks callbacks = {on_message, on_drained, on_closed};

static void configure(struct framed_stream *stream, const struct stream_clients_options *options)
{
    if (options->framing == FRAMING_CHUNK)
        framed_stream_deliver_chunks(stream, on_too_long);
    else
        framed_stream_accept_partial_line(stream);
    framed_stream_limit_output(stream, options->buffer_bytes);
}

static void accept_client(struct stream_clients *table, const struct stream_listener *listener,
                          int fd, const struct addr *addr)
{
    struct stream_client *client = stream_table_add(table, listener, addr, clock_now_ms());
    client->stream = framed_stream_new(table->options.loop, fd, table->options.max_message_bytes,
                                       &callbacks, client);
    if (client->stream == NULL) {
        stream_table_remove(client);
        table->options.stats->streams_refused++;
        stream_events_refused(table, listener->listener, addr);
        return;
    }
    configure(client->stream, &table->options);
    table->options.stats->joined++;
    stream_events_client(client, EVENT_JOINED, EVENT_REASON_NONE);
}

struct framed_stream *stream_accept_take_over(struct stream_client *client,
                                              struct handover_reader *reader)
{
    const struct stream_clients_options *options = &client->table->options;
    struct framed_stream *stream = framed_stream_take_over(
        options->loop, reader, options->max_message_bytes, &callbacks, client);
    if (stream != NULL)
        configure(stream, options);
    return stream;
}

/* ---- refusing ---- */

bool stream_accept_is_denied(const struct stream_clients *table, const struct addr *addr)
{
    const struct access_list *acl = table->options.datagram_decider->rules.acl;
    return acl != NULL && addr->family != ADDR_NONE && !access_list_admits(acl, addr);
}

/* Sends no error line: a denied datagram gets no reply either. */
static void deny(struct stream_clients *table, int fd)
{
    socket_close(fd);
    table->options.stats->streams_denied++;
}

static void refuse(struct stream_clients *table, const struct stream_listener *listener, int fd,
                   const struct addr *addr)
{
    static const char text[] = "error: too many streams; try again later\n";
    unix_listener_reject(fd, text, sizeof text - 1);
    table->options.stats->streams_refused++;
    stream_events_refused(table, listener->listener, addr);
}

static const char *advice(int error)
{
    switch (error) {
    case -EMFILE:
        return "raise the limit on open files (ulimit -n), or lower server.stream-max";
    case -ENFILE:
        return "raise fs.file-max, or close files elsewhere; udpsrv tries again each second";
    case -ENOMEM:
    case -ENOBUFS:
        return "free some memory; udpsrv tries again each second";
    default:
        return "udpsrv tries again each second";
    }
}

/* A connection that cannot be accepted keeps its listener readable, so the listeners are not
 * watched until the retry. */
static void pause_accepting(struct stream_clients *table, int error)
{
    log_limited(LOG_KIND_STREAM_REFUSED, clock_now_ms(), "cannot accept a stream", "reason",
                strerror(-error), "advice", advice(error), NULL);
    stream_table_pause(table);
    loop_timer_once(&table->retry, (uint64_t)RETRY_MS * 1000000);
}

static void on_retry(void *state)
{
    stream_table_resume(state);
}

/* ---- listeners ---- */

static void on_connection(void *state, unsigned events)
{
    struct stream_acceptor *acceptor = state;
    struct stream_clients *table = acceptor->table;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        /* The other descriptors are reserved for the operators' sessions. */
        if (!stream_table_is_full(table) && table->occupied >= table->options.files) {
            if (i == 0) /* the event was for a connection that waits */
                pause_accepting(table, -EMFILE);
            return;
        }
        struct addr addr = {.family = ADDR_NONE};
        int fd = acceptor->options.transport == TRANSPORT_TCP
                     ? tcp_accept(acceptor->options.socket, &addr)
                     : unix_listener_accept(acceptor->options.socket);
        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            pause_accepting(table, fd);
            return;
        }
        if (stream_accept_is_denied(table, &addr))
            deny(table, fd);
        else if (stream_table_is_full(table))
            refuse(table, &acceptor->options, fd, &addr);
        else
            accept_client(table, &acceptor->options, fd, &addr);
    }
}

int stream_accept_open(struct stream_clients *table)
{
    int error = loop_timer_open(table->options.loop, &table->retry, on_retry, table);
    for (size_t i = 0; i < table->options.listener_count && error == 0; i++) {
        struct stream_acceptor *acceptor = &table->acceptors[i];
        *acceptor =
            (struct stream_acceptor){.table = table, .options = table->options.listeners[i]};
        error = loop_add(table->options.loop, &acceptor->handler, acceptor->options.socket,
                         LOOP_READ, on_connection, acceptor);
        table->acceptor_count += error == 0;
    }
    return error;
}

void stream_accept_close(struct stream_clients *table)
{
    for (size_t i = 0; i < table->acceptor_count; i++)
        loop_remove(&table->acceptors[i].handler);
    loop_timer_close(&table->retry);
    table->paused = false; /* a client that is removed from now on must not resume accepting */
}

void stream_accept_replace_socket(struct stream_clients *table, uint8_t listener, int *socket)
{
    for (size_t i = 0; i < table->acceptor_count && *socket >= 0; i++) {
        struct stream_acceptor *acceptor = &table->acceptors[i];
        if (acceptor->options.listener != listener)
            continue;
        /* Clients that connected before the file was removed still wait to be accepted. */
        if (acceptor->options.transport == TRANSPORT_UNIX)
            on_connection(acceptor, LOOP_READ);
        if (loop_replace(&acceptor->handler, *socket) == 0)
            *socket = -1;
    }
}
