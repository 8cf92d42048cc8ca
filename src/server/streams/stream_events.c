#include "server/streams/stream_events.h"

#include "os/process/clock.h"

static struct client describe(const struct stream_client *client, uint64_t now_ms)
{
    struct client described;
    stream_table_describe(client, now_ms, &described);
    return described;
}

void stream_events_message(const struct stream_client *client, const uint8_t *bytes, size_t size,
                           uint64_t now_ms)
{
    struct event_publisher *events = client->table->options.datagram_decider->events;
    if (!event_publisher_wants(events, EVENT_MESSAGE))
        return;
    const struct client described = describe(client, now_ms);
    event_publisher_publish(events, &(struct event){.kind = EVENT_MESSAGE,
                                                    .client = &described,
                                                    .bytes = bytes,
                                                    .size = size,
                                                    .now_ms = now_ms});
}

void stream_events_client(const struct stream_client *client, enum event_kind kind,
                          enum event_reason reason)
{
    struct event_publisher *events = client->table->options.datagram_decider->events;
    if (!event_publisher_wants(events, kind))
        return;
    uint64_t now_ms = clock_now_ms();
    const struct client described = describe(client, now_ms);
    event_publisher_client(events, kind, reason, &described, now_ms);
}

void stream_events_refused(const struct stream_clients *table, uint8_t listener,
                           const struct addr *addr)
{
    const struct client refused = {.source = *addr, .listener = listener};
    event_publisher_client(table->options.datagram_decider->events, EVENT_REFUSED,
                           EVENT_REASON_FULL, &refused, clock_now_ms());
}
