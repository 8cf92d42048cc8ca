#include "server/workers/worker_names.h"

#include "address/client_name.h"
#include "os/process/clock.h"
#include "server/workers/worker_send.h"
#include "server/workers/worker_state.h"

#include <string.h>

/* Finds the client, and not another one that has the same source. */
static bool find(struct worker *worker, const struct name_holder *holder, uint64_t now_ms,
                 struct client *client)
{
    struct addr source = client_key_source(&holder->key);
    return registry_find(worker->decider.registry, client_key_listener(&holder->key), &source,
                         now_ms, client) &&
           client->join_number == holder->join_number;
}

/* An answer that the kernel does not take is lost, as on the way: the client asks again. */
static void answer(struct worker *worker, const struct name_order *order,
                   const struct client *client)
{
    uint8_t frame[FRAME_NAMED_BYTES_MAX];
    bool has_name = order->status == FRAME_NAMED_GIVEN;
    size_t size =
        frame_write_named(frame, order->status, order->name.bytes, has_name ? order->name.size : 0);
    worker->stats.refused_names += order->status == FRAME_NAMED_FULL;
    worker->stats.bad_names += order->status == FRAME_NAMED_BAD_MAC;
    worker_send_datagram(worker, client, frame, size);
}

static void remove_moved(struct worker *worker, const struct name_order *order,
                         const struct client *client, uint64_t now_ms)
{
    struct event_moved moved = {.to = client_key_source(&order->claim.holder.key),
                                .name = order->name};
    registry_remove(worker->decider.registry, client->listener, &client->source);
    worker->stats.moved++;
    if (event_publisher_wants(&worker->events, EVENT_MOVED))
        event_publisher_publish(&worker->events, &(struct event){.kind = EVENT_MOVED,
                                                                 .client = client,
                                                                 .bytes = (const uint8_t *)&moved,
                                                                 .size = sizeof moved,
                                                                 .now_ms = now_ms});
    /* What it has claimed and is not decided yet may give it a name that no client has by then. */
    name_queue_add_gone(worker->decider.names.queue, &order->holder.key, order->holder.worker,
                        order->holder.join_number + 1, event_publisher_mark(&worker->events));
}

static void check(struct worker *worker, struct name_order *order, const struct client *client,
                  uint64_t now_ms)
{
    uint32_t ttl_ms = registry_ttl(worker->decider.registry);
    order->is_registered = true;
    order->check_ms = now_ms + (client->idle_ms < ttl_ms ? ttl_ms - client->idle_ms : 1);
}

/* Carries out an order, if its client is still registered. */
static void run(struct worker *worker, struct name_order *order, uint64_t now_ms)
{
    struct client client;
    order->is_registered = false;
    if (!find(worker, &order->holder, now_ms, &client))
        return;
    switch (order->kind) {
    case NAME_ORDER_ANSWER:
        answer(worker, order, &client);
        break;
    case NAME_ORDER_IGNORE:
        worker->stats.late_names++;
        break;
    case NAME_ORDER_REMOVE:
        remove_moved(worker, order, &client, now_ms);
        break;
    case NAME_ORDER_CHECK:
        check(worker, order, &client, now_ms);
        break;
    }
}

void worker_names_run(struct worker *worker, struct name_order *orders, size_t count)
{
    struct name_queue *queue = worker->decider.names.queue;
    uint64_t now_ms = clock_now_ms();
    for (struct name_order *order = orders; order < orders + count; order++) {
        run(worker, order, now_ms);
        if (order->kind == NAME_ORDER_ANSWER || order->kind == NAME_ORDER_IGNORE)
            name_queue_end(queue, order->slot);
        if (order->kind == NAME_ORDER_REMOVE)
            order->number = name_queue_number(queue);
    }
}
