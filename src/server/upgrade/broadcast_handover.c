#include "server/upgrade/broadcast_handover.h"

#include "os/process/clock.h"

#include <errno.h>

const char *broadcasts_refusal(const struct jobs *jobs, const struct workers *held)
{
    if (jobs_depend_on_registry(jobs))
        return "a broadcast runs or waits for confirmations, and the new program or configuration "
               "keeps its clients in another way: wait until it has ended, or cancel it";
    for (size_t i = 0; held != NULL && i < held->count; i++)
        if (!broadcast_is_idle(worker_broadcast(held->list[i])))
            return "messages of clients are being relayed, and the new program or configuration "
                   "keeps its clients in another way: try again";
    return NULL;
}

void broadcasts_hand_over(const struct jobs *jobs, const struct workers *workers,
                          bool is_same_registry, struct handover_writer *writer)
{
    handover_put8(writer, is_same_registry);
    handover_put32(writer, (uint32_t)workers->count);
    for (size_t i = 0; i < workers->count && is_same_registry; i++) {
        confirmations_hand_over(worker_confirmations_table(workers->list[i]), writer);
        relay_hand_over(workers->relays[i], clock_now_ns(), writer);
    }
    jobs_hand_over(jobs, writer);
    for (size_t i = 0; i < workers->count && is_same_registry; i++)
        broadcast_hand_over(worker_broadcast(workers->list[i]), writer);
}

/* Where the shard jobs of one worker are. */
struct senders {
    struct jobs *jobs;
    const struct workers *workers;
    size_t worker;
};

static struct shard_job *find_job(void *state, enum broadcast_queue queue,
                                  const struct shard_job_name *name)
{
    const struct senders *senders = state;
    if (queue == BROADCAST_OPERATOR)
        return jobs_take_over_job(senders->jobs, senders->worker, name->number);
    if (name->relay >= senders->workers->count)
        return NULL;
    return relay_take_over_job(senders->workers->relays[name->relay], senders->worker,
                               name->number);
}

static int take_over_senders(const struct workers *workers, struct handover_reader *reader)
{
    int error = 0;
    for (size_t i = 0; i < workers->count && error == 0; i++) {
        error = confirmations_take_over(worker_confirmations_table(workers->list[i]), reader);
        if (error == 0)
            error = relay_take_over(workers->relays[i], reader);
    }
    return error;
}

static int take_over_queues(struct senders *senders, struct handover_reader *reader)
{
    const struct workers *workers = senders->workers;
    int error = 0;
    for (senders->worker = 0; senders->worker < workers->count && error == 0; senders->worker++)
        error = broadcast_take_over(worker_broadcast(workers->list[senders->worker]), reader,
                                    find_job, senders);
    bool is_complete = jobs_were_taken_over(senders->jobs);
    for (size_t i = 0; i < workers->count; i++)
        is_complete &= relay_was_taken_over(workers->relays[i]);
    return error == 0 && !is_complete ? -EPROTO : error;
}

int broadcasts_take_over(struct jobs *jobs, const struct workers *workers,
                         struct handover_reader *reader)
{
    struct senders senders = {.jobs = jobs, .workers = workers};
    bool is_same_registry = handover_get8(reader) != 0;
    uint32_t worker_count = handover_get32(reader);
    if (is_same_registry && worker_count != workers->count)
        return -EPROTO;
    int error = is_same_registry ? take_over_senders(workers, reader) : 0;
    if (error == 0)
        error = jobs_take_over(jobs, reader, is_same_registry);
    if (error == 0 && is_same_registry)
        error = take_over_queues(&senders, reader);
    return error;
}
