#ifndef SERVER_WORKERS_WORKER_EVENTS_H
#define SERVER_WORKERS_WORKER_EVENTS_H

#include "server/events/event_publisher.h"

/* What a worker publishes to subscribers, and where its clients' messages go: to the relay and to
 * the subscribers. Called in the worker's thread, from the run of a call
 * (server/workers/worker_messages), or before it starts. */
struct worker;

/* Sets the queue to the main thread. */
void worker_events_open(struct worker *worker);

/* Begins or ends to publish to a subscriber. */
void worker_events_add(struct worker *worker, unsigned subscriber,
                       const struct event_filter *filter);
void worker_events_remove(struct worker *worker, unsigned subscriber);

/* Registers the callback for the clients' messages if the relay or a subscriber wants them, and
 * removes it if neither does: without it a message costs one branch for each batch. */
void worker_events_update_callback(struct worker *worker);

#endif
