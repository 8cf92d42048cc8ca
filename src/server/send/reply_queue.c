#include "server/send/reply_queue.h"

#include "os/process/memory.h"
#include "state/handover_addr.h"

#include <errno.h>
#include <string.h>

struct queued_reply {
    struct queued_reply *next;
    size_t size;
    struct addr to, local;
    uint8_t bytes[];
};

int reply_queue_open(struct reply_queue *replies, size_t bytes)
{
    bytes = (bytes + RING_BUFFER_ALIGNMENT - 1) / RING_BUFFER_ALIGNMENT * RING_BUFFER_ALIGNMENT;
    replies->memory = memory_reserve(bytes, 0);
    if (replies->memory == NULL)
        return -errno;
    ring_buffer_init(&replies->ring, replies->memory, bytes);
    return 0;
}

void reply_queue_close(struct reply_queue *replies)
{
    if (replies->memory != NULL)
        memory_release(replies->memory, replies->ring.room);
    replies->memory = NULL;
}

void interface_reply_queue_init(struct interface_reply_queue *queue)
{
    *queue = (struct interface_reply_queue){.end = &queue->first};
}

bool reply_queue_add(struct reply_queue *replies, struct interface_reply_queue *queue,
                     const struct addr *to, const struct addr *local, const void *bytes,
                     size_t size)
{
    if (replies->memory == NULL)
        return false;
    struct queued_reply *reply = ring_buffer_push(&replies->ring, sizeof *reply + size);
    if (reply == NULL)
        return false;
    reply->next = NULL;
    reply->size = size;
    reply->to = *to;
    reply->local = *local;
    memcpy(reply->bytes, bytes, size);
    *queue->end = reply;
    queue->end = &reply->next;
    queue->count++;
    return true;
}

void reply_queue_fill(const struct interface_reply_queue *queue, struct batch *batch)
{
    const struct queued_reply *reply = queue->first;
    for (int i = 0; reply != NULL && i < BATCH_MAX; i++, reply = reply->next)
        batch_add(batch, &reply->to, &reply->local, reply->bytes, reply->size);
}

void reply_queue_remove(struct reply_queue *replies, struct interface_reply_queue *queue, int count)
{
    for (; count > 0; count--) {
        struct queued_reply *reply = queue->first;
        queue->first = reply->next;
        queue->count--;
        ring_buffer_release(&replies->ring, reply);
    }
    if (queue->first == NULL)
        queue->end = &queue->first;
}

/* ---- handing over ---- */

void reply_queue_put(struct handover_writer *writer, const struct addr *to,
                     const struct addr *local, const void *bytes, size_t size)
{
    handover_put_addr(writer, to);
    handover_put_addr(writer, local);
    handover_put32(writer, (uint32_t)size);
    handover_put_bytes(writer, bytes, size);
}

const uint8_t *reply_queue_get(struct handover_reader *reader, struct addr *to, struct addr *local,
                               size_t *size)
{
    *to = handover_get_addr(reader);
    *local = handover_get_addr(reader);
    *size = handover_get32(reader);
    return handover_get_bytes(reader, *size);
}

void reply_queue_hand_over(const struct interface_reply_queue *queue,
                           struct handover_writer *writer)
{
    for (const struct queued_reply *reply = queue->first; reply != NULL; reply = reply->next)
        reply_queue_put(writer, &reply->to, &reply->local, reply->bytes, reply->size);
}
