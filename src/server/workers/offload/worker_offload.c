#include "server/workers/offload/worker_offload.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/memory.h"
#include "registry/offload/offloaded_clients.h"
#include "server/broadcast/frame_copies.h"
#include "server/workers/worker_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct worker_offload {
    struct offload *program;
    struct offloaded_clients clients;
    void *table; /* of the clients, by slot */
    size_t table_bytes;
    bool is_started;  /* until then a predecessor may use the settings and the counters */
    bool is_counting; /* counted is known: what a predecessor has counted is not added again */
    bool is_paused, is_withdrawn;
    struct frame_copies *frames;        /* NULL: copies leave by the sockets only */
    uint64_t counted[OFFLOAD_COUNTERS]; /* what the worker's counters contain already */
    uint16_t ports[CONFIG_LISTEN_MAX];  /* of the listeners */
};

/* ---- the index of clients ---- */

static int add(void *state, const struct addr *source, const struct addr *local,
               const struct offload_client *client)
{
    const struct worker *worker = state;
    return offload_add(worker->offload->program, source, local, client);
}

static void remove_client(void *state, uint32_t record)
{
    const struct worker *worker = state;
    offload_remove(worker->offload->program, record);
}

static struct rate_limiter_hashes rate_hashes(void *state, const struct addr *source)
{
    const struct worker *worker = state;
    return admission_rules_rate_hashes(&worker->decider.rules, source);
}

/* ---- what the program answers ---- */

/* The kernel reports the interface that has an address, not lo, for what this host sends to it. A
 * frame that arrives there with the same source is forged, and none of the network stack's. */
static bool is_of_this_host(const struct addr *source, const struct addr *local)
{
    return addr_is_loopback(source) || memcmp(source->ip, local->ip, sizeof source->ip) == 0;
}

static void on_renewed(void *state, uint8_t listener, const struct registry_datagram *record,
                       uint64_t now_ms)
{
    const struct worker *worker = state;
    struct addr local = *record->local;
    local.port = worker->offload->ports[listener];
    if (!offload_receives_by(worker->offload->program, local.scope) ||
        is_of_this_host(record->source, &local))
        local.scope = 0;
    registry_offload(worker->decider.registry, record, &local, now_ms);
}

/* Returns the rotation of the program whose turns a reply takes, or -1. */
static int rotation_of(const struct worker *worker, const struct reply *reply)
{
    const struct offload_rotation *rotations = offload_rotations(worker->offload->program);
    for (int i = 0; i < OFFLOAD_ROTATIONS; i++)
        if (reply_rotation_turns(reply) == &rotations[i].turns)
            return i;
    return -1;
}

/* Whether the program can take tokens from the buckets that the worker takes them from. A former
 * process of an upgrade may have left them in other memory. */
static bool has_buckets(const struct worker *worker)
{
    const struct rate_limiter *limiter = worker->decider.rules.limiter;
    return limiter == NULL || limiter == offload_rate_limiter(worker->offload->program).memory;
}

/* What the program answers now. *rotation is set for OFFLOAD_ROTATE. */
static enum offload_reply reply_of(const struct worker *worker, int *rotation)
{
    const struct datagram_decider *decider = &worker->decider;
    if (worker->offload->is_paused || worker->offload->is_withdrawn ||
        !worker->offload->is_counting || decider->on_message.call != NULL || !has_buckets(worker))
        return OFFLOAD_PASS;
    switch (reply_rotation_mode(decider->reply)) {
    case REPLY_ROTATE:
        *rotation = rotation_of(worker, decider->reply);
        return *rotation >= 0 ? OFFLOAD_ROTATE : OFFLOAD_PASS;
    case REPLY_ECHO:
        return OFFLOAD_ECHO;
    case REPLY_NONE:
        return OFFLOAD_SILENT;
    }
    return OFFLOAD_PASS;
}

static void set_limit(struct token_bucket *shared, const struct token_bucket *limit)
{
    __atomic_store_n(&shared->slack_ns, limit->slack_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&shared->interval_ns, limit->interval_ns, __ATOMIC_RELAXED);
}

/* Has the program follow what is in effect, by one store. */
static void set(struct worker *worker)
{
    struct worker_offload *offload = worker->offload;
    int rotation = 0;
    if (!offload->is_started)
        return;
    enum offload_reply reply = reply_of(worker, &rotation);
    uint64_t settings = offload_settings(offload->clients.generation, reply,
                                         reply == OFFLOAD_ROTATE ? (uint8_t)rotation : 0,
                                         (uint16_t)worker->decider.max_datagram_bytes);
    struct offload_worker *shared = &offload_workers(offload->program)[worker->options.number];
    __atomic_store_n(&shared->ttl_ms, registry_ttl(worker->decider.registry), __ATOMIC_RELAXED);
    set_limit(&shared->address_limit, &worker->decider.rules.limits.address);
    set_limit(&shared->prefix_limit, &worker->decider.rules.limits.prefix);
    __atomic_store_n(&shared->settings, settings, __ATOMIC_SEQ_CST);
    bool is_offering = !offload->is_paused && !offload->is_withdrawn;
    worker->decider.on_renewed =
        (struct renewal_callback){.call = is_offering ? on_renewed : NULL, .state = worker};
}

void worker_offload_pause(struct worker *worker)
{
    if (worker->offload == NULL)
        return;
    worker->offload->is_paused = true;
    set(worker);
}

#define ADVICE "restart udpsrv if this is repeated, or set offload.mode = off"

