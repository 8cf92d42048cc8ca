#include "server/streams/stream_messages.h"

#include "os/process/clock.h"
#include "server/streams/stream_events.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ERROR_LINE_BYTES = 96 };

struct stream_message stream_messages_make(struct stream_clients *table, const uint8_t *bytes,
                                           size_t size)
{
    if (table->options.framing == FRAMING_CHUNK)
        return (struct stream_message){bytes, size};
    if (size > 0)
        memcpy(table->line, bytes, size);
    for (uint8_t *at = table->line, *end = at + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL;)
        *at++ = ' ';
    table->line[size] = '\n';
    return (struct stream_message){table->line, size + 1};
}

bool stream_messages_send(struct stream_client *client, const uint8_t *bytes, size_t size)
{
    struct stream_message message = stream_messages_make(client->table, bytes, size);
    return framed_stream_write(client->stream, message.bytes, message.size);
}

/* A reply fails if the connection is broken: the client is removed soon after. */
static void send_reply(struct stream_client *client, const uint8_t *bytes, size_t size)
{
    struct stream_clients *table = client->table;
    if (stream_messages_send(client, bytes, size)) {
        table->options.stats->replied++;
    } else {
        table->options.stats->reply_failed++;
        *table->options.reply_errno = EPIPE;
    }
}

static void reply(struct stream_client *client, const uint8_t *request, size_t size)
{
    struct reply *rotation = client->table->options.datagram_decider->reply;
    const struct message *message;
    switch (reply_rotation_mode(rotation)) {
    case REPLY_ROTATE:
        message = reply_rotation_message(rotation, reply_rotation_take(rotation, 1));
        send_reply(client, message->bytes, message->size);
        break;
    case REPLY_ECHO:
        send_reply(client, request, size);
        break;
    case REPLY_NONE:
        client->table->options.stats->silent++;
        break;
    }
}

static void count_received(struct stream_client *client, uint64_t now_ms)
{
    client->table->options.stats->received++;
    client->received += client->received < UINT32_MAX;
    client->active_ms = now_ms;
}

void stream_messages_receive(struct stream_client *client, const uint8_t *bytes, size_t size)
{
    const struct stream_clients_options *options = &client->table->options;
    uint64_t now_ms = clock_now_ms();
    count_received(client, now_ms);
    /* A relayed frame would look to the clients like a frame of the server, such as a challenge. */
    if (frame_has_magic(bytes, size)) {
        options->stats->drop_bad_frame++;
        return;
    }
    stream_events_message(client, bytes, size, now_ms);
    reply(client, bytes, size);
    if (relay_is_on(options->relay))
        relay_stream_message(options->relay, client->serial, &client->relay_due_ns, bytes, size,
                             now_ms);
    /* A client is not disconnected for replies that it does not read. Instead no more of its input
     * is read until it reads them. */
    if (framed_stream_is_backed_up(client->stream))
        framed_stream_pause(client->stream);
}

void stream_messages_drop_too_long(struct stream_client *client)
{
    count_received(client, clock_now_ms());
    client->table->options.stats->drop_oversize++;
}

void stream_messages_refuse_too_long(struct stream_client *client)
{
    const struct stream_clients_options *options = &client->table->options;
    char text[ERROR_LINE_BYTES];
    int length = snprintf(text, sizeof text, "error: the line is longer than %u bytes\n",
                          options->max_message_bytes);
    options->stats->received++;
    options->stats->drop_oversize++;
    framed_stream_write(client->stream, text, (size_t)length);
    framed_stream_discard_input(client->stream);
}
