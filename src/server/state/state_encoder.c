#include "server/state/state_encoder.h"

#include "os/process/clock.h"
#include "os/process/host.h"
#include "state/state_contents.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(STATE_BLOCK_HEAD_BYTES + 16 + STATE_SLICE * STATE_CLIENT_BYTES_MAX <=
                   STATE_BLOCK_BYTES_MAX,
               "a slice fits into a block");

/* ---- slices ---- */

void state_slice_copy(struct state_slice *slice, struct worker *worker)
{
    uint32_t clients;
    slice->copied.boot_ms = clock_now_ms();
    slice->count =
        worker_copy_state(worker, &slice->walk, slice->copied.boot_ms, slice->clients, STATE_SLICE);
    slice->copied.wall_ms = clock_wall_ms();
    if (!slice->walk.ended)
        return;
    worker_stats(worker, &slice->counters, &clients);
    slice->streams = worker_streams_count(worker);
}

void state_slice_add_counters(const struct state_slice *slice, struct state_end *end)
{
    stats_add(&end->counters, &slice->counters);
    end->streams += slice->streams;
}

/* ---- blocks ---- */

size_t state_encode_begin(const struct state_sources *sources, struct state_server *server,
                          uint8_t *bytes)
{
    const struct listeners *listeners = sources->listeners;
    *server = (struct state_server){
        .begun = {.wall_ms = clock_wall_ms(), .boot_ms = clock_now_ms()},
        .names = sources->config->clients.names,
        .listener_count = listeners->count,
    };
    host_boot_id(server->boot_id); /* zero on an error: no boot has that number */
    if (server->names == NAMES_KEYED)
        names_key_id(sources->names_key, server->key_id);
    for (size_t i = 0; i < listeners->count; i++)
        listeners_format_name(&listeners->list[i], server->listeners[i]);
    state_contents_write_preamble(bytes);
    return STATE_PREAMBLE_BYTES +
           state_server_write(server, bytes + STATE_PREAMBLE_BYTES, STATE_BLOCK_BYTES_MAX);
}

static uint32_t bounded(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* Returns whether it was added. */
static bool add_client(const struct state_sources *sources, struct state_writer *block,
                       const struct worker_client_state *copy)
{
    const struct client *client = &copy->client;
    struct state_client record = {
        .source = client->source,
        .local = client->local,
        .join_number = client->join_number,
        .left_ms = bounded(copy->left_ms),
        .idle_ms = bounded(client->idle_ms),
        .age_s = bounded(client->age_s),
        .received = client->received,
        .listener = client->listener,
        .frames = client->frames,
    };
    struct client_key key = client_key_of(client->listener, &client->source);
    struct name_holder holder;
    if (!client->named || sources->names == NULL ||
        !client_names_of(sources->names, &key, &record.name, &holder) ||
        holder.join_number != client->join_number)
        record.name.size = 0;
    return state_client_put(block, &record);
}

size_t state_encode_slice(const struct state_sources *sources, const struct state_slice *slice,
                          struct state_end *end, uint8_t *bytes)
{
    struct state_writer block;
    if (slice->count == 0)
        return 0;
    state_block_begin(&block, bytes, STATE_BLOCK_BYTES_MAX, STATE_BLOCK_CLIENTS);
    state_time_put(&block, &slice->copied);
    for (size_t i = 0; i < slice->count; i++)
        end->clients += add_client(sources, &block, &slice->clients[i]);
    return state_block_end(&block);
}

size_t state_encode_end(const struct state_sources *sources, struct state_end *end, uint8_t *bytes)
{
    end->counters.broadcasts = jobs_ended(sources->jobs);
    subscriptions_add_counts(sources->subscriptions, &end->counters);
    end->last_job = jobs_last_id(sources->jobs);
    return state_end_write(end, bytes, STATE_BLOCK_BYTES_MAX);
}

/* ---- all of it ---- */

/* The most bytes, which take no memory before they are written. A block may have one client, where
 * the walk goes over many that have expired. */
static size_t bytes_max(const struct state_sources *sources)
{
    size_t clients = 0;
    for (size_t i = 0; i < sources->workers->count; i++)
        clients += worker_clients_count(sources->workers->list[i]);
    return STATE_PREAMBLE_BYTES + 2 * STATE_BLOCK_BYTES_MAX +
           (clients + 1) * (STATE_BLOCK_HEAD_BYTES + 16 + STATE_CLIENT_BYTES_MAX);
}

/* Returns the size of what it has written. */
static size_t encode(const struct state_sources *sources, struct state_slice *slice,
                     struct state_server *server, uint8_t *bytes)
{
    struct state_end end = {.clients_proven = sources->rules->cookie};
    size_t size = state_encode_begin(sources, server, bytes);
    for (size_t i = 0; i < sources->workers->count; i++) {
        slice->walk = worker_walk_all();
        do {
            state_slice_copy(slice, sources->workers->list[i]);
            size += state_encode_slice(sources, slice, &end, bytes + size);
        } while (!slice->walk.ended);
        state_slice_add_counters(slice, &end);
    }
    return size + state_encode_end(sources, &end, bytes + size);
}

int state_encode_all(const struct state_sources *sources, struct shared_memory *memory,
                     size_t *size)
{
    struct scratch {
        struct state_slice slice;
        struct state_server server;
    } *scratch = malloc(sizeof *scratch);
    if (scratch == NULL)
        return -ENOMEM;
    int error = memory_reserve_shared(memory, bytes_max(sources), 0);
    if (error == 0)
        *size = encode(sources, &scratch->slice, &scratch->server, memory->memory);
    free(scratch);
    return error;
}
