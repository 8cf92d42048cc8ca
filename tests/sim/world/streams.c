#include "sim/world/streams.h"

#include "sim/check/payload.h"
#include "sim/check/restoring.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/net/host.h"
#include "sim/os/files.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"

#include <stdio.h>
#include <string.h>

enum { STREAMS_MAX = 12, FIRST_NUMBER = 100000, LINE_BYTES_MAX = 70000 };

struct stream_client {
    const struct drawn_listener *listener;
    struct addr addr;
    struct connection *connection;
    uint32_t number, sent, refusals;
    bool stalls;
    bool is_partial;             /* the end of its last line is not sent */
    uint64_t asked_ms, reply_ms; /* of the first message since the last reply; 0: none */
};

static struct stream_client clients[STREAMS_MAX];
static size_t count;
static bool quiet, stopped;

static struct acceptor *listener_of(const struct stream_client *client)
{
    if (client->listener->kind == LISTEN_TCP) {
        struct addr addr = client->listener->addr;
        if (client->listener->zone != HOST_LO)
            addr.scope = host_index(client->listener->zone);
        struct acceptor *found =
            addr_is_wildcard(&addr) || host_has(&addr) ? acceptor_at(&addr) : NULL;
        if (found == NULL)
            restoring_check_stream(client->listener);
        return found;
    }
    const struct simulated_file *file = simulated_file_find(client->listener->path);
    return file != NULL ? (struct acceptor *)file->listener : NULL;
}

static void connect(struct stream_client *client)
{
    client->addr.port = (uint16_t)draw_range(DRAW_CLIENTS, 10000, 60000);
    client->connection = connection_open(listener_of(client), &client->addr);
    /* A small buffer is full, and the rest of a line waits, after a few replies. */
    if (client->connection != NULL && draw_below(DRAW_CLIENTS, 2) == 0)
        client->connection->to_client.limit = draw_range(DRAW_CLIENTS, 16, 512);
    client->stalls = !quiet && draw_below(DRAW_CLIENTS, 6) == 0;
    client->asked_ms = client->reply_ms = 0;
    client->is_partial = false;
}

static void disconnect(struct stream_client *client, bool reset)
{
    connection_close(client->connection, reset);
    client->connection = NULL;
}

static void read_all(struct stream_client *client)
{
    static char bytes[LINE_BYTES_MAX];
    size_t size;
    while ((size = connection_read(client->connection, bytes, sizeof bytes)) > 0) {
        client->reply_ms = event_queue_now_ms();
        client->asked_ms = 0;
        if (size >= 7 && memcmp(bytes, "error: ", 7) == 0)
            client->refusals++;
    }
}

/* Writes the end of a message: an LF that ends a line, or is the last byte of some chunks. */
static size_t write_end(char *bytes, size_t size, bool is_whole)
{
    if (setup.has_chunks) {
        if (size % 4 == 0)
            payload_end_in_newline(bytes, size);
        return size;
    }
    bytes[size] = '\n';
    return size + is_whole;
}

static void send_message(struct stream_client *client)
{
    static char bytes[LINE_BYTES_MAX];
    uint64_t kind = quiet ? 9 : draw_below(DRAW_CLIENTS, 12);
    if (quiet && client->is_partial) {
        client->is_partial = connection_write(client->connection, "\n", 1) == 0;
        return;
    }
    size_t most = setup.max_datagram;
    size_t size = payload_write_message(bytes, client->number, client->sent++,
                                        draw_below(DRAW_CLIENTS, most));
    if (kind == 0)
        size = payload_write_message(bytes, client->number, client->sent++, most + 3);
    if (kind == 1)
        memcpy(bytes, "\0UDP\1", 5);
    size_t written = connection_write(client->connection, bytes, write_end(bytes, size, kind != 2));
    if (written > 0)
        client->is_partial = !setup.has_chunks && written <= size;
    /* In the end a server that takes no more messages has to answer those that it has. */
    if ((written > 0 || quiet) && client->asked_ms == 0)
        client->asked_ms = event_queue_now_ms();
}

static void act(struct stream_client *client)
{
    uint64_t action = quiet ? 50 : draw_below(DRAW_CLIENTS, 100);
    trace(TRACE_CLIENT, client->number, action, client->sent, 0);
    if (action < 4)
        disconnect(client, false);
    else if (action < 8)
        disconnect(client, true);
    else if (action < 12)
        connection_end(client->connection);
    else if (action < 16)
        for (int i = 0; i < 200; i++)
            send_message(client);
    else
        send_message(client);
}

