#include "server/broadcast/job/job_shards.h"

#include "os/process/memory.h"

#include <errno.h>
#include <stdlib.h>

/* The share of one worker and the messages to it. It has cache lines of its own because the worker
 * writes its counters. */
struct worker_share {
    _Alignas(CACHE_LINE_BYTES) struct shard_job
        shard_job; /* first: a pointer to its completion is cast to worker_share */
    struct shard_confirmation confirmation;
    struct worker_call start, cancel, count;
    uint32_t clients; /* the answer to count */
    struct job_shards *shards;
};

struct job_shards {
    struct job_shards_options options;
    size_t pending; /* messages that are not answered */
    size_t missing; /* after a takeover: shard jobs that no worker has asked for yet */
    struct worker_share *shares;
};

/* ---- answers ---- */

static void on_answer(struct job_shards *shards)
{
    if (--shards->pending == 0)
        shards->options.done(shards->options.state);
}

static void on_shard_job_ended(struct mailbox_message *completion)
{
    on_answer(((struct worker_share *)completion)->shards);
}

static struct worker_share *share_of_start(struct worker_call *call)
{
    return (struct worker_share *)(void *)((char *)call - offsetof(struct worker_share, start));
}

static struct worker_share *share_of_cancel(struct worker_call *call)
{
    return (struct worker_share *)(void *)((char *)call - offsetof(struct worker_share, cancel));
}

static struct worker_share *share_of_count(struct worker_call *call)
{
    return (struct worker_share *)(void *)((char *)call - offsetof(struct worker_share, count));
}

static void on_cancel_answered(struct worker_call *call)
{
    on_answer(share_of_cancel(call)->shards);
}

static void on_count_answered(struct worker_call *call)
{
    on_answer(share_of_count(call)->shards);
}

/* ---- in the thread of the worker ---- */

static void run_start(struct worker_call *call)
{
    broadcast_start(worker_broadcast(call->worker), &share_of_start(call)->shard_job);
}

static void run_cancel(struct worker_call *call)
{
    broadcast_cancel(worker_broadcast(call->worker), &share_of_cancel(call)->shard_job);
}

static void run_count(struct worker_call *call)
{
    share_of_count(call)->clients = worker_clients_count(call->worker);
}

/* ---- messages to all workers ---- */

static void post_start(struct job_shards *shards)
{
    shards->pending += shards->options.worker_count;
    for (size_t i = 0; i < shards->options.worker_count; i++) {
        shards->shares[i].start.run = run_start;
        worker_post(shards->options.workers[i], &shards->shares[i].start, NULL);
    }
}

void job_shards_start(struct job_shards *shards, uint64_t forgotten)
{
    for (size_t i = 0; i < shards->options.worker_count; i++)
        shards->shares[i].confirmation.forgotten = forgotten;
    post_start(shards);
}

void job_shards_repeat(struct job_shards *shards)
{
    for (size_t i = 0; i < shards->options.worker_count; i++)
        shards->shares[i].confirmation.is_repeat = true;
    post_start(shards);
}

void job_shards_cancel(struct job_shards *shards)
{
    shards->pending += shards->options.worker_count;
    for (size_t i = 0; i < shards->options.worker_count; i++) {
        struct worker_call *call = &shards->shares[i].cancel;
        call->run = run_cancel;
        call->done = on_cancel_answered;
        worker_post(shards->options.workers[i], call, shards->options.reply_mailbox);
    }
}

void job_shards_count_clients(struct job_shards *shards)
{
    shards->pending += shards->options.worker_count;
    for (size_t i = 0; i < shards->options.worker_count; i++) {
        struct worker_call *call = &shards->shares[i].count;
        call->run = run_count;
        call->done = on_count_answered;
        worker_post(shards->options.workers[i], call, shards->options.reply_mailbox);
    }
}

uint64_t job_shards_clients(const struct job_shards *shards)
{
    uint64_t clients = 0;
    for (size_t i = 0; i < shards->options.worker_count; i++)
        clients += shards->shares[i].clients;
    return clients;
}

/* ---- the sums ---- */

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

/* A worker counts a target before its copy, and a copy before its frame and its confirmation; they
 * are read in the reverse order. */
