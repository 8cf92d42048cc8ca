#include "server/streams/stream_disconnect.h"

#include "os/process/clock.h"
#include "server/streams/stream_events.h"
#include "server/streams/stream_messages.h"

#include <errno.h>

/* The client is no longer counted, but may still read its output. */
static void start_closing(struct stream_client *client)
{
    client->state = STREAM_CLOSING;
    client->active_ms = clock_now_ms();
    client->table->connected--;
}

void stream_disconnect_closed(struct stream_client *client, int error)
{
    struct stats *stats = client->table->options.stats;
    if (error == -ENOBUFS) {
        stats->streams_slow++;
        stream_events_client(client, EVENT_STREAM_CLOSED, EVENT_REASON_SLOW);
        stream_table_remove(client);
        return;
    }
    stats->streams_closed++;
    stream_events_client(client, EVENT_STREAM_CLOSED,
                         error == -EMSGSIZE ? EVENT_REASON_OVERSIZE : EVENT_REASON_ENDED);
    if (error == -EMSGSIZE) {
        start_closing(client);
        stream_messages_refuse_too_long(client);
    } else if (error == 0 && framed_stream_is_backed_up(client->stream)) {
        start_closing(client);
    } else {
        stream_table_remove(client);
    }
}

void stream_disconnect_drained(struct stream_client *client)
{
    if (client->state == STREAM_CLOSING)
        stream_table_remove(client);
    else
        framed_stream_resume(client->stream);
}

void stream_disconnect_idle(struct stream_clients *table, uint64_t now_ms)
{
    for (uint32_t i = 0; i < table->used; i++) {
        struct stream_client *client = &table->places[i];
        uint32_t limit_ms =
            client->state == STREAM_CLOSING ? STREAM_CLOSING_MS : table->options.idle_ms;
        if (client->state == STREAM_FREE || now_ms - client->active_ms <= limit_ms)
            continue;
        if (client->state == STREAM_CONNECTED) {
            table->options.stats->expired++;
            stream_events_client(client, EVENT_EXPIRED, EVENT_REASON_NONE);
        }
        stream_table_remove(client);
    }
}

void stream_disconnect_kick(struct stream_client *client, enum event_reason reason)
{
    client->table->options.stats->kicked++;
    stream_events_client(client, EVENT_KICKED, reason);
    stream_table_remove(client);
}
