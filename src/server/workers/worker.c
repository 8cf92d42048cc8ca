#include "server/workers/worker.h"

#include "os/log/log.h"
#include "os/loop/mailbox.h"
#include "os/loop/thread.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "os/process/memory.h"
#include "os/process/processor_count.h"
#include "os/process/random.h"
#include "server/workers/offload/worker_offload.h"
#include "server/workers/worker_events.h"
#include "server/workers/worker_state.h"
#include "server/workers/worker_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Batches that all listeners together answer before timers, messages and copies are served:
     * 1,024 datagrams, about 4 ms at 4,140 ns a reply (docs/performance.md). Each listener answers
     * at least one batch, so if 64 listeners are flooded it is four times that. */
    DRAIN_BATCHES = 16,
};

/* ---- from start to stop ---- */

static int draw_key(struct worker *worker)
{
    return random_fill(&worker->key, sizeof worker->key);
}

static int open_registry_memory(struct worker *worker, uint32_t capacity)
{
    size_t bytes = registry_bytes(capacity), index_bytes = registry_index_bytes(capacity);
    return worker->options.handed != NULL
               ? handed_memory_map(worker->options.handed, registry_layout(capacity), bytes,
                                   index_bytes, &worker->registry_memory)
               : memory_reserve_shared(&worker->registry_memory, bytes, index_bytes);
}

static int open_registry(struct worker *worker)
{
    uint32_t capacity = worker->options.capacity;
    int error = open_registry_memory(worker, capacity);
    if (error != 0)
        return error;
    worker->decider.registry =
        registry_new(worker->registry_memory.memory, capacity, &worker->key,
                     worker_registry_ttl(worker->options.ttl_ms), clock_now_ms());
    if (worker->decider.registry == NULL)
        return -ENOMEM;
    if (worker->options.capacity_share != NULL)
        registry_set_capacity_share(worker->decider.registry, worker->options.capacity_share);
    /* It has no clients yet that would have to prove their addresses. */
    worker->decider.rules.cookie = worker->options.rules.cookie;
    datagram_decider_set_rules(&worker->decider, &worker->options.rules, clock_now_ms());
    return 0;
}

static int open_confirmations(struct worker *worker)
{
    return confirmations_open(&worker->decider.confirmations,
                              registry_slots(worker->options.capacity));
}

/* Returns how many batches one listener answers in a round, at least one. */
static int drain_batches(size_t socket_count)
{
    return socket_count < DRAIN_BATCHES ? DRAIN_BATCHES / (int)socket_count : 1;
}

/* Returns the options that all listeners have in common. */
static struct datagram_io_options datagram_io_options(struct worker *worker)
{
    return (struct datagram_io_options){
        .loop = worker->loop,
        .datagram_decider = &worker->decider,
        .stats = &worker->stats,
        .last_errno = &worker->warnings.reply_errno,
        .max_datagram_bytes = worker->options.max_datagram_bytes,
        .drain_batches = drain_batches(worker->options.listener_count),
        .send_monitor = &worker->send_monitor,
        .on_challenge_failed = worker->options.on_challenge_failed,
        .on_link_state = worker->options.on_link_state,
        .reply_queue_bytes = worker->options.reply_queue_bytes,
    };
}

static int open_unicast(struct worker *worker)
{
    worker->io_by_listener = calloc(CONFIG_LISTEN_MAX, sizeof(struct datagram_io *));
    if (worker->io_by_listener == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < worker->options.socket_count; i++) {
        struct datagram_io_options options = datagram_io_options(worker);
        options.socket = worker->options.sockets[i];
        options.senders = worker->options.senders[i];
        options.listener = (uint8_t)i;
        int error = datagram_io_open(&worker->io_by_listener[i], &options);
        if (error != 0)
            return error;
    }
    return 0;
}

static int open_broadcast(struct worker *worker)
{
    const struct broadcast_options options = {
        .loop = worker->loop,
        .registry = worker->decider.registry,
        .capacity = worker->options.capacity,
        .io_by_listener = worker->io_by_listener,
        .confirmations = worker->decider.confirmations,
        .frames = worker_offload_frames(worker),
        .stats = &worker->stats,
        .last_errno = &worker->warnings.copy_errno,
        .rate_pps = worker->options.rate_pps,
        .worker_number = worker->options.number,
        .worker_count = worker->options.count,
    };
    return broadcast_open(&worker->broadcast, &options);
}

