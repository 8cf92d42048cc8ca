#ifndef SERVER_EVENTS_EVENT_PUBLISHER_H
#define SERVER_EVENTS_EVENT_PUBLISHER_H

#include "base/stats.h"
#include "registry/client_info.h"
#include "registry/client_selector.h"
#include "server/events/event_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Publishes the events of one worker: decides which subscribers get an event, and puts it into the
 * queue to the main thread. The decision is made before the message is copied, so that an event
 * that no subscriber wants takes no space, and a lost event is counted for those that wanted it.
 * Used by the worker's thread. */

/* What one subscriber wants. The name is compared by the main thread, which knows it
 * (server/events/subscriptions), and not here. */
struct event_filter {
    uint32_t kinds; /* a bit for each enum event_kind */
    struct client_selector selector;
    struct device_name name; /* of size 0: clients with any name, and without one */
};

struct event_publisher {
    uint32_t wanted;                   /* the kinds that any subscriber wants, a bit each */
    uint64_t subscribers[EVENT_KINDS]; /* that want a kind, a bit each */
    uint64_t selective; /* the subscribers that do not want all clients, a bit each */
    struct client_selector selectors[EVENT_SUBSCRIBERS_MAX];
    struct event_queue *queue;
    struct stats *stats;
};

/* Adds a subscriber, whose number is not in use, or removes it. */
void event_publisher_add(struct event_publisher *publisher, unsigned subscriber,
                         const struct event_filter *filter);
void event_publisher_remove(struct event_publisher *publisher, unsigned subscriber);

/* Whether any subscriber wants that kind: false costs one branch. */
static inline bool event_publisher_wants(const struct event_publisher *publisher,
                                         enum event_kind kind)
{
    return (publisher->wanted >> kind & 1) != 0;
}

/* What has happened, and to which client. */
struct event {
    enum event_kind kind;
    enum event_reason reason;
    const struct client *client; /* its source, listener, idle time, join number, and slot as the
                                    number of a client of a Unix socket are used */
    const uint8_t *bytes;        /* of the message */
    size_t size;
    uint64_t now_ms;
};

/* Publishes an event to the subscribers that want it, and counts it once if there are any. Counts
 * it in listen_lost once for each of them if the queue has no room. */
void event_publisher_publish(struct event_publisher *publisher, const struct event *event);

/* What was published so far: event_queue_mark of the queue. */
static inline uint64_t event_publisher_mark(const struct event_publisher *publisher)
{
    return event_queue_mark(publisher->queue);
}

/* Publishes an event that is not a message, if a subscriber wants its kind. */
void event_publisher_client(struct event_publisher *publisher, enum event_kind kind,
                            enum event_reason reason, const struct client *client, uint64_t now_ms);

#endif
