/* Replies that wait for room in the send socket of their interface. */
#include "server/datagram/reply_queue.h"

#include "os/process/memory.h"

#include <errno.h>
#include <string.h>

struct queued_reply {
    struct queued_reply *next;
    size_t size;
    struct addr to, local;
    uint8_t bytes[];
};

int reply_queue_open(struct reply_queue *held, size_t bytes)
{
    bytes = (bytes + RING_BUFFER_ALIGNMENT - 1) / RING_BUFFER_ALIGNMENT * RING_BUFFER_ALIGNMENT;
    held->memory = memory_reserve(bytes, 0);
    if (held->memory == NULL)
        return -errno;
    ring_buffer_init(&held->ring, held->memory, bytes);
    return 0;
}

void reply_queue_close(struct reply_queue *held)
{
    if (held->memory != NULL)
        memory_release(held->memory, held->ring.room);
    held->memory = NULL;
}

void interface_reply_queue_init(struct interface_reply_queue *queue)
{
    *queue = (struct interface_reply_queue){.end = &queue->first};
}

bool reply_queue_add(struct reply_queue *held, struct interface_reply_queue *queue,
                     const struct addr *to, const struct addr *local, const void *bytes,
                     size_t size)
{
    if (held->memory == NULL)
        return false;
    struct queued_reply *reply = ring_buffer_push(&held->ring, sizeof *reply + size);
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
        batch_address(batch, &reply->to, &reply->local, reply->bytes, reply->size);
}

void reply_queue_remove(struct reply_queue *held, struct interface_reply_queue *queue, int count)
{
    for (; count > 0; count--) {
        struct queued_reply *reply = queue->first;
        queue->first = reply->next;
        queue->count--;
        ring_buffer_release(&held->ring, reply);
    }
    if (queue->first == NULL)
        queue->end = &queue->first;
}
