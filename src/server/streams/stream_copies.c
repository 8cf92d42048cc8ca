#include "server/streams/stream_copies.h"

#include "os/process/clock.h"
#include "server/streams/stream_messages.h"

static uint64_t begin(void *state, const struct shard_job *job, struct recipients_walk *walk)
{
    const struct stream_clients *table = state;
    walk->joined_before = table->accepted + 1;
    walk->ended = table->connected == 0;
    return job->selector == NULL ? table->connected : 0;
}

static bool is_recipient(const struct stream_client *stream, const struct shard_job *job,
                         const struct recipients_walk *walk, uint64_t now_ms)
{
    struct client client;
    if (stream->state != STREAM_CONNECTED || stream->serial >= walk->joined_before ||
        stream->serial == job->except.stream)
        return false;
    if (job->selector == NULL)
        return true;
    stream_table_describe(stream, now_ms, &client);
    return client_selector_matches(job->selector, &client);
}

static bool send_copies(void *state, const struct shard_job *job, struct recipients_walk *walk,
                        uint32_t limit, struct recipients_tally *tally, struct loop_task *wake)
{
    struct stream_clients *table = state;
    (void)wake;
    struct stream_message message = stream_messages_make(table, job->bytes, job->size);
    uint32_t steps = REGISTRY_WALK_STEPS * limit;
    uint64_t now_ms = job->selector != NULL ? clock_now_ms() : 0;
    for (; walk->next < table->used && steps > 0 && tally->sent < limit; steps--) {
        struct stream_client *client = &table->places[walk->next++];
        if (!is_recipient(client, job, walk, now_ms))
            continue;
        /* A failed write means that the client has left or is disconnected: its copy is skipped. */
        if (framed_stream_write(client->stream, message.bytes, message.size))
            tally->sent++;
        else
            tally->skipped++;
    }
    walk->ended = walk->next >= table->used;
    return false;
}

struct recipients stream_copies_recipients(struct stream_clients *table)
{
    return (struct recipients){
        .kind = RECIPIENTS_STREAMS, .state = table, .begin = begin, .send = send_copies};
}
