#include "server/state/state_snapshots.h"

#include "os/file/state_file_writer.h"
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
/* The message that has a worker copy its next clients. */
struct slice_call {
    struct worker_call call; /* first */
    struct state_snapshots *snapshots;
    struct state_slice slice;
};

struct state_snapshots {
    struct state_snapshots_options options;
    struct loop_timer timer;
    struct state_file_writer *writer;
    struct state_file_write write;
    bool is_writing;                           /* the write is with the thread */
    void (*next)(struct state_snapshots *all); /* what follows when it comes back */
    bool is_running;                           /* a snapshot is being taken */
    bool is_held;                              /* nothing is posted to the workers or written */
    void (*after_hold)(struct state_snapshots *all); /* what follows then; NULL: nothing waits */
    struct {
        loop_callback *held; /* to be called when the write comes back; NULL: nothing is */
        void *state;
    } hold;
    bool is_stopped;         /* the workers have ended, or are about to */
    bool has_failed;         /* the last snapshot: it was logged */
    struct {                 /* state_snapshots_finish */
        loop_callback *done; /* NULL: it was not called */
        void *state;
        uint64_t streams;
    } finish;

    size_t worker; /* whose clients are read */
    struct slice_call slice;
    struct state_end end; /* what is known of it so far */
    size_t size;          /* of what is in the buffer */
    uint8_t buffer[BUFFER_BYTES];
    struct state_server server; /* used while the first block is made */
};

/* ---- blocks and slices ---- */

static uint8_t *free_room(struct state_snapshots *all)
{
    return all->buffer + all->size;
}

static void add_end_block(struct state_snapshots *all)
{
    if (all->finish.done != NULL)
        all->end.streams = all->finish.streams;
    all->size += state_encode_end(&all->options.sources, &all->end, free_room(all));
}

static void begin_contents(struct state_snapshots *all)
{
    all->worker = 0;
    all->slice.slice.walk = worker_walk_all();
    all->end = (struct state_end){.clients_proven = true};
    all->size = state_encode_begin(&all->options.sources, &all->server, all->buffer);
}

/* Adds a slice that was copied. Returns whether it was the last one of the last worker. */
static bool take_slice(struct state_snapshots *all)
{
    struct state_slice *slice = &all->slice.slice;
    all->size += state_encode_slice(&all->options.sources, slice, &all->end, free_room(all));
    if (!slice->walk.ended)
        return false;
    state_slice_add_counters(slice, &all->end);
    slice->walk = worker_walk_all();
    return ++all->worker == all->options.sources.workers->count;
}

/* ---- what follows what ---- */

static void begin_snapshot(struct state_snapshots *all);

static void log_failure(const struct state_snapshots *all, int error)
{
    log_event(LOG_LEVEL_WARNING, "cannot write the state file", "file",
              all->options.sources.config->state.file, "reason", strerror(-error), "advice",
              all->finish.done != NULL
                  ? "look at its directory and at the free space; the next start takes the old file"
                  : "look at its directory and at the free space; it is tried again each "
                    "state.interval",
              NULL);
}

static void end_snapshot(struct state_snapshots *all, int error)
{
    all->is_running = false;
    if (error != 0 && (!all->has_failed || all->finish.done != NULL))
        log_failure(all, error);
    else if (error == 0 && all->has_failed)
        log_event(LOG_LEVEL_INFO, "the state file is written again", "file",
                  all->options.sources.config->state.file, NULL);
    all->has_failed = error != 0;
    if (all->finish.done != NULL)
        all->finish.done(all->finish.state);
}

static void continue_after_write(struct state_snapshots *all)
{
    if (all->is_stopped && !all->is_running)
        begin_snapshot(all);
    else if (all->write.error != 0)
        end_snapshot(all, all->write.error);
    else
        all->next(all);
}

/* A snapshot that ran when the server was stopped is not continued. */
static void on_written(struct state_file_write *write)
{
    struct state_snapshots *all =
        (struct state_snapshots *)((char *)write - offsetof(struct state_snapshots, write));
    all->is_writing = false;
    if (all->is_stopped && all->finish.done == NULL)
        return;
    if (!all->is_held) {
        continue_after_write(all);
        return;
    }
    all->after_hold = continue_after_write;
    loop_callback *held = all->hold.held;
    all->hold.held = NULL;
    if (held != NULL)
        held(all->hold.state);
}

static void post_write(struct state_snapshots *all, enum state_file_step step,
                       void (*next)(struct state_snapshots *all))
{
    all->next = next;
    all->write = (struct state_file_write){
        .step = step, .bytes = all->buffer, .size = all->size, .done = on_written};
    all->size = 0;
    all->is_writing = true;
    state_file_writer_post(all->writer, &all->write);
}

static void run_slice(struct worker_call *call)
{
    state_slice_copy(&((struct slice_call *)call)->slice, call->worker);
}

static void handle_slice(struct state_snapshots *all);

/* The clients of a slice have proven their addresses if that is demanded when it is asked for: a
 * reload is posted to the worker when the rules change, and has it forget those that have not. Two
 * reloads may come between two slices. */