static int open_relay(struct worker *worker)
{
    const struct relay_options options = {
        .registry = worker->decider.registry,
        .capacity = worker->options.capacity,
        .mailbox = worker->mailbox,
        .broadcast = worker->broadcast,
        .stats = &worker->stats,
        .max_message_bytes = worker->options.max_datagram_bytes,
        .worker_count = worker->options.count,
        .worker_number = worker->options.number,
    };
    int error = relay_open(&worker->relay, &options);
    if (error == 0)
        worker_set_relay(worker, worker->options.relay, worker->options.relay_rate_pps);
    return error;
}

static int open_first_worker(struct worker *worker)
{
    const struct first_worker_sockets *sockets = worker->options.first_worker_sockets;
    if (sockets == NULL)
        return 0;
    worker->decider.groups = first_worker_sockets_groups(sockets);
    const struct first_worker_options options = {
        .sockets = sockets,
        .io = datagram_io_options(worker),
        .io_by_listener = worker->io_by_listener,
        .broadcast = worker->broadcast,
        .relay = worker->relay,
        .copy_errno = &worker->warnings.copy_errno,
        .stream_max = worker->options.stream_max,
        .stream_files = worker->options.stream_files,
        .stream_buffer_bytes = worker->options.stream_buffer_bytes,
        .stream_idle_ms = worker->options.stream_idle_ms,
        .stream_framing = worker->options.stream_framing,
    };
    return first_worker_open(&worker->first_worker, &options);
}

static int open_loop(struct worker *worker)
{
    worker->loop = loop_new();
    if (worker->loop == NULL)
        return -errno;
    worker->mailbox = mailbox_new(worker->loop);
    if (worker->mailbox == NULL)
        return -errno;
    int error = send_monitor_open(&worker->send_monitor, worker->loop);
    return error != 0 ? error : worker_sweep_open(worker);
}

int worker_new(struct worker **worker, const struct worker_options *options, const char **failed)
{
    static const struct {
        const char *what;
        int (*make)(struct worker *worker);
    } steps[] = {
        {"event loop", open_loop},
        {"random secret key", draw_key},
        {"table of clients", open_registry},
        {"table of confirmations", open_confirmations},
        {"clients of the offload", worker_offload_open},
        {"batches of the listeners", open_unicast},
        {"batches of the broadcasts", open_broadcast},
        {"batch of direct messages", worker_send_open},
        {"ring of the relay", open_relay},
        {"groups and streams", open_first_worker},
    };
    *failed = "worker";
    struct worker *made = memory_cache_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    worker_events_open(made);
    made->decider.reply = options->reply;
    made->decider.own_ports = options->own_ports;
    made->decider.stats = &made->stats;
    made->decider.max_datagram_bytes = options->max_datagram_bytes;
    made->decider.secrets = options->secrets;
    made->decider.names = options->names;
    if (options->shard_key != NULL)
        made->decider.earlier = (struct earlier_datagrams){options->earlier, options->shard_key,
                                                           options->count, options->number};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i].make(made);
        if (error != 0) {
            *failed = steps[i].what;
            worker_join(made);
            worker_free(made);
            return error;
        }
    }
    loop_timer_every(&made->sweep, made->options.sweep_ms);
    *worker = made;
    return 0;
}

/* Closes everything that sends and counts, in the reverse order of the start. May be called twice.
 */
static void close_all(struct worker *worker)
{
    if (worker->loop != NULL)
        worker_sweep_close(worker);
    worker_offload_pause(worker);
    relay_close(worker->relay);
    broadcast_close(worker->broadcast);
    worker->broadcast = NULL;
    first_worker_close(worker->first_worker);
    worker->first_worker = NULL;
    for (size_t i = worker->options.socket_count; worker->io_by_listener != NULL && i-- > 0;)
        datagram_io_close(worker->io_by_listener[i]);
    free(worker->io_by_listener);
    worker->io_by_listener = NULL;
    worker_send_close(worker);
    send_monitor_close(&worker->send_monitor);
}

