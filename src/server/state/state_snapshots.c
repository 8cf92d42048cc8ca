#include "server/state/state_snapshots.h"

#include "os/file/snapshot_file.h"
#include "os/log/log.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "state/state_contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_BYTES = 4 * STATE_BLOCK_BYTES_MAX, /* written at once */
};
_Static_assert(STATE_BLOCK_HEAD_BYTES + 8 + STATE_SLICE * STATE_CLIENT_BYTES_MAX <=
                   STATE_BLOCK_BYTES_MAX,
               "a slice fits into a block");

/* The next clients of a worker; with its last ones, its counters. */
struct slice {
    struct worker_call call; /* first */
    struct state_snapshots *snapshots;
    struct worker_walk walk;
    struct worker_client_state clients[STATE_SLICE];
    size_t count;
    uint64_t wall_ms; /* of the copies */
    struct stats counters;
    uint32_t streams;
};

struct state_snapshots {
    struct state_snapshots_options options;
    struct loop_timer timer;
    struct snapshot_file *file;
    struct snapshot_write write;
    void (*next)(struct state_snapshots *all); /* what follows when the write is done */
    bool is_running, is_stopped;
    bool has_failed; /* the last snapshot; logged once */

    size_t worker; /* whose clients are read */
    struct slice slice;
    struct state_end end; /* what is known of it so far */
    size_t size;          /* of what is in the buffer */
    uint8_t buffer[BUFFER_BYTES];
    struct state_server server; /* used while the first block is made */
};

/* ---- blocks ---- */

static uint8_t *room(struct state_snapshots *all)
{
    return all->buffer + all->size;
}

static void add_server(struct state_snapshots *all)
{
    const struct listeners *listeners = all->options.listeners;
    struct state_server *server = &all->server;
    *server = (struct state_server){
        .wall_ms = clock_wall_ms(),
        .last_job = jobs_last_id(all->options.jobs),
        .clients_proven = all->options.rules->cookie,
        .listener_count = listeners->count,
    };
    host_boot_id(server->boot_id); /* zero on an error: no boot has that number */
    for (size_t i = 0; i < listeners->count; i++)
        memcpy(server->listeners[i], listeners->list[i].text, sizeof server->listeners[i]);
    state_write_preamble(room(all));
    all->size += STATE_PREAMBLE_BYTES;
    all->size += state_server_write(server, room(all), STATE_BLOCK_BYTES_MAX);
}

