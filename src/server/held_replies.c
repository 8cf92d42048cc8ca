/* Replies that wait for room in the send socket of their interface. */
#include "server/held_replies.h"

#include "net/memory.h"

#include <errno.h>
#include <string.h>

struct held_reply {
    struct held_reply *next;
    size_t size;
    struct addr to, local;
    uint8_t bytes[];
};

int held_replies_open(struct held_replies *held, size_t bytes)
{
    bytes = (bytes + RING_ALIGNMENT - 1) / RING_ALIGNMENT * RING_ALIGNMENT;
    held->memory = memory_reserve(bytes, 0);
    if (held->memory == NULL)
        return -errno;
    ring_init(&held->ring, held->memory, bytes);
    return 0;
}

void held_replies_close(struct held_replies *held)
{
    if (held->memory != NULL)
        memory_release(held->memory, held->ring.room);
    held->memory = NULL;
}

void held_queue_init(struct held_queue *queue)
{
    *queue = (struct held_queue){.end = &queue->first};
}

bool held_replies_add(struct held_replies *held, struct held_queue *queue, const struct addr *to,
                      const struct addr *local, const void *bytes, size_t size)
{
    if (held->memory == NULL)
        return false;
    struct held_reply *reply = ring_push(&held->ring, sizeof *reply + size);
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

void held_replies_fill(const struct held_queue *queue, struct batch *batch)
{
    const struct held_reply *reply = queue->first;
    for (int i = 0; reply != NULL && i < BATCH_MAX; i++, reply = reply->next)
        batch_address(batch, &reply->to, &reply->local, reply->bytes, reply->size);
}

void held_replies_remove(struct held_replies *held, struct held_queue *queue, int count)
{
    for (; count > 0; count--) {
        struct held_reply *reply = queue->first;
        queue->first = reply->next;
        queue->count--;
        ring_release(&held->ring, reply);
    }
    if (queue->first == NULL)
        queue->end = &queue->first;
}
