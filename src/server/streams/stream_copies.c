#include "server/streams/stream_copies.h"

#include "server/streams/stream_lines.h"

static uint64_t begin(void *state, const struct shard_job *job, struct recipients_walk *walk)
{
    const struct stream_clients *table = state;
    (void)job;
    walk->joined_before = table->accepted + 1;
    walk->ended = table->connected == 0;
    return table->connected;
}

static bool send_copies(void *state, const struct shard_job *job, struct recipients_walk *walk,
                        uint32_t limit, struct recipients_tally *tally, struct loop_task *wake)
{
    struct stream_clients *table = state;
    (void)wake;
    size_t size = stream_lines_make(table, job->bytes, job->size);
    uint32_t steps = REGISTRY_WALK_STEPS * limit;
    for (; walk->next < table->used && steps > 0 && tally->sent < limit; steps--) {
        struct stream_client *client = &table->places[walk->next++];
        if (client->state != STREAM_CONNECTED || client->serial >= walk->joined_before ||
            client->serial == job->except.stream)
            continue;
        /* A failed write means that the client has left or is disconnected: its copy is skipped. */
        if (line_stream_write(client->stream, table->line, size))
            tally->sent++;
    }
    walk->ended = walk->next >= table->used;
    return false;
}

struct recipients stream_copies_recipients(struct stream_clients *table)
{
    return (struct recipients){.state = table, .begin = begin, .send = send_copies};
}
