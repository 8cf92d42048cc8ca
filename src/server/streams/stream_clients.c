#include "server/streams/stream_clients.h"

#include "config/config.h"
#include "server/streams/stream_accept.h"
#include "server/streams/stream_copies.h"
#include "server/streams/stream_disconnect.h"
#include "server/streams/stream_messages.h"
#include "server/streams/stream_table.h"

#include <errno.h>
#include <stdlib.h>

static void recheck_access(void *state)
{
    stream_clients_recheck_access(state);
}

int stream_clients_open(struct stream_clients **streams,
                        const struct stream_clients_options *options)
{
    struct stream_clients *made =
        calloc(1, sizeof *made + options->listener_count * sizeof made->acceptors[0]);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->first_free = STREAM_NO_PLACE;
    made->recheck = (struct loop_task){.run = recheck_access, .state = made};
    made->places = calloc(options->max, sizeof *made->places);
    made->line = malloc(CONFIG_MESSAGE_BYTES_MAX + 1);
    int error = made->places == NULL || made->line == NULL ? -ENOMEM : 0;
    if (error == 0)
        error = stream_accept_open(made);
    if (error != 0) {
        stream_clients_close(made);
        return error;
    }
    *streams = made;
    return 0;
}

void stream_clients_close(struct stream_clients *streams)
{
    if (streams == NULL)
        return;
    stream_accept_close(streams);
    loop_cancel(streams->options.loop, &streams->recheck);
    for (uint32_t i = 0; i < streams->used; i++)
        if (streams->places[i].state != STREAM_FREE)
            stream_table_remove(&streams->places[i]);
    free(streams->places);
    free(streams->line);
    free(streams);
}

void stream_clients_replace_socket(struct stream_clients *streams, uint8_t listener, int *socket)
{
    stream_accept_replace_socket(streams, listener, socket);
}

uint32_t stream_clients_count(const struct stream_clients *streams)
{
    return streams->connected;
}

void stream_clients_sweep(struct stream_clients *streams, uint64_t now_ms)
{
    stream_disconnect_idle(streams, now_ms);
}

void stream_clients_recheck_access(struct stream_clients *streams)
{
    for (uint32_t i = 0; i < streams->used; i++) {
        struct stream_client *client = &streams->places[i];
        if (client->state == STREAM_CONNECTED && stream_accept_is_denied(streams, &client->addr))
            stream_disconnect_kick(client, EVENT_REASON_DENIED);
    }
}

struct recipients stream_clients_as_recipients(struct stream_clients *streams)
{
    return stream_copies_recipients(streams);
}

size_t stream_clients_list(const struct stream_clients *streams, uint32_t *next, uint64_t now_ms,
                           struct client *clients, size_t limit)
{
    size_t count = 0;
    for (; *next < streams->used && count < limit; ++*next)
        if (streams->places[*next].state == STREAM_CONNECTED)
            stream_table_describe(&streams->places[*next], now_ms, &clients[count++]);
    return count;
}

bool stream_clients_find(const struct stream_clients *streams, const struct client_name *name,
                         uint64_t now_ms, struct client *client)
{
    const struct stream_client *found = stream_table_find(streams, name);
    if (found != NULL)
        stream_table_describe(found, now_ms, client);
    return found != NULL;
}

bool stream_clients_kick(struct stream_clients *streams, const struct client_name *name)
{
    struct stream_client *client = stream_table_find(streams, name);
    if (client == NULL)
        return false;
    stream_disconnect_kick(client, EVENT_REASON_OPERATOR);
    return true;
}

uint64_t stream_clients_next_serial(const struct stream_clients *streams)
{
    return streams->accepted + 1;
}

uint32_t stream_clients_kick_matching(struct stream_clients *streams, struct stream_kick *kick,
                                      uint64_t now_ms, size_t limit)
{
    uint32_t kicked = 0;
    for (; kick->next < streams->used && limit > 0; kick->next++, limit--) {
        struct stream_client *stream = &streams->places[kick->next];
        struct client client;
        if (stream->state != STREAM_CONNECTED || stream->serial >= kick->before)
            continue;
        stream_table_describe(stream, now_ms, &client);
        if (!client_selector_matches(kick->selector, &client))
            continue;
        stream_disconnect_kick(stream, EVENT_REASON_OPERATOR);
        kicked++;
    }
    kick->ended = kick->next >= streams->used;
    return kicked;
}

int stream_clients_send(struct stream_clients *streams, const struct client_name *name,
                        const uint8_t *bytes, size_t size)
{
    struct stream_client *client = stream_table_find(streams, name);
    if (client == NULL)
        return -ENOENT;
    return stream_messages_send(client, bytes, size) ? 0 : -EPIPE;
}
