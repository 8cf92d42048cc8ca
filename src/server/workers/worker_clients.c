#include "server/workers/worker_clients.h"

#include "os/process/clock.h"
#include "server/workers/offload/worker_offload.h"
#include "server/workers/worker_state.h"

#include <errno.h>

void worker_count_kernel(struct worker *worker)
{
    for (size_t i = 0; worker->io_by_listener != NULL && i < worker->options.socket_count; i++)
        datagram_io_count_drops(worker->io_by_listener[i]);
    first_worker_count_drops(worker->first_worker);
    worker_offload_count(worker);
}

void worker_stats(struct worker *worker, struct stats *stats, uint32_t *clients)
{
    worker_count_kernel(worker);
    *stats = worker->stats;
    *clients = worker_clients_count(worker);
}

void worker_sweep_durations(const struct worker *worker, struct duration_histogram *sweeps)
{
    *sweeps = worker->sweeps;
}

uint32_t worker_streams_count(const struct worker *worker)
{
    const struct stream_clients *streams = first_worker_streams(worker->first_worker);
    return streams != NULL ? stream_clients_count(streams) : 0;
}

uint32_t worker_clients_count(const struct worker *worker)
{
    return registry_count(worker->decider.registry) + worker_streams_count(worker);
}

struct worker_walk worker_walk_all(void)
{
    return (struct worker_walk){.registry = registry_walk_all()};
}

size_t worker_list(struct worker *worker, struct worker_walk *walk, struct client *clients,
                   size_t max)
{
    const struct stream_clients *streams = first_worker_streams(worker->first_worker);
    uint64_t now_ms = clock_now_ms();
    size_t count;
    if (!walk->registry.ended)
        return registry_walk_next(worker->decider.registry, &walk->registry, now_ms, clients, max);
    count = streams != NULL ? stream_clients_list(streams, &walk->stream, now_ms, clients, max) : 0;
    walk->ended = count == 0;
    return count;
}

static bool is_of(const struct worker *worker, const struct worker_confirmations *which,
                  uint32_t slot)
{
    return which->is_silent
               ? confirmations_is_due(worker->decider.confirmations, which->number, slot)
               : confirmations_is_confirmed(worker->decider.confirmations, which->number, slot);
}

size_t worker_list_confirmations(struct worker *worker, struct worker_walk *walk,
                                 const struct worker_confirmations *which, struct client *clients,
                                 size_t max)
{
    size_t count = 0;
    if (!confirmations_joined_before(worker->decider.confirmations, which->number,
                                     &walk->registry.joined_before)) {
        walk->ended = true;
        return 0;
    }
    size_t read =
        registry_walk_next(worker->decider.registry, &walk->registry, clock_now_ms(), clients, max);
    walk->ended = walk->registry.ended;
    for (size_t i = 0; i < read; i++)
        if (is_of(worker, which, clients[i].slot))
            clients[count++] = clients[i];
    return count;
}

/* A step that has read fewer clients than it may has gone over many expired ones, so it is the last
 * one: one message of the main thread must not delay the worker for long. */
size_t worker_copy_state(struct worker *worker, struct worker_walk *walk, uint64_t now_ms,
                         struct worker_client_state *clients, size_t max)
{
    struct client copies[BATCH_MAX];
    const struct registry *registry = worker->decider.registry;
    size_t count = 0, read = BATCH_MAX;
    while (read == BATCH_MAX && count + BATCH_MAX <= max && !walk->registry.ended) {
        read = registry_walk_next(registry, &walk->registry, now_ms, copies, BATCH_MAX);
        for (size_t i = 0; i < read; i++)
            clients[count++] = (struct worker_client_state){
                copies[i], registry_left_ms(registry, copies[i].slot, now_ms)};
    }
    walk->ended = walk->registry.ended;
    return count;
}

uint32_t worker_restore(struct worker *worker, const struct registry_restored *client,
                        bool is_named, uint64_t now_ms, bool *is_new)
{
    struct registry *registry = worker->decider.registry;
    uint32_t slot = registry_restore(registry, client, now_ms, is_new);
    if (slot != UINT32_MAX && is_named)
        registry_set_named(registry, slot);
    return slot;
}

void worker_restore_remove(struct worker *worker, uint8_t listener, const struct addr *source)
{
    registry_remove(worker->decider.registry, listener, source);
}

void worker_restore_counters(struct worker *worker, const struct stats *counters)
{
    worker->stats = worker->warnings.before = *counters;
}

/* ---- an upgrade ---- */

void worker_put_memory(const struct worker *worker, struct handover_writer *writer)
{
    handed_memory_put(&worker->registry_memory, registry_layout(worker->options.capacity), writer);
}

