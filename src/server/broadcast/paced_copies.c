#include "server/broadcast/paced_copies.h"

#include "os/process/clock.h"

#include <errno.h>

int paced_copies_init(struct paced_copies *copies, const struct broadcast_options *options,
                      void (*slice)(void *state), void (*space)(void *state), void *state)
{
    copies->options = *options;
    copies->slice = (struct loop_task){.run = slice, .state = state};
    copies->space = (struct loop_task){.run = space, .state = state};
    pacer_init_share(&copies->pacer, options->rate_pps, options->worker_number,
                     options->worker_count, clock_now_ns());
    copies->batch = batch_new(0);
    if (copies->batch == NULL)
        return -ENOMEM;
    return loop_timer_open(options->loop, &copies->timer, slice, state);
}

void paced_copies_free(struct paced_copies *copies)
{
    loop_cancel(copies->options.loop, &copies->slice);
    loop_cancel(copies->options.loop, &copies->space);
    loop_timer_close(&copies->timer);
    batch_free(copies->batch);
}

/* Only this thread writes the counter; the atomic store keeps a reader from seeing half of it, or
 * before what was counted earlier. */
static void add(_Atomic uint64_t *counter, uint64_t count)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + count, memory_order_release);
}

void paced_copies_start(struct paced_copies *copies, struct copy_progress *progress,
                        struct shard_job *job)
{
    uint64_t targets = job->selector == NULL ? registry_count(copies->options.registry) : 0;
    progress->walk = registry_walk_registered(copies->options.registry);
    blocked_sockets_reset(&progress->sockets);
    progress->recipients_done = 0;
    for (size_t i = 0; i < copies->recipients_count; i++) {
        const struct recipients *recipients = &copies->recipients[i];
        progress->recipients_walks[i] = (struct recipients_walk){.next = 0};
        targets += recipients->begin(recipients->state, job, &progress->recipients_walks[i]);
    }
    add(&job->targets, targets);
    loop_defer(copies->options.loop, &copies->slice);
}

static void count_copies(struct paced_copies *copies, struct shard_job *job, uint32_t sent,
                         uint32_t failed)
{
    if (job->selector != NULL)
        add(&job->targets, (uint64_t)sent + failed);
    add(&job->sent, sent);
    add(&job->failed, failed);
    copies->options.stats->copies_sent += sent;
    copies->options.stats->copies_failed += failed;
}

/* ---- copies to the registry's clients ---- */

/* Returns the number of the socket that sends this client's copy. */
static size_t socket_of(const struct paced_copies *copies, const struct client *client)
{
    struct datagram_io *io = copies->options.io_by_listener[client->listener];
    return (size_t)client->listener * SEND_SOCKET_SLOTS_COUNT +
           datagram_io_copy_slot(io, &client->local);
}

/* Sends the batch and empties it. Returns how many copies were sent or failed: fewer than queued
 * when the socket is blocked. */
static uint32_t send_copies(struct paced_copies *copies, struct shard_job *job, size_t socket)
{
    struct datagram_io *io = copies->options.io_by_listener[socket / SEND_SOCKET_SLOTS_COUNT];
    send_socket_send(datagram_io_copies(io, socket % SEND_SOCKET_SLOTS_COUNT), copies->batch,
                     &copies->space);

    struct batch_counts tally = batch_counts(copies->batch);
    if (tally.last_errno != 0)
        *copies->options.last_errno = tally.last_errno;
    count_copies(copies, job, tally.sent, tally.failed);
    batch_clear(copies->batch);
    return tally.sent + tally.failed;
}

/* Sends a copy to each of the clients, one batch for each run of clients of the same socket. Skips
 * the clients of blocked sockets. Returns how many copies were sent or failed. */
static uint32_t send_to_clients(struct paced_copies *copies, struct copy_progress *progress,
                                struct shard_job *job, const struct client *clients,
                                uint32_t client_count)
{
    uint32_t done = 0;
    for (uint32_t begin = 0, end = 0; begin < client_count; begin = end) {
        size_t socket = socket_of(copies, &clients[begin]);
        bool skip = progress->sockets.blocked[socket];
        for (; end < client_count && socket_of(copies, &clients[end]) == socket; end++)
            if (!skip)
                batch_add(copies->batch, &clients[end].source, &clients[end].local, job->bytes,
                          job->size);
        if (skip)
            continue;
        uint32_t sent = send_copies(copies, job, socket);
        done += sent;
        blocked_sockets_mark_done(&progress->sockets, &clients[begin], sent);
        if (sent < end - begin)
            blocked_sockets_skip(&progress->sockets, &progress->walk, socket,
                                 &clients[begin + sent]);
    }
    return done;
}

