#include "server/workers/worker_pool.h"

#include "os/process/processor_count.h"
#include "server/config/worker_capacity.h"
#include "server/listen/unicast_takeover.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    /* Memory for waiting replies, as a multiple of server.receive-buffer: a reply may be longer
     * than its request. */
    REPLY_QUEUE_PER_RECEIVE_BUFFER = 4,
};

size_t workers_wanted(const struct config *config)
{
    uint32_t wanted = config->server.workers;
    if (wanted == CONFIG_WORKERS_AUTO)
        wanted = processor_count_within_quota();
    return wanted < CONFIG_WORKERS_MAX ? wanted : CONFIG_WORKERS_MAX;
}

static int make_worker(struct workers *workers, const struct listeners *listeners,
                       struct worker_options options, const char **failed)
{
    int sockets[CONFIG_LISTEN_MAX];
    struct send_socket_set senders[CONFIG_LISTEN_MAX];
    struct addr bound[CONFIG_LISTEN_MAX];
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        sockets[i] = listeners->list[i].sockets[options.number];
        senders[i] = listeners->list[i].senders[options.number];
        bound[i] = listeners->list[i].bound;
        bool is_inherited = listeners->list[i].inherited != 0;
        bool is_passed = listeners->list[i].passed && !is_inherited;
        options.passed |= (uint64_t)is_passed << i;
        options.earlier |=
            (uint64_t)(is_passed || unicast_takeover_is_changed(listeners, &listeners->list[i]))
            << i;
    }
    options.sockets = sockets;
    options.senders = senders;
    options.bound = bound;
    options.socket_count = listeners->unicast_count;
    if (listeners->worker_count > 1 && listeners->choice == WORKER_CHOICE_BY_SOURCE)
        options.shard_key = &listeners->shard_key;
    if (options.number > 0)
        options.first_worker_sockets = NULL;
    if (workers->capacity != NULL)
        options.capacity_share = shared_capacity_share(workers->capacity, options.number);
    return worker_new(&workers->list[options.number], &options, failed);
}

/* An equal part of the records for each worker; with fewer records than workers, some have none. */
static struct worker_offload_options offload_options(const struct kernel_offload *offload,
                                                     size_t number, size_t workers)
{
    uint32_t first = (uint32_t)((uint64_t)offload->records * number / workers);
    uint32_t end = (uint32_t)((uint64_t)offload->records * (number + 1) / workers);
    return (struct worker_offload_options){.program = end > first ? offload->program : NULL,
                                           .first_record = first,
                                           .record_count = end - first};
}

static int open_capacity(struct workers *workers, uint32_t places, size_t shards,
                         struct handed_clients *handed)
{
    size_t bytes = shared_capacity_bytes(shards);
    struct shared_memory *memory = &workers->capacity_memory;
    if (handed == NULL || !handed->keeps_memory) {
        int error = memory_reserve_shared(memory, bytes, 0);
        if (error == 0)
            workers->capacity = shared_capacity_init(memory->memory, places, shards);
        return error;
    }
    int error = handed_memory_map(&handed->capacity, shared_capacity_layout(), bytes, 0, memory);
    if (error != 0)
        return error;
    workers->capacity = shared_capacity_map(memory->memory, places, shards);
    return workers->capacity != NULL ? 0 : -EPROTO;
}

