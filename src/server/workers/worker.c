/* One worker: what it owns, its sweep, and what others may have it do. */
#include "server/workers/worker.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "os/process/memory.h"
#include "os/process/random.h"
#include "server/datagram/datagram_warnings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A slice of the sweep ends when it has taken so long, looked at after so many evictions, at
     * half a microsecond each: below 200 us in all, short beside the millisecond that a network's
     * jitter is, and long enough that a million who fall silent at once are gone within seconds
     * even under a flood of requests. */
    SWEEP_SLICE_NS = 100000,
    SWEEP_LOOKS = 32,
    /* Batches that are answered before timers, letters and copies get their turn, by all listeners
     * together: at 10 microseconds a datagram, some 10 ms, and four times that where all of 64
     * listeners are flooded. */
    DRAIN_BATCHES = 16,
};

struct worker {
    struct worker_options options;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread;
    struct mailbox_message broken; /* posted when the loop broke */

    struct siphash_key key;
    void *memory; /* the registry's */
    struct datagram_decider datagram_decider;
    struct datagram_io **io_by_listener; /* by listener */
    struct broadcast *broadcast;
    struct relay *relay;
    struct first_worker *first_worker;
    struct stats stats;
    struct datagram_warnings warnings;

    struct send_monitor watch;
    struct loop_timer sweep;
    struct loop_task sweep_slice;
};

/* ---- the sweep ---- */

static void run_sweep_slice(void *state)
{
    struct worker *worker = state;
    uint64_t start_ns = clock_now_ns(), now_ns = start_ns, expired = 0;
    bool more = true;
    for (; more && now_ns - start_ns < SWEEP_SLICE_NS; now_ns = clock_now_ns())
        more = registry_sweep(worker->datagram_decider.registry, now_ns / 1000000, SWEEP_LOOKS,
                              &expired);
    worker->stats.expired += expired;
    if (more)
        loop_defer(worker->loop, &worker->sweep_slice);
}

static void count_drops(struct worker *worker)
{
    for (size_t i = 0; worker->io_by_listener != NULL && i < worker->options.socket_count; i++)
        datagram_io_count_drops(worker->io_by_listener[i]);
    first_worker_count_drops(worker->first_worker);
}

static void on_sweep(void *state)
{
    struct worker *worker = state;
    count_drops(worker);
    datagram_warnings_check(&worker->warnings, &worker->stats, clock_now_ms());
    if (first_worker_streams(worker->first_worker) != NULL)
        streams_sweep(first_worker_streams(worker->first_worker), clock_now_ms());
    run_sweep_slice(worker);
}

/* ---- from start to stop ---- */

/* The clock's milliseconds are cut, so a client might be evicted a fraction of one early: it gets
 * one more. */
static uint32_t registry_ttl(uint32_t ttl_ms)
{
    return ttl_ms < REGISTRY_TTL_MAX_MS ? ttl_ms + 1 : ttl_ms;
}

static int draw_key(struct worker *worker)
{
    return random_fill(&worker->key, sizeof worker->key);
}

static int make_registry(struct worker *worker)
{
    uint32_t capacity = worker->options.capacity;
    worker->memory = memory_reserve(registry_bytes(capacity), registry_index_bytes(capacity));
    if (worker->memory == NULL)
        return -errno;
    worker->datagram_decider.registry =
        registry_init(worker->memory, capacity, &worker->key, registry_ttl(worker->options.ttl_ms),
                      clock_now_ms());
    if (worker->options.allowance != NULL)
        registry_set_capacity_share(worker->datagram_decider.registry, worker->options.allowance);
    datagram_decider_set_rules(&worker->datagram_decider, &worker->options.rules, clock_now_ms());
    return 0;
}

/* Each listener's part of the round; an epoll_wait more for a batch is nothing beside the batch. */
static int drain_batches(size_t socket_count)
{
    return socket_count < DRAIN_BATCHES ? DRAIN_BATCHES / (int)socket_count : 1;
}