/* Returns whether they could be read. */
static bool read_counters(const struct worker *worker, uint64_t counters[OFFLOAD_COUNTERS],
                          const char *warning)
{
    int error = offload_counters(worker->offload->program, worker->options.number, counters);
    if (error != 0)
        log_limited(LOG_KIND_OFFLOAD_COUNTERS, clock_now_ms(), warning, "reason", strerror(-error),
                    "advice", ADVICE, NULL);
    return error == 0;
}

void worker_offload_resume(struct worker *worker)
{
    struct worker_offload *offload = worker->offload;
    if (offload == NULL)
        return;
    offload->is_paused = false;
    if (offload->is_started && !offload->is_counting)
        offload->is_counting = read_counters(
            worker, offload->counted,
            "the counters of the offload cannot be read: the sockets answer a worker's clients");
    offloaded_clients_new_generation(&offload->clients);
    set(worker);
}

void worker_offload_update(struct worker *worker)
{
    if (worker->offload != NULL)
        set(worker);
}

/* ---- counters ---- */

void worker_offload_count(struct worker *worker)
{
    struct worker_offload *offload = worker->offload;
    struct stats *stats = &worker->stats;
    uint64_t counters[OFFLOAD_COUNTERS], new[OFFLOAD_COUNTERS];
    if (offload == NULL || !offload->is_counting ||
        !read_counters(worker, counters,
                       "the counters of the offload cannot be read: the statistics lack what it "
                       "has answered lately"))
        return;
    for (size_t i = 0; i < OFFLOAD_COUNTERS; i++)
        new[i] = counters[i] - offload->counted[i];
    memcpy(offload->counted, counters, sizeof counters);
    stats->received += new[OFFLOAD_REPLIED] + new[OFFLOAD_SILENCED];
    stats->replied += new[OFFLOAD_REPLIED];
    stats->silent += new[OFFLOAD_SILENCED];
    stats->offload_replied += new[OFFLOAD_REPLIED];
    stats->offload_silent += new[OFFLOAD_SILENCED];
    stats->offload_passed_frame += new[OFFLOAD_PASSED_FRAME];
    stats->offload_passed_size += new[OFFLOAD_PASSED_SIZE];
    stats->offload_passed_checksum += new[OFFLOAD_PASSED_CHECKSUM];
    stats->offload_passed_settings += new[OFFLOAD_PASSED_SETTINGS];
    stats->offload_passed_room += new[OFFLOAD_PASSED_ROOM];
    stats->offload_passed_rate += new[OFFLOAD_PASSED_RATE];
}

uint32_t worker_offload_clients(const struct worker *worker)
{
    return worker->offload != NULL ? offloaded_clients_count(&worker->offload->clients) : 0;
}

/* ---- an upgrade ---- */

bool worker_offload_withdraw(struct worker *worker, uint32_t budget)
{
    if (worker->offload == NULL)
        return false;
    worker->offload->is_withdrawn = true;
    set(worker);
    return offloaded_clients_withdraw(&worker->offload->clients, budget);
}

void worker_offload_return(struct worker *worker)
{
    if (worker->offload == NULL)
        return;
    worker->offload->is_withdrawn = false;
    worker_offload_resume(worker);
}

/* ---- copies of a broadcast ---- */

struct frame_copies *worker_offload_frames(const struct worker *worker)
{
    return worker->offload != NULL ? worker->offload->frames : NULL;
}

static int open_frames(struct worker *worker)
{
    struct worker_offload *offload = worker->offload;
    const struct frame_copies_options options = {.program = offload->program,
                                                 .worker = worker->options.number,
                                                 .clients = &offload->clients};
    if (options.worker >= offload_copies_senders(offload->program))
        return 0;
    return frame_copies_open(&offload->frames, &options);
}

/* ---- from start to stop ---- */

int worker_offload_open(struct worker *worker)
{
    const struct worker_offload_options *options = &worker->options.offload;
    if (options->program == NULL)
        return 0;
    struct worker_offload *offload = calloc(1, sizeof *offload);
    if (offload == NULL)
        return -ENOMEM;
    worker->offload = offload;
    offload->program = options->program;
    for (size_t i = 0; i < worker->options.socket_count; i++)
        offload->ports[i] = worker->options.bound[i].port;
    uint32_t slots = registry_slots(worker->options.capacity);
    offload->table_bytes = offloaded_clients_bytes(slots, options->record_count);
    offload->table = memory_reserve(offload->table_bytes, 0);
    if (offload->table == NULL)
        return -errno;
    const struct offloaded_clients_options clients = {
        .records = offload_records(options->program) + options->first_record,
        .max = options->record_count,
        .first = options->first_record,
        .worker = worker->options.number,
        .table = {.add = add, .remove = remove_client, .rate_hashes = rate_hashes, .state = worker},
    };
    offloaded_clients_init(&offload->clients, offload->table, slots, &clients);
    registry_set_offload(worker->decider.registry, &offload->clients);
    return open_frames(worker);
}

void worker_offload_start(struct worker *worker)
{
    if (worker->offload == NULL)
        return;
    worker->offload->is_started = true;
    worker_offload_resume(worker);
}

void worker_offload_free(struct worker *worker)
{
    struct worker_offload *offload = worker->offload;
    if (offload == NULL)
        return;
    frame_copies_close(offload->frames);
    if (offload->table != NULL)
        memory_release(offload->table, offload->table_bytes);
    free(offload);
    worker->offload = NULL;
}