static void add_share(const struct worker_share *share, struct job_counts *counts)
{
    const struct confirmation_counts *confirmations =
        atomic_load_explicit(&share->confirmation.counts, memory_order_acquire);
    if (confirmations != NULL) {
        counts->confirmed += value(&confirmations->confirmed);
        counts->framed += value(&confirmations->framed);
    }
    counts->sent += value(&share->shard_job.sent);
    counts->datagrams += value(&share->confirmation.datagrams);
    counts->failed += value(&share->shard_job.failed);
    counts->skipped += value(&share->shard_job.skipped);
    counts->targets += value(&share->shard_job.targets);
}

struct job_counts job_shards_sum(const struct job_shards *shards)
{
    struct job_counts counts = {.targets = 0};
    for (size_t i = 0; i < shards->options.worker_count; i++)
        add_share(&shards->shares[i], &counts);
    return counts;
}

/* ---- construction ---- */

static void init_share(struct worker_share *share, struct job_shards *shards,
                       const struct job_shards_payload *payload)
{
    share->shards = shards;
    share->shard_job.completion.handle = on_shard_job_ended;
    share->shard_job.reply_mailbox = shards->options.reply_mailbox;
    share->shard_job.bytes = payload->bytes;
    share->shard_job.size = payload->size;
    share->shard_job.selector = payload->selector;
    if (payload->confirmed == NULL)
        return;
    share->shard_job.confirmation = &share->confirmation;
    share->confirmation.payload = payload->confirmed;
}

struct job_shards *job_shards_new(const struct job_shards_options *options,
                                  const struct job_shards_payload *payload)
{
    struct job_shards *shards = calloc(1, sizeof *shards);
    if (shards == NULL)
        return NULL;
    shards->options = *options;
    shards->shares = memory_cache_lines(options->worker_count * sizeof *shards->shares);
    if (shards->shares == NULL) {
        free(shards);
        return NULL;
    }
    for (size_t i = 0; i < options->worker_count; i++)
        init_share(&shards->shares[i], shards, payload);
    return shards;
}

void job_shards_set_id(struct job_shards *shards, uint64_t id)
{
    for (size_t i = 0; i < shards->options.worker_count; i++)
        shards->shares[i].shard_job.name.number = id;
}

void job_shards_free(struct job_shards *shards)
{
    if (shards == NULL)
        return;
    free(shards->shares);
    free(shards);
}

/* ---- the handover ---- */

void job_shards_hand_over(const struct job_shards *shards, struct handover_writer *writer)
{
    handover_put32(writer, (uint32_t)shards->options.worker_count);
    handover_put32(writer, (uint32_t)shards->pending);
    for (size_t i = 0; i < shards->options.worker_count; i++) {
        const struct worker_share *share = &shards->shares[i];
        handover_put64(writer, share->shard_job.targets);
        handover_put64(writer, share->shard_job.sent);
        handover_put64(writer, share->shard_job.failed);
        handover_put64(writer, share->shard_job.skipped);
        handover_put8(writer, share->confirmation.is_repeat);
        handover_put64(writer, share->confirmation.joined_before);
        handover_put64(writer, share->confirmation.datagrams);
    }
}

static void take_over_share(struct worker_share *share, const struct worker *worker,
                            struct handover_reader *reader)
{
    share->shard_job.targets = handover_get64(reader);
    share->shard_job.sent = handover_get64(reader);
    share->shard_job.failed = handover_get64(reader);
    share->shard_job.skipped = handover_get64(reader);
    share->confirmation.is_repeat = handover_get8(reader) != 0;
    share->confirmation.joined_before = handover_get64(reader);
    share->confirmation.datagrams = handover_get64(reader);
    if (share->shard_job.confirmation != NULL)
        share->confirmation.counts = confirmations_counts(worker_confirmations_table(worker),
                                                          share->confirmation.payload->job);
}

int job_shards_take_over(struct job_shards *shards, struct handover_reader *reader)
{
    uint32_t worker_count = handover_get32(reader);
    shards->pending = shards->missing = handover_get32(reader);
    if (worker_count != shards->options.worker_count || shards->pending > worker_count)
        return -EPROTO;
    for (size_t i = 0; i < worker_count; i++)
        take_over_share(&shards->shares[i], shards->options.workers[i], reader);
    return reader->failed ? -EPROTO : 0;
}

struct shard_job *job_shards_take_over_job(struct job_shards *shards, size_t worker)
{
    if (shards->missing == 0)
        return NULL;
    shards->missing--;
    return &shards->shares[worker].shard_job;
}

bool job_shards_were_taken_over(const struct job_shards *shards)
{
    return shards->missing == 0;
}