int workers_new(struct workers *workers, const struct config *config,
                const struct listeners *listeners, const struct workers_shared *shared,
                const char **failed)
{
    size_t count = listeners->worker_count;
    struct worker_options options = {
        .count = (uint32_t)count,
        .ttl_ms = config->clients.ttl_ms,
        .sweep_ms = config->clients.sweep_ms,
        .rate_pps = config->broadcast.rate_pps,
        .reply_queue_bytes =
            REPLY_QUEUE_PER_RECEIVE_BUFFER * (size_t)config->server.receive_buffer_bytes,
        .max_datagram_bytes = config->server.max_datagram_bytes,
        .reply = shared->reply,
        .rules = shared->rules,
        .secrets = shared->secrets,
        .on_challenge_failed = shared->on_challenge_failed,
        .on_link_state = shared->on_link_state,
        .own_ports = &listeners->ports,
        .relay = config->broadcast.relay,
        .relay_rate_pps = config->broadcast.relay_rate_pps,
        .first_worker_sockets = shared->first_worker_sockets,
        .listener_count = listeners->count,
        .stream_max = config->server.stream_max,
        .stream_files = shared->stream_files,
        .stream_buffer_bytes = config->server.stream_buffer_bytes,
        .stream_idle_ms = config->server.stream_idle_ms,
        .stream_framing = config->server.stream_framing,
        .failure = shared->failure,
    };
    *failed = "table of workers";
    *workers = (struct workers){.list = calloc(count, sizeof workers->list[0]),
                                .relays = calloc(count, sizeof workers->relays[0])};
    if (workers->list == NULL || workers->relays == NULL)
        return -ENOMEM;
    int error = count > 1 ? open_capacity(workers, config->clients.max, count, shared->handed) : 0;
    if (error != 0)
        return error;
    for (; workers->count < count; workers->count++) {
        options.number = (uint32_t)workers->count;
        options.capacity = worker_capacity(config, count, workers->count);
        options.events = shared->events[workers->count];
        options.offload = offload_options(shared->offload, workers->count, count);
        options.names = (struct hello_names){
            .mode = config->clients.names, .key = shared->names_key, .worker = options.number};
        if (shared->name_queues != NULL)
            options.names.queue = shared->name_queues[workers->count];
        if (shared->handed != NULL && shared->handed->keeps_memory)
            options.handed = &shared->handed->registries[workers->count];
        error = make_worker(workers, listeners, options, failed);
        if (error != 0)
            return error;
        workers->relays[workers->count] = worker_relay(workers->list[workers->count]);
    }
    for (size_t i = 0; i < count; i++)
        worker_set_relays(workers->list[i], workers->relays);
    return 0;
}

void workers_put_memory(const struct workers *workers, struct handover_writer *writer)
{
    for (size_t i = 0; i < workers->count; i++)
        worker_put_memory(workers->list[i], writer);
    handed_memory_put(&workers->capacity_memory, shared_capacity_layout(), writer);
}

int workers_open_threads(struct workers *workers)
{
    int error = 0;
    for (size_t i = 0; i < workers->count && error == 0; i++)
        error = worker_open_thread(workers->list[i]);
    return error;
}

void workers_start(struct workers *workers)
{
    for (; workers->started < workers->count; workers->started++)
        worker_start(workers->list[workers->started]);
}

/* A message that is handled may post one to any other mailbox. */
bool workers_settle(struct workers *workers, struct mailbox *main_mailbox)
{
    bool any, had_any = false;
    do {
        any = mailbox_handle_all(main_mailbox);
        for (size_t i = 0; i < workers->count; i++)
            any |= worker_settle(workers->list[i]);
        had_any |= any;
    } while (any);
    return had_any;
}

void workers_hold(struct workers *workers, struct mailbox *main_mailbox)
{
    for (size_t i = 0; i < workers->started; i++)
        worker_hold(workers->list[i]);
    for (size_t i = 0; i < workers->started; i++)
        worker_await_hold(workers->list[i]);
    workers_settle(workers, main_mailbox);
}

void workers_resume(struct workers *workers)
{
    for (size_t i = 0; i < workers->started; i++)
        worker_resume(workers->list[i]);
}

void workers_free(struct workers *workers)
{
    for (size_t i = workers->count; i-- > 0;)
        worker_join(workers->list[i]);
    while (workers->count > 0)
        worker_free(workers->list[--workers->count]);
    free(workers->relays);
    free(workers->list);
    memory_release_shared(&workers->capacity_memory);
    *workers = (struct workers){.count = 0};
}
