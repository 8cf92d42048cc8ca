#include "server/broadcast/relay.h"

#include "base/ring_buffer.h"
#include "base/token_bucket.h"
#include "os/process/memory.h"
#include "server/broadcast/handover_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct relay {
    struct relay_options options;
    struct relay *const *relays; /* of all workers, including this one */
    bool closed;
    enum config_relay mode;
    struct token_bucket rate;
    uint64_t *due_ns;     /* of the registry's clients, by slot */
    uint64_t last_number; /* of a message */
    struct ring_buffer ring;
    void *ring_memory;
    size_t ring_bytes;
    struct {
        struct message_slot *last; /* that was asked for */
        uint64_t missing;          /* shard jobs that are to be asked for */
    } taken_over;
};

/* The shard job of one worker, and the message that brings it there. */
struct relay_job {
    struct mailbox_message request;
    struct shard_job job;
    struct message_slot *slot;
    struct relay *to;
};

/* A record of the ring: the shard jobs of a relayed message, followed by its bytes. */
struct message_slot {
    struct relay *relay;
    uint64_t number;
    size_t pending; /* jobs that have not ended; the record is released with the last one */
    struct relay_job jobs[];
};

static size_t slot_bytes(size_t worker_count, size_t size)
{
    return sizeof(struct message_slot) + worker_count * sizeof(struct relay_job) + size;
}

static size_t due_bytes(const struct relay_options *options)
{
    return registry_slots(options->capacity) * sizeof(uint64_t);
}

int relay_open(struct relay **relay, const struct relay_options *options)
{
    enum { LONGEST_MESSAGES = 8 /* that fit at least, for any max-datagram */ };
    struct relay *made = memory_cache_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    size_t longest = slot_bytes(options->worker_count, options->max_message_bytes);
    size_t least = LONGEST_MESSAGES * (longest + RING_BUFFER_RECORD_EXTRA);
    made->ring_bytes = least > RELAY_RING_BYTES ? least : RELAY_RING_BYTES;
    made->ring_bytes = (made->ring_bytes + RING_BUFFER_ALIGNMENT - 1) / RING_BUFFER_ALIGNMENT *
                       RING_BUFFER_ALIGNMENT;
    made->ring_memory = memory_reserve(made->ring_bytes, 0);
    made->due_ns = memory_reserve(due_bytes(options), 0);
    if (made->ring_memory == NULL || made->due_ns == NULL) {
        int error = -errno;
        relay_free(made);
        return error;
    }
    ring_buffer_init(&made->ring, made->ring_memory, made->ring_bytes);
    *relay = made;
    return 0;
}

void relay_set_peers(struct relay *relay, struct relay *const *relays)
{
    relay->relays = relays;
}

void relay_close(struct relay *relay)
{
    if (relay != NULL)
        relay->closed = true;
}

void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    memory_release(relay->ring_memory, relay->ring_bytes);
    memory_release(relay->due_ns, due_bytes(&relay->options));
    free(relay);
}

void relay_set(struct relay *relay, enum config_relay mode, uint32_t rate_pps)
{
    relay->mode = mode;
    token_bucket_init(&relay->rate, rate_pps, rate_pps > 0 ? rate_pps * RELAY_BURST_S : 1);
}

bool relay_is_on(const struct relay *relay)
{
    return relay->mode != RELAY_OFF;
}

/* ---- passing a message to the workers ---- */

/* In the thread of the worker that received the message. */
static void on_job_ended(struct mailbox_message *completion)
{
    struct relay_job *job =
        (struct relay_job *)(void *)((char *)completion -
                                     offsetof(struct relay_job, job.completion));
    struct message_slot *slot = job->slot;
    if (--slot->pending == 0)
        ring_buffer_release(&slot->relay->ring, slot);
}

/* In the thread of another worker. After relay_close it drops the job, which is never reported as
 * ended: no worker waits for it any more. */
static void on_request(struct mailbox_message *request)
{
    struct relay_job *job = (struct relay_job *)request;
    if (!job->to->closed)
        broadcast_start(job->to->options.broadcast, &job->job);
}

static void fill_job(struct relay_job *job, struct message_slot *slot, struct relay *to,
                     const struct broadcast_except *except, const uint8_t *bytes, size_t size)
{
    struct shard_job_name name = {slot->number, slot->relay->options.worker_number};
    *job = (struct relay_job){
        .request.handle = on_request,
        .slot = slot,
        .to = to,
        .job =
            {
                .completion.handle = on_job_ended,
                .reply_mailbox = to == slot->relay ? NULL : slot->relay->options.mailbox,
                .bytes = bytes,
                .size = size,
                .queue = BROADCAST_RELAY,
                .name = name,
                .except = *except,
            },
    };
}

/* Adds a message to the ring. Returns NULL if it has no space. */
static struct message_slot *add_message(struct relay *relay, uint64_t number,
                                        const struct broadcast_except *except, const void *bytes,
                                        size_t size)
{
    size_t count = relay->options.worker_count;
    struct message_slot *slot = ring_buffer_push(&relay->ring, slot_bytes(count, size));
    if (slot == NULL)
        return NULL;
    slot->relay = relay;
    slot->number = number;
    slot->pending = count;
    uint8_t *copy = (uint8_t *)&slot->jobs[count];
    memcpy(copy, bytes, size);
    for (size_t i = 0; i < count; i++)
        fill_job(&slot->jobs[i], slot, relay->relays[i], except, copy, size);
    return slot;
}

