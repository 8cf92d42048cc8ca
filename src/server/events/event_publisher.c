#include "server/events/event_publisher.h"

#include <string.h>

void event_publisher_add(struct event_publisher *publisher, unsigned subscriber,
                         const struct event_filter *filter)
{
    uint64_t bit = UINT64_C(1) << subscriber;
    publisher->wanted |= filter->kinds;
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        if (filter->kinds >> kind & 1)
            publisher->subscribers[kind] |= bit;
    if (!client_selector_is_all(&filter->selector))
        publisher->selective |= bit;
    publisher->selectors[subscriber] = filter->selector;
}

void event_publisher_remove(struct event_publisher *publisher, unsigned subscriber)
{
    uint64_t bit = UINT64_C(1) << subscriber;
    publisher->wanted = 0;
    publisher->selective &= ~bit;
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        publisher->subscribers[kind] &= ~bit;
        if (publisher->subscribers[kind] != 0)
            publisher->wanted |= UINT32_C(1) << kind;
    }
}

/* Returns the subscribers that get an event. */
static uint64_t choose(const struct event_publisher *publisher, const struct event *event)
{
    uint64_t chosen = publisher->subscribers[event->kind];
    for (uint64_t ask = chosen & publisher->selective; ask != 0; ask &= ask - 1) {
        unsigned subscriber = (unsigned)__builtin_ctzll(ask);
        if (!client_selector_matches(&publisher->selectors[subscriber], event->client))
            chosen &= ~(UINT64_C(1) << subscriber);
    }
    return chosen;
}

void event_publisher_publish(struct event_publisher *publisher, const struct event *event)
{
    uint64_t subscribers = choose(publisher, event);
    if (subscribers == 0)
        return;
    bool is_message = event->kind == EVENT_MESSAGE;
    publisher->stats->listen_messages += is_message;
    publisher->stats->listen_events += !is_message;
    struct event_record *record = event_queue_reserve(publisher->queue, event->size);
    if (record == NULL) {
        publisher->stats->listen_lost += (uint64_t)__builtin_popcountll(subscribers);
        event_queue_lose(publisher->queue, subscribers);
        return;
    }
    *record = (struct event_record){
        .subscribers = subscribers,
        .time_ms = event->now_ms,
        .join_number = event->client->join_number,
        .source = event->client->source,
        .number = event->client->slot,
        .size = (uint32_t)event->size,
        .kind = (uint8_t)event->kind,
        .reason = (uint8_t)event->reason,
        .listener = event->client->listener,
    };
    if (event->size > 0)
        memcpy(record->bytes, event->bytes, event->size);
    event_queue_commit(publisher->queue);
}

void event_publisher_client(struct event_publisher *publisher, enum event_kind kind,
                            enum event_reason reason, const struct client *client, uint64_t now_ms)
{
    if (!event_publisher_wants(publisher, kind))
        return;
    event_publisher_publish(
        publisher,
        &(struct event){.kind = kind, .reason = reason, .client = client, .now_ms = now_ms});
}