static uint32_t bounded(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void add_client(struct state_snapshots *all, struct state_writer *block,
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
    if (!client->named || all->options.names == NULL ||
        !client_names_of(all->options.names, &key, &record.name, &holder) ||
        holder.join_number != client->join_number)
        record.name.size = 0;
    if (state_client_put(block, &record))
        all->end.clients++;
}

static void add_slice(struct state_snapshots *all)
{
    const struct slice *slice = &all->slice;
    struct state_writer block;
    if (slice->count == 0)
        return;
    state_block_begin(&block, room(all), STATE_BLOCK_BYTES_MAX, STATE_BLOCK_CLIENTS);
    state_put64(&block, slice->wall_ms);
    for (size_t i = 0; i < slice->count; i++)
        add_client(all, &block, &slice->clients[i]);
    all->size += state_block_end(&block);
}

static void add_end(struct state_snapshots *all)
{
    all->end.counters.broadcasts = jobs_ended(all->options.jobs);
    subscriptions_add_counts(all->options.subscriptions, &all->end.counters);
    all->size += state_end_write(&all->end, room(all), STATE_BLOCK_BYTES_MAX);
}

/* ---- slices ---- */

/* In the thread of the worker, or after its end. */
static void copy_slice(struct slice *slice, struct worker *worker)
{
    uint32_t clients;
    slice->count =
        worker_copy_state(worker, &slice->walk, slice->clients, STATE_SLICE, &slice->wall_ms);
    if (!slice->walk.ended)
        return;
    worker_stats(worker, &slice->counters, &clients);
    slice->streams = worker_streams_count(worker);
}

static void begin_snapshot(struct state_snapshots *all)
{
    all->worker = 0;
    all->slice.walk = worker_walk_all();
    all->end = (struct state_end){.clients = 0};
    all->size = 0;
    add_server(all);
}

/* Adds a slice that was copied. Returns whether it was the last one of the last worker. */
static bool take_slice(struct state_snapshots *all)
{
    add_slice(all);
    if (!all->slice.walk.ended)
        return false;
    stats_add(&all->end.counters, &all->slice.counters);
    all->end.streams += all->slice.streams;
    all->slice.walk = worker_walk_all();
    return ++all->worker == all->options.workers->count;
}

/* ---- while the server runs ---- */

static void finish_snapshot(struct state_snapshots *all, int error)
{
    all->is_running = false;
    if (error != 0 && !all->has_failed)
        log_event(LOG_LEVEL_WARNING, "cannot write the state file", "file",
                  all->options.config->state.file, "reason", strerror(-error), "advice",
                  "let the user of the server write its directory, and look at the free space; it "
                  "is tried again each state.interval",
                  NULL);
    else if (error == 0 && all->has_failed)
        log_event(LOG_LEVEL_INFO, "the state file is written again", "file",
                  all->options.config->state.file, NULL);
    all->has_failed = error != 0;
}

static void on_written(struct snapshot_write *write)
{
    struct state_snapshots *all =
        (struct state_snapshots *)((char *)write - offsetof(struct state_snapshots, write));
    if (all->is_stopped)
        return;
    if (write->error != 0)
        finish_snapshot(all, write->error);
    else
        all->next(all);
}

static void post_write(struct state_snapshots *all, enum snapshot_step step,
                       void (*next)(struct state_snapshots *all))
{
    all->next = next;
    all->write = (struct snapshot_write){
        .step = step, .bytes = all->buffer, .size = all->size, .done = on_written};
    all->size = 0;
    snapshot_file_post(all->file, &all->write);
}

static void run_slice(struct worker_call *call)
{
    copy_slice((struct slice *)call, call->worker);
}

static void fetch_slice(struct state_snapshots *all)
{
    worker_post(all->options.workers->list[all->worker], &all->slice.call, all->options.mailbox);
}

static void on_committed(struct state_snapshots *all)
{
    finish_snapshot(all, 0);
}

static void commit(struct state_snapshots *all)
{
    post_write(all, SNAPSHOT_COMMIT, on_committed);
}

static void on_slice(struct worker_call *call)
{
    struct state_snapshots *all = ((struct slice *)call)->snapshots;
    if (all->is_stopped)
        return;
    bool is_last = take_slice(all);
    if (is_last)
        add_end(all);
    if (is_last)
        post_write(all, SNAPSHOT_ADD, commit);
    else if (all->size > BUFFER_BYTES - 2 * STATE_BLOCK_BYTES_MAX)
        post_write(all, SNAPSHOT_ADD, fetch_slice);
    else
        fetch_slice(all);
}

static void on_begun(struct state_snapshots *all)
{
    begin_snapshot(all);
    fetch_slice(all);
}

/* A snapshot that takes longer than the interval is not begun anew. */
static void on_timer(void *state)
{
    struct state_snapshots *all = state;
    if (all->is_running)
        return;
    all->is_running = true;
    post_write(all, SNAPSHOT_BEGIN, on_begun);
}

/* ---- start and stop ---- */

int state_snapshots_open(struct state_snapshots **snapshots,
                         const struct state_snapshots_options *options)
{
    *snapshots = NULL;
    if (options->config->state.file == NULL)
        return 0;
    struct state_snapshots *made = *snapshots = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->slice.snapshots = made;
    made->slice.call.run = run_slice;
    made->slice.call.done = on_slice;
    int error = snapshot_file_new(&made->file, options->config->state.file, options->mailbox);
    if (error == 0)
        error = loop_timer_open(options->loop, &made->timer, on_timer, made);
    if (error == 0)
        loop_timer_every(&made->timer, options->config->state.interval_ms);
    return error;
}

void state_snapshots_set_interval(struct state_snapshots *snapshots, uint32_t interval_ms)
{
    if (snapshots != NULL)
        loop_timer_change_period(&snapshots->timer, interval_ms);
}

void state_snapshots_stop(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    snapshots->is_stopped = true;
    loop_timer_close(&snapshots->timer);
}

/* Writes what is in the buffer, if there is no room for two blocks or it is the end. */
static int flush(struct state_snapshots *all, bool is_last)
{
    if (!is_last && all->size <= BUFFER_BYTES - 2 * STATE_BLOCK_BYTES_MAX)
        return 0;
    int error = snapshot_file_do(all->file, SNAPSHOT_ADD, all->buffer, all->size);
    all->size = 0;
    return error;
}

void state_snapshots_finish(struct state_snapshots *snapshots)
{
    bool is_last = false;
    if (snapshots == NULL)
        return;
    snapshot_file_stop(snapshots->file);
    int error = snapshot_file_do(snapshots->file, SNAPSHOT_BEGIN, NULL, 0);
    begin_snapshot(snapshots);
    while (error == 0 && !is_last) {
        copy_slice(&snapshots->slice, snapshots->options.workers->list[snapshots->worker]);
        is_last = take_slice(snapshots);
        if (is_last)
            add_end(snapshots);
        error = flush(snapshots, is_last);
    }
    if (error == 0)
        error = snapshot_file_do(snapshots->file, SNAPSHOT_COMMIT, NULL, 0);
    finish_snapshot(snapshots, error);
}

void state_snapshots_close(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    state_snapshots_stop(snapshots);
    snapshot_file_stop(snapshots->file);
}

void state_snapshots_free(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    snapshot_file_free(snapshots->file);
    free(snapshots);
}