/* Relays a message to all clients except one. Drops it if the ring has no space. */
static void relay_to_all(struct relay *relay, const struct broadcast_except *except,
                         const void *bytes, size_t size)
{
    size_t count = relay->options.worker_count;
    struct message_slot *slot = add_message(relay, relay->last_number + 1, except, bytes, size);
    if (slot == NULL) {
        relay->options.stats->relay_dropped++;
        return;
    }
    relay->last_number++;
    relay->options.stats->relayed++;
    for (size_t i = 0; i < count; i++) {
        struct relay *to = relay->relays[i];
        if (to == relay)
            broadcast_start(relay->options.broadcast, &slot->jobs[i].job);
        else
            mailbox_post(to->options.mailbox, &slot->jobs[i].request);
    }
}

static bool is_within_rate(struct relay *relay, uint64_t *due_ns, uint64_t now_ms)
{
    if (token_bucket_take(&relay->rate, due_ns, now_ms * 1000000))
        return true;
    relay->options.stats->relay_limited++;
    return false;
}

void relay_datagram(struct relay *relay, uint8_t listener, const struct datagram *datagram,
                    uint64_t now_ms)
{
    struct client client;
    if (datagram->size == 0 ||
        !registry_find(relay->options.registry, listener, &datagram->source, now_ms, &client))
        return;
    /* A client inherits the state of the rate from the last client of its slot, which has sent
     * nothing for a ttl, has left, or was kicked. */
    if (!is_within_rate(relay, &relay->due_ns[client.slot], now_ms))
        return;
    struct broadcast_except except = {.source = {.family = ADDR_NONE}};
    if (relay->mode == RELAY_OTHERS)
        except = (struct broadcast_except){.source = datagram->source, .listener = listener};
    relay_to_all(relay, &except, datagram->bytes, datagram->size);
}

void relay_stream_message(struct relay *relay, uint64_t stream, uint64_t *due_ns, const void *bytes,
                          size_t size, uint64_t now_ms)
{
    if (size == 0 || !is_within_rate(relay, due_ns, now_ms))
        return;
    struct broadcast_except except = {.stream = relay->mode == RELAY_OTHERS ? stream : 0};
    relay_to_all(relay, &except, bytes, size);
}

/* ---- the handover ---- */

#define NO_SLOT UINT32_MAX /* after the last rate */

static void put_message(struct handover_writer *writer, const struct message_slot *slot)
{
    const struct shard_job *job = &slot->jobs[0].job;
    handover_put8(writer, true);
    handover_put64(writer, slot->number);
    handover_put32(writer, (uint32_t)slot->pending);
    handover_put_except(writer, &job->except);
    handover_put32(writer, (uint32_t)job->size);
    handover_put_bytes(writer, job->bytes, job->size);
}

/* The state of a client that may send a whole burst is not needed, and most clients are quiet. */
static void put_rates(struct handover_writer *writer, const struct relay *relay, uint64_t now_ns)
{
    size_t slots = relay->rate.interval_ns != 0 ? registry_slots(relay->options.capacity) : 0;
    for (size_t slot = 0; slot < slots; slot++) {
        if (relay->due_ns[slot] <= now_ns)
            continue;
        handover_put32(writer, (uint32_t)slot);
        handover_put64(writer, relay->due_ns[slot]);
    }
    handover_put32(writer, NO_SLOT);
}

void relay_hand_over(const struct relay *relay, uint64_t now_ns, struct handover_writer *writer)
{
    const struct message_slot *slot = NULL;
    handover_put64(writer, relay->last_number);
    while ((slot = ring_buffer_next(&relay->ring, slot)) != NULL)
        put_message(writer, slot);
    handover_put8(writer, false);
    put_rates(writer, relay, now_ns);
}

static int get_message(struct relay *relay, struct handover_reader *reader)
{
    uint64_t number = handover_get64(reader);
    uint32_t pending = handover_get32(reader);
    struct broadcast_except except = handover_get_except(reader);
    uint32_t size = handover_get32(reader);
    const uint8_t *bytes = handover_get_bytes(reader, size);
    if (reader->failed || pending == 0 || pending > relay->options.worker_count)
        return -EPROTO;
    struct message_slot *slot = add_message(relay, number, &except, bytes, size);
    if (slot == NULL)
        return -ENOBUFS;
    slot->pending = pending;
    relay->taken_over.missing += pending;
    return 0;
}

static int get_rates(struct relay *relay, struct handover_reader *reader)
{
    for (uint32_t slot; (slot = handover_get32(reader)) != NO_SLOT;) {
        uint64_t due_ns = handover_get64(reader);
        if (reader->failed || slot >= registry_slots(relay->options.capacity))
            return -EPROTO;
        relay->due_ns[slot] = due_ns;
    }
    return 0;
}

int relay_take_over(struct relay *relay, struct handover_reader *reader)
{
    int error = 0;
    relay->last_number = handover_get64(reader);
    while (error == 0 && handover_get8(reader))
        error = get_message(relay, reader);
    if (error == 0)
        error = get_rates(relay, reader);
    return error == 0 && reader->failed ? -EPROTO : error;
}

/* Searches from the message that was asked for last: each worker asks in their order, so all
 * searches of one worker together read the ring once. */
struct shard_job *relay_take_over_job(struct relay *relay, size_t worker, uint64_t number)
{
    struct message_slot *slot = relay->taken_over.last;
    if (slot == NULL || slot->number > number)
        slot = ring_buffer_next(&relay->ring, NULL);
    while (slot != NULL && slot->number < number)
        slot = ring_buffer_next(&relay->ring, slot);
    if (slot == NULL || slot->number != number || relay->taken_over.missing == 0)
        return NULL;
    relay->taken_over.last = slot;
    relay->taken_over.missing--;
    return &slot->jobs[worker].job;
}

bool relay_was_taken_over(const struct relay *relay)
{
    return relay->taken_over.missing == 0;
}