/* Whether it is the turn of a client: it has no copy yet, its socket is not blocked, and the job
 * does not except it. */
static bool has_turn(const struct paced_copies *copies, const struct copy_progress *progress,
                     const struct broadcast_except *except, const struct client *client)
{
    return !blocked_sockets_is_done(&progress->sockets, client->slot) &&
           !progress->sockets.blocked[socket_of(copies, client)] &&
           (except->source.family == ADDR_NONE || client->listener != except->listener ||
            !addr_equal(&client->source, &except->source));
}

/* Whether a client gets its copy now. A client that does not match at its turn is done: it gets no
 * second turn when the walk is set back for others. */
static bool is_due(const struct paced_copies *copies, struct copy_progress *progress,
                   const struct shard_job *job, const struct client *client)
{
    if (!has_turn(copies, progress, &job->except, client))
        return false;
    if (job->selector == NULL || client_selector_matches(job->selector, client))
        return true;
    blocked_sockets_mark_done(&progress->sockets, client, 1);
    return false;
}

/* Removes the clients that are not due. Returns how many remain. */
static uint32_t keep_due(const struct paced_copies *copies, struct copy_progress *progress,
                         const struct shard_job *job, struct client *clients, uint32_t client_count)
{
    if (!progress->sockets.has_skipped && job->except.source.family == ADDR_NONE &&
        job->selector == NULL)
        return client_count;
    uint32_t left = 0;
    for (uint32_t i = 0; i < client_count; i++) {
        if (!is_due(copies, progress, job, &clients[i]))
            continue;
        if (left < i)
            clients[left] = clients[i];
        left++;
    }
    return left;
}

/* Returns how many copies were sent or failed. With a selector a slice reads a whole batch of
 * clients, however few may get a copy: at a low rate, a walk past many that do not match would
 * otherwise need a slice for each of them. */
static uint32_t send_to_registry(struct paced_copies *copies, struct copy_progress *progress,
                                 struct shard_job *job, uint64_t now_ms, uint32_t limit)
{
    struct client clients[BATCH_MAX];
    uint32_t read = job->selector == NULL ? limit : BATCH_MAX;
    uint32_t found = (uint32_t)registry_walk_next(copies->options.registry, &progress->walk, now_ms,
                                                  clients, read);
    uint32_t due = keep_due(copies, progress, job, clients, found);
    if (due > limit) {
        registry_walk_rewind(&progress->walk, &clients[limit]);
        due = limit;
    }
    return send_to_clients(copies, progress, job, clients, due);
}

/* ---- a slice ---- */

/* Sends to the next recipients that are not in the registry. *waits: they wait for space. Returns
 * how many copies were sent or failed. */
static uint32_t send_to_recipients(struct paced_copies *copies, struct copy_progress *progress,
                                   struct shard_job *job, uint32_t limit, bool *waits)
{
    const struct recipients *recipients = &copies->recipients[progress->recipients_done];
    struct recipients_walk *walk = &progress->recipients_walks[progress->recipients_done];
    struct recipients_tally tally = {.sent = 0};
    *waits = !walk->ended &&
             recipients->send(recipients->state, job, walk, limit, &tally, &copies->slice);
    count_copies(copies, job, tally.sent, tally.failed);
    if (job->selector != NULL)
        add(&job->targets, tally.skipped);
    if (walk->ended)
        progress->recipients_done++;
    return tally.sent + tally.failed;
}

enum slice_result paced_copies_send_slice(struct paced_copies *copies,
                                          struct copy_progress *progress, struct shard_job *job)
{
    uint64_t now_ns = clock_now_ns();
    uint32_t limit = pacer_take(&copies->pacer, now_ns, BATCH_MAX), done = 0;
    bool waits = false;
    if (limit == 0) {
        loop_timer_once(&copies->timer, pacer_wait_ns(&copies->pacer));
        return SLICE_WAIT;
    }
    if (!progress->walk.ended)
        done = send_to_registry(copies, progress, job, now_ns / 1000000, limit);
    else if (progress->recipients_done < copies->recipients_count)
        done = send_to_recipients(copies, progress, job, limit, &waits);
    else
        waits = progress->sockets.blocked_count != 0;
    pacer_return(&copies->pacer, limit - done);
    if (progress->walk.ended && progress->sockets.blocked_count == 0 &&
        progress->recipients_done == copies->recipients_count)
        return SLICE_ENDED;
    return waits ? SLICE_WAIT : SLICE_CONTINUE;
}