static void fetch_slice(struct state_snapshots *all)
{
    struct worker *worker = all->options.sources.workers->list[all->worker];
    if (!all->is_held)
        all->end.clients_proven &= all->options.sources.rules->cookie;
    if (all->is_held) {
        all->after_hold = fetch_slice;
    } else if (all->is_stopped) {
        state_slice_copy(&all->slice.slice, worker);
        handle_slice(all);
    } else {
        worker_post(worker, &all->slice.call, all->options.mailbox);
    }
}

static void on_committed(struct state_snapshots *all)
{
    end_snapshot(all, 0);
}

static void commit(struct state_snapshots *all)
{
    post_write(all, STATE_FILE_COMMIT, on_committed);
}

/* Writes the buffer after each slice: without workers that answer requests between slices, the loop
 * would otherwise be called by itself. */
static void handle_slice(struct state_snapshots *all)
{
    bool is_last = take_slice(all);
    if (is_last)
        add_end_block(all);
    if (is_last)
        post_write(all, STATE_FILE_ADD, commit);
    else if (all->is_stopped || all->size > BUFFER_BYTES - 2 * STATE_BLOCK_BYTES_MAX)
        post_write(all, STATE_FILE_ADD, fetch_slice);
    else
        fetch_slice(all);
}

static void on_slice(struct worker_call *call)
{
    struct state_snapshots *all = ((struct slice_call *)call)->snapshots;
    if (!all->is_stopped)
        handle_slice(all);
}

static void on_begun(struct state_snapshots *all)
{
    begin_contents(all);
    fetch_slice(all);
}

static void begin_snapshot(struct state_snapshots *all)
{
    all->is_running = true;
    post_write(all, STATE_FILE_BEGIN, on_begun);
}

/* A snapshot that takes longer than the interval is not begun anew. */
static void on_timer(void *state)
{
    struct state_snapshots *all = state;
    if (!all->is_running)
        begin_snapshot(all);
}

/* ---- start and stop ---- */

int state_snapshots_open(struct state_snapshots **snapshots,
                         const struct state_snapshots_options *options)
{
    *snapshots = NULL;
    if (options->sources.config->state.file == NULL)
        return 0;
    struct state_snapshots *made = *snapshots = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->slice.snapshots = made;
    made->slice.call.run = run_slice;
    made->slice.call.done = on_slice;
    int error = options->lock != 0
                    ? state_file_writer_new_locked(
                          &made->writer, options->sources.config->state.file, options->lock)
                    : state_file_writer_new(&made->writer, options->sources.config->state.file);
    return error == -ENOMEM || error == -EWOULDBLOCK ? error : 0;
}

int state_snapshots_start(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return 0;
    /* The check makes a new file, which the predecessor may be writing at this time. */
    int error = snapshots->options.lock == 0 ? state_file_writer_check(snapshots->writer) : 0;
    if (error != 0)
        log_failure(snapshots, error);
    snapshots->has_failed = error != 0;
    error = state_file_writer_start(snapshots->writer, snapshots->options.mailbox);
    if (error == 0)
        error = loop_timer_open(snapshots->options.loop, &snapshots->timer, on_timer, snapshots);
    if (error == 0)
        loop_timer_every(&snapshots->timer, snapshots->options.sources.config->state.interval_ms);
    return error;
}

void state_snapshots_set_interval(struct state_snapshots *snapshots, uint32_t interval_ms)
{
    if (snapshots != NULL)
        loop_timer_change_period(&snapshots->timer, interval_ms);
}

int state_snapshots_lock(const struct state_snapshots *snapshots)
{
    return snapshots != NULL && snapshots->writer != NULL
               ? state_file_writer_lock(snapshots->writer)
               : -1;
}

void state_snapshots_hold(struct state_snapshots *snapshots, loop_callback *held, void *state)
{
    bool is_writing = snapshots != NULL && snapshots->is_writing;
    if (snapshots != NULL)
        snapshots->is_held = true;
    if (is_writing) {
        snapshots->hold.held = held;
        snapshots->hold.state = state;
    } else {
        held(state);
    }
}

void state_snapshots_resume(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    snapshots->is_held = false;
    snapshots->hold.held = NULL;
    if (snapshots->after_hold != NULL)
        snapshots->after_hold(snapshots);
    snapshots->after_hold = NULL;
}

void state_snapshots_stop(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    snapshots->is_stopped = true;
    snapshots->is_running = false;
    loop_timer_close(&snapshots->timer);
}

void state_snapshots_finish(struct state_snapshots *snapshots, uint64_t streams,
                            loop_callback *done, void *state)
{
    if (snapshots == NULL) {
        done(state);
        return;
    }
    snapshots->finish.done = done;
    snapshots->finish.state = state;
    snapshots->finish.streams = streams;
    if (!snapshots->is_writing)
        begin_snapshot(snapshots);
}

void state_snapshots_close(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    state_snapshots_stop(snapshots);
    snapshots->finish.done = NULL;
    state_file_writer_stop(snapshots->writer);
}

void state_snapshots_free(struct state_snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    state_file_writer_free(snapshots->writer);
    free(snapshots);
}
