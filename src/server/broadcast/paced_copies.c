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

static bool is_repeat(const struct shard_job *job)
{
    return job->confirmation != NULL && job->confirmation->is_repeat;
}

static bool is_for_one_client(const struct shard_job *job)
{
    return job->confirmation != NULL &&
           only_client_kind(&job->confirmation->payload->only) == CONFIRMED_MESSAGE;
}

/* Whether every client of the shard is a target, so that their number is known at the start. */
static bool is_for_all(const struct shard_job *job)
{
    return job->selector == NULL && !is_repeat(job) && !is_for_one_client(job);
}

/* Begins a round of a confirmed broadcast. A repeated round is for the clients of the first one. */
static void start_round(struct paced_copies *copies, struct copy_progress *progress,
                        struct shard_confirmation *confirmation)
{
    struct confirmations *confirmations = copies->options.confirmations;
    const struct confirmed_payload *payload = confirmation->payload;
    if (confirmation->is_repeat) {
        progress->walk.joined_before = confirmation->joined_before;
        return;
    }
    confirmation->joined_before = progress->walk.joined_before;
    if (confirmation->forgotten != 0)
        confirmations_end(confirmations, confirmation->forgotten);
    confirmations_begin(confirmations, only_client_kind(&payload->only), payload->job,
                        confirmation->joined_before);
    atomic_store_explicit(&confirmation->counts, confirmations_counts(confirmations, payload->job),
                          memory_order_release);
}

/* Begins the walks over the recipients that are not in the registry. Returns their number. They
 * confirm nothing, so a repeated round is not for them. */
static uint64_t start_recipients(struct paced_copies *copies, struct copy_progress *progress,
                                 const struct shard_job *job)
{
    uint64_t targets = 0;
    progress->recipients_done = 0;
    if (is_repeat(job) || is_for_one_client(job)) {
        progress->recipients_done = copies->recipients_count;
        return 0;
    }
    for (size_t i = 0; i < copies->recipients_count; i++) {
        const struct recipients *recipients = &copies->recipients[i];
        progress->recipients_walks[i] = (struct recipients_walk){.next = 0};
        targets += recipients->begin(recipients->state, job, &progress->recipients_walks[i]);
    }
    return targets;
}

void paced_copies_start(struct paced_copies *copies, struct copy_progress *progress,
                        struct shard_job *job)
{
    uint64_t targets = is_for_all(job) ? registry_count(copies->options.registry) : 0;
    progress->walk = registry_walk_registered(copies->options.registry);
    blocked_sockets_reset(&progress->sockets);
    progress->avoids_frames = false;
    if (job->confirmation != NULL)
        start_round(copies, progress, job->confirmation);
    targets += start_recipients(copies, progress, job);
    add(&job->targets, targets);
    loop_defer(copies->options.loop, &copies->slice);
}

static void count_copies(struct paced_copies *copies, struct shard_job *job, uint32_t sent,
                         uint32_t failed)
{
    copies->options.stats->copies_sent += sent;
    copies->options.stats->copies_failed += failed;
    if (job->confirmation != NULL)
        add(&job->confirmation->datagrams, sent);
    if (is_repeat(job))
        return;
    if (!is_for_all(job))
        add(&job->targets, (uint64_t)sent + failed);
    add(&job->sent, sent);
    add(&job->failed, failed);
}

/* ---- copies to the registry's clients ---- */

/* Returns the number of the socket that sends this client's copy. */
static size_t socket_of(const struct paced_copies *copies, const struct client *client)
{
    struct datagram_io *io = copies->options.io_by_listener[client->listener];
    return (size_t)client->listener * SEND_SOCKET_SLOTS_COUNT +
           datagram_io_copy_slot(io, &client->local);
}

/* Queues the copy of a client: of a confirmed broadcast the frame, if the client wants frames. */
static void add_copy(struct paced_copies *copies, const struct shard_job *job,
                     const struct client *client)
{
    const struct shard_confirmation *confirmation = job->confirmation;
    if (confirmation != NULL && client->frames)
        batch_add(copies->batch, &client->source, &client->local, confirmation->payload->frame,
                  confirmation->payload->frame_bytes);
    else
        batch_add(copies->batch, &client->source, &client->local, job->bytes, job->size);
}