static void on_turn(void *state)
{
    struct stream_client *client = state;
    if (stopped)
        return;
    if (client->connection != NULL && !client->stalls)
        read_all(client);
    if (client->connection != NULL && connection_is_over(client->connection))
        disconnect(client, false);
    if (client->connection == NULL)
        connect(client);
    else
        act(client);
    event_queue_add(quiet ? 500000000 : draw_range(DRAW_CLIENTS, 1, 4000) * 1000000, on_turn,
                    client);
}

/* An address from which a client connects. */
static struct addr peer_of(const struct drawn_listener *listener)
{
    if (listener->addr.family == ADDR_IPV6)
        return (struct addr){.ip = {0xfe, 0x80, [15] = 77}, .family = ADDR_IPV6};
    if (listener->addr.ip[0] == 192)
        return (struct addr){.ip = {192, 0, 2, 77}, .family = ADDR_IPV4};
    return (struct addr){.ip = {127, 0, 0, 1}, .family = ADDR_IPV4};
}

void streams_reset(void)
{
    for (size_t i = 0; i < count; i++) {
        event_queue_remove(&clients[i]);
        if (clients[i].connection != NULL)
            disconnect(&clients[i], false);
    }
    count = 0;
    quiet = false;
}

void streams_draw(void)
{
    for (size_t i = 0; i < setup.listener_count; i++) {
        const struct drawn_listener *listener = &setup.listeners[i];
        if (listener->kind != LISTEN_TCP && listener->kind != LISTEN_UNIX)
            continue;
        for (uint64_t k = draw_range(DRAW_SETUP, 1, 5); k > 0 && count < STREAMS_MAX; k--) {
            struct stream_client *client = &clients[count];
            *client = (struct stream_client){.listener = listener,
                                             .number = FIRST_NUMBER + (uint32_t)count};
            if (listener->kind == LISTEN_TCP)
                client->addr = peer_of(listener);
            uint64_t delay_ns = draw_below(DRAW_CLIENTS, 5000000000);
            if (reductions_have_client(client->number))
                event_queue_add(delay_ns, on_turn, client);
            count++;
        }
    }
}

void streams_name(uint64_t any, char *text, size_t size)
{
    const struct stream_client *client = count > 0 ? &clients[any % count] : NULL;
    char address[ADDR_TEXT_BYTES];
    if (client != NULL && client->listener->kind == LISTEN_TCP)
        snprintf(text, size, "tcp:%s", addr_format(&client->addr, address));
    else
        snprintf(text, size, "unix:#%u", (unsigned)(any % 12));
}

size_t streams_count(void)
{
    return count;
}

const struct addr *streams_tcp_address(uint64_t drawn)
{
    if (count == 0)
        return NULL;
    const struct stream_client *client = &clients[drawn % count];
    bool is_named = client->listener->kind == LISTEN_TCP && client->addr.family == ADDR_IPV4;
    return is_named && client->connection != NULL ? &client->addr : NULL;
}

void streams_end_faults(void)
{
    quiet = true;
    for (size_t i = 0; i < count; i++) {
        struct connection *connection = clients[i].connection;
        clients[i].stalls = false;
        clients[i].asked_ms = 0;
        if (connection != NULL && connection->client_ended)
            disconnect(&clients[i], false);
    }
}

void streams_stop(void)
{
    stopped = true;
    for (size_t i = 0; i < count; i++)
        if (clients[i].connection != NULL)
            disconnect(&clients[i], false);
}

/* A connection may wait long to be accepted, where there are as many as stream-max allows. What was
 * asked while other settings applied may have no reply; a message after that has one. */
static bool waits_too_long(const struct stream_client *client)
{
    const struct connection *connection = client->connection;
    if (connection == NULL || connection->server_closed || connection->accepted_ms == 0)
        return false;
    uint64_t since_ms =
        client->asked_ms > connection->accepted_ms ? client->asked_ms : connection->accepted_ms;
    if (settings_applied_ms() > since_ms)
        since_ms = settings_applied_ms();
    return client->asked_ms != 0 && since_ms + 3000 < event_queue_now_ms();
}

void streams_check_liveness(void)
{
    for (size_t i = 0; i < count && settings.mode != MODE_NONE; i++)
        if (waits_too_long(&clients[i]))
            broken_promise("each request gets a reply", "stream client %d has waited for 3 s",
                           (int)i);
}
