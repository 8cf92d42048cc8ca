#include "server/streams/stream_handover.h"

#include "net/message/framed_stream_handover.h"
#include "server/streams/stream_accept.h"
#include "server/streams/stream_table.h"
#include "state/handover_addr.h"

#include <errno.h>

/* ---- there ---- */

static void put_client(const struct stream_client *client, struct handover_writer *writer)
{
    handover_put32(writer, (uint32_t)(client - client->table->places));
    handover_put8(writer, (uint8_t)client->state);
    handover_put8(writer, (uint8_t)client->transport);
    handover_put8(writer, client->listener);
    handover_put_addr(writer, &client->addr);
    handover_put64(writer, client->serial);
    handover_put64(writer, client->connected_ms);
    handover_put64(writer, client->active_ms);
    handover_put64(writer, client->relay_due_ns);
    handover_put32(writer, client->number);
    handover_put32(writer, client->received);
    framed_stream_hand_over(client->stream, writer);
}

void stream_clients_hand_over(const struct stream_clients *streams, struct handover_writer *writer)
{
    static const struct stream_clients nobody;
    const struct stream_clients *table = streams != NULL ? streams : &nobody;
    handover_put64(writer, table->accepted);
    handover_put32(writer, table->unix_count);
    handover_put32(writer, table->used);
    handover_put32(writer, table->occupied);
    for (uint32_t i = 0; i < table->used; i++)
        if (table->places[i].state != STREAM_FREE)
            put_client(&table->places[i], writer);
}

/* ---- here ---- */

/* What is read of a client before its stream. */
struct handed_over {
    uint32_t place;
    uint8_t listener; /* its number there */
    struct stream_client client;
};

static struct handed_over get_client(struct handover_reader *reader)
{
    struct handed_over got = {.place = handover_get32(reader)};
    struct stream_client *client = &got.client;
    client->state = handover_get8(reader);
    client->transport = handover_get8(reader);
    got.listener = handover_get8(reader);
    client->addr = handover_get_addr(reader);
    client->serial = handover_get64(reader);
    client->connected_ms = handover_get64(reader);
    client->active_ms = handover_get64(reader);
    client->relay_due_ns = handover_get64(reader);
    client->number = handover_get32(reader);
    client->received = handover_get32(reader);
    if ((client->state != STREAM_CONNECTED && client->state != STREAM_CLOSING) ||
        got.listener >= CONFIG_LISTEN_MAX)
        reader->failed = true;
    return got;
}

static bool has_listener(const struct stream_clients *streams, uint8_t number,
                         enum transport transport)
{
    for (size_t i = 0; streams != NULL && i < streams->options.listener_count; i++)
        if (streams->options.listeners[i].listener == number)
            return streams->options.listeners[i].transport == transport;
    return false;
}

/* A closing client was counted when it began to close. */
static void disconnect(const struct stream_client *client, struct handover_reader *reader,
                       struct stats *stats)
{
    framed_stream_close_handed_over(reader);
    stats->streams_closed += client->state == STREAM_CONNECTED;
}

/* Puts a client into its place. */
static int add(struct stream_clients *table, const struct handed_over *got, uint8_t listener,
               struct handover_reader *reader)
{
    struct stream_client *client = &table->places[got->place];
    enum stream_state state = got->client.state;
    *client = got->client;
    client->table = table;
    client->listener = listener;
    client->state = STREAM_FREE;
    client->stream = stream_accept_take_over(client, reader);
    if (client->stream == NULL)
        return reader->failed ? -EPROTO : -ENOMEM;
    client->state = state;
    table->occupied++;
    table->connected += state == STREAM_CONNECTED;
    return 0;
}

static int take_over_client(struct stream_clients *streams, struct handover_reader *reader,
                            const uint8_t *listeners, struct stats *stats)
{
    struct handed_over got = get_client(reader);
    if (reader->failed)
        return -EPROTO;
    uint8_t listener = listeners[got.listener];
    if (!has_listener(streams, listener, got.client.transport)) {
        disconnect(&got.client, reader, stats);
        return 0;
    }
    if (got.place >= streams->used || streams->places[got.place].state != STREAM_FREE)
        return -EPROTO;
    return add(streams, &got, listener, reader);
}

static int begin(struct stream_clients *streams, struct handover_reader *reader, uint32_t *count)
{
    uint64_t accepted = handover_get64(reader);
    uint32_t unix_count = handover_get32(reader), used = handover_get32(reader);
    *count = handover_get32(reader);
    if (reader->failed || *count > used || used > CONFIG_STREAMS_MAX)
        return -EPROTO;
    if (streams == NULL)
        return 0;
    streams->accepted = accepted;
    streams->unix_count = unix_count;
    return stream_table_reserve(streams, used) ? 0 : -ENOMEM;
}

int stream_clients_take_over(struct stream_clients *streams, struct handover_reader *reader,
                             const uint8_t *listeners, struct stats *stats)
{
    uint32_t count;
    int error = begin(streams, reader, &count);
    for (; count > 0 && error == 0; count--)
        error = take_over_client(streams, reader, listeners, stats);
    if (error == 0 && !handover_is_at_end(reader))
        error = -EPROTO;
    if (streams == NULL || error != 0)
        return error;
    stream_table_list_free_places(streams);
    loop_defer(streams->options.loop, &streams->recheck);
    return 0;
}