void worker_hand_over(struct worker *worker, struct handover_writer *writer)
{
    worker_count_kernel(worker);
    handover_put8(writer, worker->decider.rules.cookie);
    stats_hand_over(&worker->stats, writer);
    registry_hand_over(worker->decider.registry, writer);
}

int worker_take_over(struct worker *worker, struct handover_reader *reader)
{
    struct stats stats;
    bool are_proven = handover_get8(reader) != 0;
    stats_take_over(&stats, reader);
    if (reader->failed || registry_take_over(worker->decider.registry, reader) != 0)
        return -EPROTO;
    worker->must_prove = worker->decider.rules.cookie && !are_proven;
    worker->stats = worker->warnings.before = stats;
    return 0;
}

void worker_recount_prefixes(struct worker *worker)
{
    registry_recount_prefixes(worker->decider.registry);
}

/* ---- single clients ---- */

static bool find_stream(struct worker *worker, uint8_t listener, const struct client_name *name,
                        uint64_t now_ms, struct client *client)
{
    const struct stream_clients *streams = first_worker_streams(worker->first_worker);
    return streams != NULL && stream_clients_find(streams, name, now_ms, client) &&
           client->listener >= listener;
}

bool worker_find(struct worker *worker, uint8_t listener, const struct client_name *name,
                 uint64_t now_ms, struct client *client)
{
    if (name->transport != TRANSPORT_UDP)
        return find_stream(worker, listener, name, now_ms, client);
    for (size_t i = listener; i < worker->options.listener_count; i++)
        if (registry_find(worker->decider.registry, (uint8_t)i, &name->addr, now_ms, client))
            return true;
    return false;
}

/* A client was removed. Its name is free after the events about it were shown with that. */
static void end_kicked(struct worker *worker, const struct client *client, uint64_t now_ms)
{
    event_publisher_client(&worker->events, EVENT_KICKED, EVENT_REASON_OPERATOR, client, now_ms);
    if (!client->named)
        return;
    struct client_key key = client_key_of(client->listener, &client->source);
    name_queue_add_gone(worker->decider.names.queue, &key, worker->decider.names.worker,
                        client->join_number + 1, event_publisher_mark(&worker->events));
}

/* Returns how many clients of the registry it has removed. */
static uint32_t kick_registered(struct worker *worker, struct worker_walk *walk,
                                const struct client_selector *selector, size_t max)
{
    struct client clients[BATCH_MAX];
    struct registry *registry = worker->decider.registry;
    uint64_t now_ms = clock_now_ms();
    uint32_t kicked = 0;
    for (size_t read = 0; read < max && !walk->registry.ended; read += BATCH_MAX) {
        size_t count = registry_walk_next(registry, &walk->registry, now_ms, clients,
                                          max - read < BATCH_MAX ? max - read : BATCH_MAX);
        for (size_t i = 0; i < count; i++) {
            if (!client_selector_matches(selector, &clients[i]))
                continue;
            registry_remove(registry, clients[i].listener, &clients[i].source);
            end_kicked(worker, &clients[i], now_ms);
            kicked++;
        }
    }
    worker->stats.kicked += kicked;
    return kicked;
}

uint32_t worker_kick_matching(struct worker *worker, struct worker_walk *walk,
                              const struct client_selector *selector, size_t max)
{
    struct stream_clients *streams = first_worker_streams(worker->first_worker);
    if (walk->streams_before == 0) {
        walk->registry = registry_walk_registered(worker->decider.registry);
        walk->streams_before = streams != NULL ? stream_clients_next_serial(streams) : 1;
    }
    if (!walk->registry.ended)
        return kick_registered(worker, walk, selector, max);
    if (streams == NULL) {
        walk->ended = true;
        return 0;
    }
    struct stream_kick kick = {
        .selector = selector, .before = walk->streams_before, .next = walk->stream};
    uint32_t kicked = stream_clients_kick_matching(streams, &kick, clock_now_ms(), max);
    walk->stream = kick.next;
    walk->ended = kick.ended;
    return kicked;
}

uint32_t worker_kick(struct worker *worker, const struct client_name *name,
                     const struct client_filter *filter)
{
    uint64_t now_ms = clock_now_ms();
    uint32_t kicked = 0;
    struct client client;
    if (name->transport != TRANSPORT_UDP) {
        struct stream_clients *streams = first_worker_streams(worker->first_worker);
        return streams != NULL && stream_clients_kick(streams, name);
    }
    for (uint8_t i = 0; worker_find(worker, i, name, now_ms, &client);
         i = (uint8_t)(client.listener + 1)) {
        if (!client_filter_admits(filter, &client))
            continue;
        registry_remove(worker->decider.registry, client.listener, &name->addr);
        end_kicked(worker, &client, now_ms);
        kicked++;
    }
    worker->stats.kicked += kicked;
    return kicked;
}
