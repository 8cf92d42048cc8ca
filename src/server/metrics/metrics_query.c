#include "server/metrics/metrics_query.h"

#include "os/process/clock.h"

#include <errno.h>
#include <stdlib.h>

struct query {
    struct metrics_snapshot snapshot;
    metrics_query_done *done;
    void *state;
    size_t pending; /* workers that have not answered */
    struct metrics_worker *workers;
    struct question {
        struct worker_call call; /* first */
        struct query *query;
        struct metrics_worker *answer;
    } questions[];
};

static void free_query(struct query *query)
{
    free(query->workers);
    free(query);
}

/* In the worker's thread. */
static void run(struct worker_call *call)
{
    struct metrics_worker *answer = ((struct question *)call)->answer;
    worker_stats(call->worker, &answer->stats, &answer->clients);
    worker_sweep_durations(call->worker, &answer->sweeps);
    answer->streams = worker_streams_count(call->worker);
    answer->cpu_ns = clock_thread_cpu_ns();
}

static void sum_up(struct query *query)
{
    struct metrics_snapshot *snapshot = &query->snapshot;
    for (size_t i = 0; i < snapshot->source->worker_count; i++) {
        stats_add(&snapshot->stats, &query->workers[i].stats);
        snapshot->clients += query->workers[i].clients;
        snapshot->streams += query->workers[i].streams;
        duration_histogram_merge(&snapshot->sweeps, &query->workers[i].sweeps);
    }
    snapshot->stats.broadcasts = jobs_ended(snapshot->source->jobs);
    subscriptions_add_counts(snapshot->source->subscriptions, &snapshot->stats);
    snapshot->workers = query->workers;
}

static void on_answer(struct worker_call *call)
{
    struct query *query = ((struct question *)call)->query;
    if (--query->pending > 0)
        return;
    sum_up(query);
    query->done(query->state, &query->snapshot);
    free_query(query);
}

int metrics_query_start(const struct metrics_source *source, metrics_query_done *done, void *state)
{
    size_t count = source->worker_count;
    struct query *query = calloc(1, sizeof *query + count * sizeof query->questions[0]);
    if (query == NULL)
        return -ENOMEM;
    query->workers = calloc(count, sizeof query->workers[0]);
    if (query->workers == NULL) {
        free(query);
        return -ENOMEM;
    }
    query->snapshot.source = source;
    query->done = done;
    query->state = state;
    query->pending = count;
    for (size_t i = 0; i < count; i++) {
        struct question *question = &query->questions[i];
        question->query = query;
        question->answer = &query->workers[i];
        question->call.run = run;
        question->call.done = on_answer;
        worker_post(source->workers[i], &question->call, source->reply_mailbox);
    }
    return 0;
}