/* Records that these clients have their copies, sent or refused. A frame that the kernel refused is
 * due in the next round, like one that was lost. */
static void record_copies(struct paced_copies *copies, struct copy_progress *progress,
                          const struct shard_job *job, const struct client *clients, uint32_t count)
{
    const struct shard_confirmation *confirmation = job->confirmation;
    blocked_sockets_mark_done(&progress->sockets, clients, count);
    if (confirmation == NULL || confirmation->is_repeat)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (clients[i].frames)
            confirmations_frame_sent(copies->options.confirmations, confirmation->payload->job,
                                     clients[i].slot);
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
                add_copy(copies, job, &clients[end]);
        if (skip)
            continue;
        uint32_t sent = send_copies(copies, job, socket);
        done += sent;
        record_copies(copies, progress, job, &clients[begin], sent);
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

/* Whether a client is a target of the round. A client of a repeated round wants frames still: a
 * hello may have changed that. */
static bool is_target(const struct paced_copies *copies, const struct shard_job *job,
                      const struct client *client)
{
    if (is_repeat(job))
        return client->frames &&
               confirmations_is_due(copies->options.confirmations, job->confirmation->payload->job,
                                    client->slot);
    return job->selector == NULL || client_selector_matches(job->selector, client);
}

/* Whether a client gets its copy now. A client that does not match at its turn is done: it gets no
 * second turn when the walk is set back for others. */
static bool is_due(const struct paced_copies *copies, struct copy_progress *progress,
                   const struct shard_job *job, const struct client *client)
{
    if (!has_turn(copies, progress, &job->except, client))
        return false;
    if (is_target(copies, job, client))
        return true;
    blocked_sockets_mark_done(&progress->sockets, client, 1);
    return false;
}

/* Removes the clients that are not due. Returns how many remain. */
static uint32_t keep_due(const struct paced_copies *copies, struct copy_progress *progress,
                         const struct shard_job *job, struct client *clients, uint32_t client_count)
{
    if (!progress->sockets.has_skipped && job->except.source.family == ADDR_NONE &&
        job->selector == NULL && !is_repeat(job))
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

/* Finds the only client of a job, if it was registered at the beginning of the first round. */
static uint32_t find_only(const struct paced_copies *copies, struct copy_progress *progress,
                          const struct only_client *only, uint64_t now_ms, struct client *client)
{
    struct registry *registry = copies->options.registry;
    struct client found;
    bool is_found = registry_find(registry, only->listener, &only->source, now_ms, &found);
    if (is_found) {
        /* The walk knows who joined before. */
        registry_walk_rewind(&progress->walk, &found);
        is_found = registry_walk_next(registry, &progress->walk, now_ms, client, 1) == 1 &&
                   client->slot == found.slot && client_filter_admits(&only->which, client);
    }
    progress->walk.ended = true;
    return is_found;
}

/* Finds the next clients of the walk, at most `max`. */
static uint32_t find_next(const struct paced_copies *copies, struct copy_progress *progress,
                          const struct shard_job *job, uint64_t now_ms,
                          struct client clients[BATCH_MAX], uint32_t max)
{
    if (is_for_one_client(job))
        return find_only(copies, progress, &job->confirmation->payload->only, now_ms, clients);
    if (is_repeat(job)) {
        uint32_t due = confirmations_next_due(copies->options.confirmations,
                                              job->confirmation->payload->job, progress->walk.next);
        progress->walk.next = due;
        progress->walk.ended = due == CONFIRMATIONS_END;
        if (progress->walk.ended)
            return 0;
    }
    return (uint32_t)registry_walk_next(copies->options.registry, &progress->walk, now_ms, clients,
                                        max);
}

/* Finds the next clients that get a copy now, at most `limit`, in memory for `room` of them (at
 * least `limit`). With a selector this reads as many clients as there is room for, however few may
 * get a copy: at a low rate, a walk past many that do not match would otherwise need a slice for
 * each of them. */
static uint32_t find_due(const struct paced_copies *copies, struct copy_progress *progress,
                         const struct shard_job *job, uint64_t now_ms, struct client *clients,
                         uint32_t limit, uint32_t room)
{
    uint32_t found =
        find_next(copies, progress, job, now_ms, clients, is_for_all(job) ? limit : room);
    uint32_t due = keep_due(copies, progress, job, clients, found);
    if (due <= limit)
        return due;
    registry_walk_rewind(&progress->walk, &clients[limit]);
    return limit;
}

/* ---- copies as frames ---- */

/* Whether copies may leave as frames: nothing but the pace holds them back. */
static bool uses_frames(const struct paced_copies *copies, const struct copy_progress *progress)
{
    return copies->options.frames != NULL && copies->pacer.rate_pps != 0 &&
           !progress->avoids_frames;
}

/* Queues the copies that can leave as frames. Returns how many clients are left. */
static uint32_t queue_frames(struct paced_copies *copies, struct client *clients, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!frame_copies_add(copies->options.frames, &clients[i]))
            clients[left++] = clients[i];
    return left;
}

/* Finds clients, and queues the copies that can leave as frames, until a batch is left for the
 * sockets, or `limit` is reached; at most as many batches as a whole slice of frames has. Returns
 * how many clients are left in `clients`. */
static uint32_t queue_slice(struct paced_copies *copies, struct copy_progress *progress,
                            const struct shard_job *job, uint64_t now_ms,
                            struct client clients[BATCH_MAX], uint32_t limit)
{
    uint32_t left = 0, found = 0;
    for (int batches = 0; batches < OFFLOAD_COPIES_MAX / BATCH_MAX && found < limit &&
                          left < BATCH_MAX && !progress->walk.ended;
         batches++) {
        uint32_t room = BATCH_MAX - left, wanted = limit - found < room ? limit - found : room;
        uint32_t due = find_due(copies, progress, job, now_ms, &clients[left], wanted, room);
        left += queue_frames(copies, &clients[left], due);
        found += due;
    }
    return left;
}

/* Sends the queued frames, and the copies to the clients that are left by sockets. If a frame could
 * not be sent, the walk goes back to the first client that it has found and that has no copy.
 * Returns how many copies were sent or failed. */
static uint32_t send_slice(struct paced_copies *copies, struct copy_progress *progress,
                           struct shard_job *job, const struct client *clients, uint32_t count)
{
    struct frame_copies_result framed = frame_copies_send(copies->options.frames);
    const struct client *first = framed.first_without;
    uint32_t done = framed.count;
    copies->options.stats->offload_copies += framed.count;
    count_copies(copies, job, framed.count, 0);
    if (first == NULL) {
        done += send_to_clients(copies, progress, job, clients, count);
    } else {
        progress->avoids_frames = true;
        if (count > 0 && clients[0].slot < first->slot)
            first = &clients[0];
        blocked_sockets_return_to(&progress->sockets, &progress->walk, first);
    }
    record_copies(copies, progress, job, framed.clients, framed.count);
    return done;
}

/* Returns how many copies were sent or failed. */
static uint32_t send_to_registry(struct paced_copies *copies, struct copy_progress *progress,
                                 struct shard_job *job, uint64_t now_ms, uint32_t limit)
{
    struct client clients[BATCH_MAX];
    if (uses_frames(copies, progress) && frame_copies_begin(copies->options.frames, job)) {
        uint32_t left = queue_slice(copies, progress, job, now_ms, clients, limit);
        if (frame_copies_queued(copies->options.frames) > 0)
            return send_slice(copies, progress, job, clients, left);
        return send_to_clients(copies, progress, job, clients, left);
    }
    uint32_t wanted = limit < BATCH_MAX ? limit : BATCH_MAX;
    uint32_t due = find_due(copies, progress, job, now_ms, clients, wanted, BATCH_MAX);
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
    uint32_t most = uses_frames(copies, progress) ? OFFLOAD_COPIES_MAX : BATCH_MAX;
    uint32_t limit = pacer_take(&copies->pacer, now_ns, most), done = 0;
    bool waits = false;
    if (limit == 0) {
        loop_timer_once(&copies->timer, pacer_wait_ns(&copies->pacer));
        return SLICE_WAIT;
    }
    if (!progress->walk.ended)
        done = send_to_registry(copies, progress, job, now_ns / 1000000, limit);
    else if (progress->recipients_done < copies->recipients_count)
        done = send_to_recipients(copies, progress, job, limit < BATCH_MAX ? limit : BATCH_MAX,
                                  &waits);
    else
        waits = progress->sockets.blocked_count != 0;
    pacer_return(&copies->pacer, limit - done);
    if (progress->walk.ended && progress->sockets.blocked_count == 0 &&
        progress->recipients_done == copies->recipients_count)
        return SLICE_ENDED;
    return waits ? SLICE_WAIT : SLICE_CONTINUE;
}

/* ---- the handover ---- */

void paced_copies_hand_over_pace(const struct paced_copies *copies, struct handover_writer *writer)
{
    handover_put32(writer, copies->pacer.shares);
    handover_put64(writer, copies->pacer.credit);
    handover_put64(writer, copies->pacer.updated_ns);
}

/* With another number of workers the credit has another unit: then the pace begins anew. */
int paced_copies_take_over_pace(struct paced_copies *copies, struct handover_reader *reader)
{
    uint32_t shares = handover_get32(reader);
    uint64_t credit = handover_get64(reader), updated_ns = handover_get64(reader);
    if (reader->failed)
        return -EPROTO;
    if (shares == copies->pacer.shares)
        pacer_continue(&copies->pacer, credit, updated_ns);
    return 0;
}

void paced_copies_hand_over(const struct paced_copies *copies, const struct copy_progress *progress,
                            const struct shard_job *job, struct handover_writer *writer)
{
    blocked_sockets_hand_over(&progress->sockets, &progress->walk, writer);
    handover_put8(writer, (uint8_t)copies->recipients_count);
    for (size_t i = 0; i < copies->recipients_count; i++) {
        const struct recipients_walk *walk = &progress->recipients_walks[i];
        bool has_ended = i < progress->recipients_done || walk->ended;
        handover_put8(writer, (uint8_t)copies->recipients[i].kind);
        handover_put8(writer, has_ended);
        handover_put64(writer, has_ended ? 0 : walk->joined_before);
        handover_put32(writer, has_ended ? 0 : walk->next);
    }
    handover_put64(writer, job->targets);
    handover_put64(writer, job->sent);
    handover_put64(writer, job->failed);
}

static void take_over_recipients(const struct paced_copies *copies, struct copy_progress *progress,
                                 struct handover_reader *reader)
{
    progress->recipients_done = 0;
    for (size_t i = 0; i < copies->recipients_count; i++)
        progress->recipients_walks[i] = (struct recipients_walk){.ended = true};
    for (unsigned count = handover_get8(reader); count > 0; count--) {
        enum recipients_kind kind = handover_get8(reader);
        struct recipients_walk walk = {.ended = handover_get8(reader) != 0};
        walk.joined_before = handover_get64(reader);
        walk.next = handover_get32(reader);
        for (size_t i = 0; i < copies->recipients_count; i++)
            if (copies->recipients[i].kind == kind)
                progress->recipients_walks[i] = walk;
    }
}

int paced_copies_take_over(struct paced_copies *copies, struct copy_progress *progress,
                           struct shard_job *job, struct handover_reader *reader)
{
    blocked_sockets_reset(&progress->sockets);
    progress->avoids_frames = false;
    int error = blocked_sockets_take_over(&progress->sockets, &progress->walk, reader);
    if (error != 0)
        return error;
    take_over_recipients(copies, progress, reader);
    job->targets = handover_get64(reader);
    job->sent = handover_get64(reader);
    job->failed = handover_get64(reader);
    loop_defer(copies->options.loop, &copies->slice);
    return reader->failed ? -EPROTO : 0;
}