/* What all endpoints have in common. */
static struct datagram_io_options datagram_io_options(struct worker *worker)
{
    return (struct datagram_io_options){
        .loop = worker->loop,
        .datagram_decider = &worker->datagram_decider,
        .stats = &worker->stats,
        .last_errno = &worker->warnings.reply_errno,
        .max_datagram_bytes = worker->options.max_datagram_bytes,
        .drain_batches = drain_batches(worker->options.listener_count),
        .watch = &worker->watch,
        .on_link_failed = worker->options.on_link_failed,
        .on_link_state = worker->options.on_link_state,
        .held_bytes = worker->options.held_bytes,
    };
}

static int make_endpoints(struct worker *worker)
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

static int make_broadcast(struct worker *worker)
{
    const struct broadcast_options options = {
        .loop = worker->loop,
        .registry = worker->datagram_decider.registry,
        .capacity = worker->options.capacity,
        .io_by_listener = worker->io_by_listener,
        .stats = &worker->stats,
        .last_errno = &worker->warnings.copy_errno,
        .rate_pps = worker->options.rate_pps,
        .part = worker->options.number,
        .parts = worker->options.count,
    };
    return broadcast_open(&worker->broadcast, &options);
}

/* What clients say is told to the relay, while there is one to be had. */
static void hear(void *state, uint8_t listener, const struct datagram *datagram, uint64_t now_ms)
{
    relay_datagram(state, listener, datagram, now_ms);
}

static void set_relay(struct worker *worker, enum config_relay mode, uint32_t rate_pps)
{
    relay_set(worker->relay, mode, rate_pps);
    worker->datagram_decider.on_message =
        (struct message_callback){.hear = mode == RELAY_OFF ? NULL : hear, .state = worker->relay};
}

static int make_relay(struct worker *worker)
{
    const struct relay_options options = {
        .registry = worker->datagram_decider.registry,
        .capacity = worker->options.capacity,
        .mailbox = worker->mailbox,
        .broadcast = worker->broadcast,
        .stats = &worker->stats,
        .max_message_bytes = worker->options.max_datagram_bytes,
        .worker_count = worker->options.count,
    };
    int error = relay_open(&worker->relay, &options);
    if (error == 0)
        set_relay(worker, worker->options.relay, worker->options.relay_rate_pps);
    return error;
}

static int make_guests(struct worker *worker)
{
    const struct first_worker_sockets *first_sockets = worker->options.first_worker;
    if (first_sockets == NULL)
        return 0;
    worker->datagram_decider.groups = first_worker_sockets_groups(first_sockets);
    const struct first_worker_options options = {
        .first_sockets = first_sockets,
        .io = datagram_io_options(worker),
        .io_by_listener = worker->io_by_listener,
        .broadcast = worker->broadcast,
        .relay = worker->relay,
        .copy_errno = &worker->warnings.copy_errno,
        .stream_max = worker->options.stream_max,
        .stream_files = worker->options.stream_files,
        .stream_buffer_bytes = worker->options.stream_buffer_bytes,
        .stream_idle_ms = worker->options.stream_idle_ms,
    };
    return first_worker_open(&worker->first_worker, &options);
}

static int make_loop(struct worker *worker)
{
    worker->loop = loop_new();
    if (worker->loop == NULL)
        return -errno;
    worker->mailbox = mailbox_new(worker->loop);
    if (worker->mailbox == NULL)
        return -errno;
    int error = send_monitor_open(&worker->watch, worker->loop);
    return error != 0 ? error : loop_timer_open(worker->loop, &worker->sweep, on_sweep, worker);
}

