#include "server/streams/stream_lines.h"

#include "os/process/clock.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ERROR_LINE_BYTES = 96 };

size_t stream_lines_make(struct stream_clients *table, const uint8_t *bytes, size_t size)
{
    if (size > 0)
        memcpy(table->line, bytes, size);
    for (uint8_t *at = table->line, *end = at + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL;)
        *at++ = ' ';
    table->line[size] = '\n';
    return size + 1;
}

bool stream_lines_send(struct stream_client *client, const uint8_t *bytes, size_t size)
{
    size_t length = stream_lines_make(client->table, bytes, size);
    return line_stream_write(client->stream, client->table->line, length);
}

/* A reply fails if the connection is broken: the client is removed soon after. */
static void send_reply(struct stream_client *client, const uint8_t *bytes, size_t size)
{
    struct stream_clients *table = client->table;
    if (stream_lines_send(client, bytes, size)) {
        table->options.stats->replied++;
    } else {
        table->options.stats->reply_failed++;
        *table->options.reply_errno = EPIPE;
    }
}

static void reply_to_line(struct stream_client *client, const uint8_t *line, size_t size)
{
    struct reply *reply = client->table->options.datagram_decider->reply;
    const struct message *message;
    switch (reply_rotation_mode(reply)) {
    case REPLY_ROTATE:
        message = reply_rotation_message(reply, reply_rotation_take(reply, 1));
        send_reply(client, message->bytes, message->size);
        break;
    case REPLY_ECHO:
        send_reply(client, line, size);
        break;
    case REPLY_NONE:
        client->table->options.stats->silent++;
        break;
    }
}

void stream_lines_receive(struct stream_client *client, const uint8_t *bytes, size_t size)
{
    const struct stream_clients_options *options = &client->table->options;
    uint64_t now_ms = clock_now_ms();
    options->stats->received++;
    client->received += client->received < UINT32_MAX;
    client->active_ms = now_ms;
    /* A relayed frame would look to the clients like a frame of the server, such as a challenge. */
    if (frame_has_magic(bytes, size)) {
        options->stats->drop_bad_frame++;
        return;
    }
    reply_to_line(client, bytes, size);
    if (relay_is_on(options->relay))
        relay_line(options->relay, client->serial, &client->relay_due_ns, bytes, size, now_ms);
    /* A client is not disconnected for replies that it does not read. Instead no more of its lines
     * are read until it reads them. */
    if (line_stream_is_backed_up(client->stream))
        line_stream_pause(client->stream);
}

void stream_lines_refuse_too_long(struct stream_client *client)
{
    const struct stream_clients_options *options = &client->table->options;
    char text[ERROR_LINE_BYTES];
    int length = snprintf(text, sizeof text, "error: the line is longer than %u bytes\n",
                          options->max_line_bytes);
    options->stats->received++;
    options->stats->drop_oversize++;
    line_stream_write(client->stream, text, (size_t)length);
    line_stream_discard_input(client->stream);
}