/* In the main thread. */
static void report_failure(struct mailbox_message *message)
{
    const struct worker *worker =
        (const struct worker *)(void *)((char *)message - offsetof(struct worker, failed));
    worker->options.failure.on_failure(worker->options.failure.state);
}

static void worker_main(void *state)
{
    struct worker *worker = state;
    int error = loop_run_until_stopped(worker->loop);
    if (error == 0)
        return;
    log_event(LOG_LEVEL_ERROR, "a worker's event loop failed", "reason", strerror(-error), "advice",
              "free some memory, and restart udpsrv", NULL);
    worker->failed.handle = report_failure;
    mailbox_post(worker->options.failure.mailbox, &worker->failed);
}

static void pin_to_processor(struct worker *worker)
{
    char name[24];
    int error = thread_pin(worker->thread, processor_count_nth(worker->options.number));
    if (error == 0)
        return;
    snprintf(name, sizeof name, "worker-%" PRIu32, worker->options.number);
    log_event(LOG_LEVEL_WARNING, "a worker is not pinned to one processor", "worker", name,
              "reason", strerror(-error), "advice",
              error == -EPERM
                  ? "permit sched_setaffinity (systemd: SystemCallFilter=sched_setaffinity)"
                  : "let udpsrv use all processors (taskset), or lower server.workers",
              NULL);
}

int worker_open_thread(struct worker *worker)
{
    char name[24];
    snprintf(name, sizeof name, "worker-%" PRIu32, worker->options.number);
    worker->thread = thread_open(name);
    if (worker->thread == NULL)
        return -errno;
    if (worker->options.count > 1)
        pin_to_processor(worker);
    return 0;
}

void worker_resume(struct worker *worker)
{
    thread_run(worker->thread, worker_main, worker);
}

void worker_start(struct worker *worker)
{
    bool is_single = worker->options.count == 1;
    /* What the sockets of several workers have dropped until now, and a passed socket before this
     * server. */
    for (size_t i = 0; i < worker->options.socket_count; i++) {
        datagram_io_resized(worker->io_by_listener[i]);
        if (!is_single || worker->options.passed >> i & 1)
            datagram_io_start_counting_drops(worker->io_by_listener[i]);
    }
    if (worker->must_prove)
        registry_expire_all(worker->decider.registry, clock_now_ms());
    worker->must_prove = false;
    worker_offload_start(worker);
    worker_resume(worker);
}

static void handle_hold(struct mailbox_message *message)
{
    const struct worker *worker =
        (const struct worker *)(void *)((char *)message - offsetof(struct worker, hold));
    loop_stop(worker->loop);
}

void worker_hold(struct worker *worker)
{
    worker->hold.handle = handle_hold;
    mailbox_post(worker->mailbox, &worker->hold);
}

void worker_await_hold(struct worker *worker)
{
    thread_await(worker->thread);
}

bool worker_settle(struct worker *worker)
{
    return mailbox_handle_all(worker->mailbox);
}

void worker_finish(struct worker *worker)
{
    close_all(worker);
    loop_stop(worker->loop);
}

struct relay *worker_relay(struct worker *worker)
{
    return worker->relay;
}

void worker_set_relays(struct worker *worker, struct relay *const *relays)
{
    relay_set_peers(worker->relay, relays);
}

void worker_join(struct worker *worker)
{
    if (worker == NULL)
        return;
    thread_join(worker->thread);
    close_all(worker);
    mailbox_free(worker->mailbox);
    loop_free(worker->loop);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    relay_free(worker->relay);
    confirmations_close(worker->decider.confirmations);
    worker_offload_free(worker);
    registry_free(worker->decider.registry);
    memory_release_shared(&worker->registry_memory);
    free(worker);
}

struct broadcast *worker_broadcast(struct worker *worker)
{
    return worker->broadcast;
}

struct confirmations *worker_confirmations_table(const struct worker *worker)
{
    return worker->decider.confirmations;
}