int worker_new(struct worker **worker, const struct worker_options *options, const char **failed)
{
    static const struct {
        const char *what;
        int (*make)(struct worker *worker);
    } steps[] = {
        {"event loop", make_loop},
        {"random secret key", draw_key},
        {"table of clients", make_registry},
        {"batches of the listeners", make_endpoints},
        {"batches of the broadcasts", make_broadcast},
        {"ring of the relay", make_relay},
        {"groups and streams", make_guests},
    };
    *failed = "worker";
    struct worker *made = memory_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->datagram_decider.reply = options->reply;
    made->datagram_decider.own_ports = options->own_ports;
    made->datagram_decider.stats = &made->stats;
    made->datagram_decider.max_datagram_bytes = options->max_datagram_bytes;
    made->datagram_decider.secrets = options->secrets;
    made->sweep_slice = (struct loop_task){.run = run_sweep_slice, .state = made};

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

/* Ends what sends and counts, in the reverse order of the start. Twice is once. */
static void wind_up(struct worker *worker)
{
    if (worker->loop != NULL) {
        loop_timer_close(&worker->sweep);
        loop_cancel(worker->loop, &worker->sweep_slice);
    }
    relay_close(worker->relay);
    broadcast_close(worker->broadcast);
    worker->broadcast = NULL;
    first_worker_close(worker->first_worker);
    worker->first_worker = NULL;
    for (size_t i = worker->options.socket_count; worker->io_by_listener != NULL && i-- > 0;)
        datagram_io_close(worker->io_by_listener[i]);
    free(worker->io_by_listener);
    worker->io_by_listener = NULL;
    send_monitor_close(&worker->watch);
}

static void open_broken(struct mailbox_message *mailbox_message)
{
    const struct worker *worker =
        (const struct worker *)(void *)((char *)mailbox_message - offsetof(struct worker, broken));
    worker->options.on_break.broke(worker->options.on_break.state);
}

static void worker_main(void *state)
{
    struct worker *worker = state;
    int error = loop_run_until_stopped(worker->loop);
    if (error == 0)
        return;
    log_event(LOG_LEVEL_ERROR, "a worker's loop broke", "reason", strerror(-error), "advice",
              "free some memory, and restart udpsrv", NULL);
    worker->broken.open = open_broken;
    mailbox_post(worker->options.on_break.reply_mailbox, &worker->broken);
}

static void pin(struct worker *worker)
{
    char name[24];
    int error = thread_pin(worker->thread, host_processor(worker->options.number));
    if (error == 0)
        return;
    snprintf(name, sizeof name, "worker-%" PRIu32, worker->options.number);
    log_event(LOG_LEVEL_WARNING, "a worker is not kept on one processor", "worker", name, "reason",
              strerror(-error), "advice",
              "let udpsrv use all processors (taskset), or lower server.workers", NULL);
}

int worker_start(struct worker *worker)
{
    char name[24];
    bool alone = worker->options.count == 1;
    for (size_t i = 0; !alone && i < worker->options.socket_count; i++)
        datagram_io_forget_drops(worker->io_by_listener[i]);
    snprintf(name, sizeof name, "worker-%" PRIu32, worker->options.number);
    worker->thread = thread_start(name, worker_main, worker);
    if (worker->thread == NULL)
        return -errno;
    if (!alone)
        pin(worker);
    return 0;
}

void worker_finish(struct worker *worker)
{
    wind_up(worker);
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
    if (worker->thread != NULL)
        thread_join(worker->thread);
    wind_up(worker);
    mailbox_free(worker->mailbox);
    loop_free(worker->loop);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    relay_free(worker->relay);
    memory_release(worker->memory, registry_bytes(worker->options.capacity));
    free(worker);
}

/* ---- letters ---- */

static void open_at_home(struct mailbox_message *mailbox_message)
{
    struct worker_call *call = (struct worker_call *)mailbox_message;
    call->done(call);
}

static void open_at_worker(struct mailbox_message *mailbox_message)
{
    struct worker_call *call = (struct worker_call *)mailbox_message;
    /* A call that doesn't come home may be gone once it has run. */
    struct mailbox *reply_mailbox = call->reply_mailbox;
    call->run(call);
    if (reply_mailbox == NULL)
        return;
    mailbox_message->open = open_at_home;
    mailbox_post(reply_mailbox, mailbox_message);
}

void worker_post(struct worker *worker, struct worker_call *call, struct mailbox *reply_mailbox)
{
    call->mailbox_message.open = open_at_worker;
    call->worker = worker;
    call->reply_mailbox = reply_mailbox;
    mailbox_post(worker->mailbox, &call->mailbox_message);
}

void worker_stats(struct worker *worker, struct stats *stats, uint32_t *clients)
{
    count_drops(worker);
    *stats = worker->stats;
    *clients = registry_count(worker->datagram_decider.registry);
    if (first_worker_streams(worker->first_worker) != NULL)
        *clients += streams_count(first_worker_streams(worker->first_worker));
}

struct worker_walk worker_walk_all(void)
{
    return (struct worker_walk){.registry = registry_walk_all()};
}

size_t worker_list(struct worker *worker, struct worker_walk *walk, struct client *clients,
                   size_t room)
{
    const struct streams *streams = first_worker_streams(worker->first_worker);
    uint64_t now_ms = clock_now_ms();
    size_t count;
    if (!walk->registry.ended)
        return registry_walk_next(worker->datagram_decider.registry, &walk->registry, now_ms, clients,
                             room);
    count = streams != NULL ? streams_list(streams, &walk->stream, now_ms, clients, room) : 0;
    walk->ended = count == 0;
    return count;
}

static bool find_stream(struct worker *worker, uint8_t listener, const struct client_name *name,
                        struct client *client)
{
    const struct streams *streams = first_worker_streams(worker->first_worker);
    return streams != NULL && streams_find(streams, name, clock_now_ms(), client) &&
           client->listener >= listener;
}

bool worker_find(struct worker *worker, uint8_t listener, const struct client_name *name,
                 struct client *client)
{
    if (name->transport != TRANSPORT_UDP)
        return find_stream(worker, listener, name, client);
    uint64_t now_ms = clock_now_ms();
    for (size_t i = listener; i < CONFIG_LISTEN_MAX; i++)
        if (registry_find(worker->datagram_decider.registry, (uint8_t)i, &name->addr, now_ms,
                          client))
            return true;
    return false;
}

uint32_t worker_kick(struct worker *worker, const struct client_name *name)
{
    uint32_t kicked = 0;
    struct client client;
    if (name->transport != TRANSPORT_UDP) {
        struct streams *streams = first_worker_streams(worker->first_worker);
        return streams != NULL && streams_kick(streams, name);
    }
    for (uint8_t i = 0; worker_find(worker, i, name, &client); i = client.listener) {
        registry_remove(worker->datagram_decider.registry, client.listener, &name->addr);
        kicked++;
    }
    worker->stats.kicked += kicked;
    return kicked;
}

void worker_set_secrets(struct worker *worker, const struct cookie_secrets *secrets,
                        struct access_list *on_link)
{
    worker->datagram_decider.secrets = *secrets;
    worker->datagram_decider.rules.on_link = on_link;
}

void worker_renew(struct worker *worker, struct socket_renewal *renewal)
{
    uint64_t renewed = 0;
    worker->datagram_decider.broadcast_addrs = renewal->broadcast_addrs;
    for (size_t i = 0; worker->io_by_listener != NULL && i < CONFIG_LISTEN_MAX; i++) {
        struct renewed_listener *listener = &renewal->listeners[i];
        if (worker->io_by_listener[i] == NULL || listener->socket < 0)
            continue;
        datagram_io_renew(worker->io_by_listener[i], &listener->socket, &listener->senders);
        renewed |= UINT64_C(1) << i;
    }
    if (worker->first_worker != NULL)
        first_worker_renew(worker->first_worker, renewal, renewed);
    socket_renewal_close(renewal);
}

void worker_apply(struct worker *worker, const struct worker_settings *settings)
{
    worker->datagram_decider.reply = settings->reply;
    datagram_decider_set_rules(&worker->datagram_decider, &settings->rules, clock_now_ms());
    if (first_worker_streams(worker->first_worker) != NULL)
        streams_admit(first_worker_streams(worker->first_worker));
    registry_set_ttl(worker->datagram_decider.registry, registry_ttl(settings->ttl_ms));
    broadcast_set_rate(worker->broadcast, settings->rate_pps);
    set_relay(worker, settings->relay, settings->relay_rate_pps);
    if (settings->sweep_ms != worker->options.sweep_ms) {
        worker->options.sweep_ms = settings->sweep_ms;
        loop_timer_change(&worker->sweep, settings->sweep_ms);
    }
}

struct broadcast *worker_broadcast(struct worker *worker)
{
    return worker->broadcast;
}
