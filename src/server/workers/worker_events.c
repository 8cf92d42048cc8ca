#include "server/workers/worker_events.h"

#include "os/process/clock.h"
#include "server/workers/offload/worker_offload.h"
#include "server/workers/worker_state.h"

/* ---- messages ---- */

static void publish_message(struct worker *worker, uint8_t listener,
                            const struct datagram *datagram, uint64_t now_ms)
{
    /* The client has just sent the message, so its idle time is 0. It is looked up only where it
     * may have a name. */
    struct client client;
    if (worker->decider.names.mode == NAMES_OFF ||
        !registry_find(worker->decider.registry, listener, &datagram->source, now_ms, &client))
        client = (struct client){.source = datagram->source,
                                 .listener = listener,
                                 .join_number = EVENT_JOIN_NUMBER_UNKNOWN};
    event_publisher_publish(&worker->events, &(struct event){.kind = EVENT_MESSAGE,
                                                             .client = &client,
                                                             .bytes = datagram->bytes,
                                                             .size = datagram->size,
                                                             .now_ms = now_ms});
}

static void on_message(void *state, uint8_t listener, const struct datagram *datagram,
                       uint64_t now_ms)
{
    struct worker *worker = state;
    if (event_publisher_wants(&worker->events, EVENT_MESSAGE))
        publish_message(worker, listener, datagram, now_ms);
    if (relay_is_on(worker->relay))
        relay_datagram(worker->relay, listener, datagram, now_ms);
}

void worker_events_update_callback(struct worker *worker)
{
    bool is_wanted =
        relay_is_on(worker->relay) || event_publisher_wants(&worker->events, EVENT_MESSAGE);
    worker->decider.on_message =
        (struct message_callback){.call = is_wanted ? on_message : NULL, .state = worker};
    worker_offload_update(worker);
}

/* ---- clients that expire ---- */

static void on_expired(void *state, const struct client *client)
{
    struct worker *worker = state;
    event_publisher_client(&worker->events, EVENT_EXPIRED, EVENT_REASON_NONE, client,
                           clock_now_ms());
}

static void update_expiry_callback(struct worker *worker)
{
    bool is_wanted = event_publisher_wants(&worker->events, EVENT_EXPIRED);
    registry_set_expiry_callback(
        worker->decider.registry,
        &(struct client_callback){.call = is_wanted ? on_expired : NULL, .state = worker});
}

/* ---- subscribers ---- */

void worker_events_open(struct worker *worker)
{
    worker->events.queue = worker->options.events;
    worker->events.stats = &worker->stats;
    worker->decider.events = &worker->events;
}

void worker_events_add(struct worker *worker, unsigned subscriber,
                       const struct event_filter *filter)
{
    event_publisher_add(&worker->events, subscriber, filter);
    worker_events_update_callback(worker);
    update_expiry_callback(worker);
}

void worker_events_remove(struct worker *worker, unsigned subscriber)
{
    event_publisher_remove(&worker->events, subscriber);
    worker_events_update_callback(worker);
    update_expiry_callback(worker);
}
