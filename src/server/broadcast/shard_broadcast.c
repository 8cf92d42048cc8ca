#include "server/broadcast/shard_broadcast.h"

#include "os/loop/mailbox.h"
#include "os/process/clock.h"
#include "os/process/memory.h"

#include <errno.h>
#include <stdlib.h>

/* The shard jobs of a queue. The first one runs; the others wait. */
struct job_queue {
    struct shard_job *first, **end;
    struct copy_progress progress; /* of the first one */
};

struct broadcast {
    struct paced_copies copies;
    struct job_queue queues[BROADCAST_QUEUES];
    size_t last_served; /* the queue that had the last slice */
};

static uint64_t value(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- the end of a job ---- */

/* The job is already removed from its queue. A repeated round has changed none of these counters.
 */
static void complete(struct shard_job *job)
{
    uint64_t skipped = value(&job->targets) - value(&job->sent) - value(&job->failed);
    atomic_store_explicit(&job->skipped, skipped, memory_order_relaxed);
    if (job->reply_mailbox != NULL)
        mailbox_post(job->reply_mailbox, &job->completion);
    else
        job->completion.handle(&job->completion);
}

static struct shard_job *remove_job(struct job_queue *queue, struct shard_job **link)
{
    struct shard_job *job = *link;
    *link = job->next;
    if (*link == NULL)
        queue->end = link;
    return job;
}

static void end_first(struct broadcast *broadcast, struct job_queue *queue)
{
    struct shard_job *job = remove_job(queue, &queue->first);
    if (queue->first != NULL)
        paced_copies_start(&broadcast->copies, &queue->progress, queue->first);
    complete(job);
}

/* ---- slices ---- */

/* Runs a slice of the queue whose turn it is, or of the other one if that is empty or waits. */
static void run_slice(void *state)
{
    struct broadcast *broadcast = state;
    bool advanced = false;
    for (size_t i = 0; i < BROADCAST_QUEUES && !advanced; i++) {
        broadcast->last_served = (broadcast->last_served + 1) % BROADCAST_QUEUES;
        struct job_queue *queue = &broadcast->queues[broadcast->last_served];
        if (queue->first == NULL)
            continue;
        enum slice_result result =
            paced_copies_send_slice(&broadcast->copies, &queue->progress, queue->first);
        if (result == SLICE_ENDED)
            end_first(broadcast, queue);
        advanced = result != SLICE_WAIT;
    }
    if (advanced)
        loop_defer(broadcast->copies.options.loop, &broadcast->copies.slice);
}

static void on_space(void *state)
{
    struct broadcast *broadcast = state;
    for (size_t i = 0; i < BROADCAST_QUEUES; i++) {
        struct copy_progress *progress = &broadcast->queues[i].progress;
        if (progress->sockets.blocked_count != 0)
            blocked_sockets_rewind(&progress->sockets, &progress->walk);
    }
    loop_defer(broadcast->copies.options.loop, &broadcast->copies.slice);
}

/* ---- start and stop ---- */

static int init_queues(struct broadcast *broadcast, uint32_t capacity)
{
    int error = 0;
    for (size_t i = 0; i < BROADCAST_QUEUES && error == 0; i++) {
        broadcast->queues[i].end = &broadcast->queues[i].first;
        error = blocked_sockets_init(&broadcast->queues[i].progress.sockets, capacity);
    }
    return error;
}

static void free_broadcast(struct broadcast *broadcast)
{
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        blocked_sockets_free(&broadcast->queues[i].progress.sockets);
    paced_copies_free(&broadcast->copies);
    free(broadcast);
}

int broadcast_open(struct broadcast **broadcast, const struct broadcast_options *options)
{
    struct broadcast *made = memory_cache_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    int error = paced_copies_init(&made->copies, options, run_slice, on_space, made);
    if (error == 0)
        error = init_queues(made, options->capacity);
    if (error != 0) {
        free_broadcast(made);
        return error;
    }
    *broadcast = made;
    return 0;
}

void broadcast_add_recipients(struct broadcast *broadcast, const struct recipients *recipients)
{
    broadcast->copies.recipients[broadcast->copies.recipients_count++] = *recipients;
}

void broadcast_close(struct broadcast *broadcast)
{
    if (broadcast == NULL)
        return;
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        while (broadcast->queues[i].first != NULL)
            complete(remove_job(&broadcast->queues[i], &broadcast->queues[i].first));
    free_broadcast(broadcast);
}

void broadcast_start(struct broadcast *broadcast, struct shard_job *job)
{
    struct job_queue *queue = &broadcast->queues[job->queue];
    bool is_first = queue->first == NULL;
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    if (is_first)
        paced_copies_start(&broadcast->copies, &queue->progress, job);
}

void broadcast_cancel(struct broadcast *broadcast, const struct shard_job *job)
{
    struct job_queue *queue = &broadcast->queues[job->queue];
    if (queue->first == job) {
        end_first(broadcast, queue);
        return;
    }
    for (struct shard_job **link = &queue->first; *link != NULL; link = &(*link)->next) {
        if (*link == job) {
            complete(remove_job(queue, link));
            return;
        }
    }
}

void broadcast_set_rate(struct broadcast *broadcast, uint32_t rate_pps)
{
    struct paced_copies *copies = &broadcast->copies;
    if (rate_pps == copies->pacer.rate_pps)
        return;
    pacer_set_rate(&copies->pacer, rate_pps, clock_now_ns());
    loop_defer(copies->options.loop, &copies->slice);
}

/* ---- the handover ---- */

bool broadcast_is_idle(const struct broadcast *broadcast)
{
    return broadcast->queues[BROADCAST_OPERATOR].first == NULL &&
           broadcast->queues[BROADCAST_RELAY].first == NULL;
}

static void hand_over_queue(const struct broadcast *broadcast, const struct job_queue *queue,
                            struct handover_writer *writer)
{
    for (const struct shard_job *job = queue->first; job != NULL; job = job->next) {
        handover_put8(writer, true);
        handover_put64(writer, job->name.number);
        handover_put32(writer, job->name.relay);
        if (job == queue->first)
            paced_copies_hand_over(&broadcast->copies, &queue->progress, job, writer);
    }
    handover_put8(writer, false);
}

void broadcast_hand_over(const struct broadcast *broadcast, struct handover_writer *writer)
{
    paced_copies_hand_over_pace(&broadcast->copies, writer);
    handover_put8(writer, (uint8_t)broadcast->last_served);
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        hand_over_queue(broadcast, &broadcast->queues[i], writer);
}

static int take_over_queue(struct broadcast *broadcast, enum broadcast_queue which,
                           struct handover_reader *reader, broadcast_find_job *find, void *state)
{
    struct job_queue *queue = &broadcast->queues[which];
    while (handover_get8(reader)) {
        struct shard_job_name name = {.number = handover_get64(reader)};
        name.relay = handover_get32(reader);
        struct shard_job *job = reader->failed ? NULL : find(state, which, &name);
        if (job == NULL)
            return -EPROTO;
        bool is_first = queue->first == NULL;
        job->next = NULL;
        *queue->end = job;
        queue->end = &job->next;
        if (is_first && paced_copies_take_over(&broadcast->copies, &queue->progress, job, reader))
            return -EPROTO;
    }
    return reader->failed ? -EPROTO : 0;
}

int broadcast_take_over(struct broadcast *broadcast, struct handover_reader *reader,
                        broadcast_find_job *find, void *state)
{
    int error = paced_copies_take_over_pace(&broadcast->copies, reader);
    broadcast->last_served = handover_get8(reader) % BROADCAST_QUEUES;
    for (size_t i = 0; i < BROADCAST_QUEUES && error == 0; i++)
        error = take_over_queue(broadcast, (enum broadcast_queue)i, reader, find, state);
    return error;
}
