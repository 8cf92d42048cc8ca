#include "ctl/bridge/append_queue.h"

#include <string.h>

struct record {
    size_t size;
    char bytes[];
};

void append_queue_init(struct append_queue *queue, void *memory, size_t room)
{
    *queue = (struct append_queue){.last_sent = NULL};
    ring_buffer_init(&queue->ring, memory, room);
}

bool append_queue_add(struct append_queue *queue, const struct text_buffer *command)
{
    struct record *record = ring_buffer_push(&queue->ring, sizeof *record + command->size);
    if (record == NULL)
        return false;
    record->size = command->size;
    memcpy(record->bytes, command->bytes, command->size);
    return true;
}

void append_queue_lose(struct append_queue *queue, uint64_t count)
{
    queue->lost += count;
}

uint64_t append_queue_take_lost(struct append_queue *queue)
{
    uint64_t lost = queue->lost;
    queue->lost = 0;
    return lost;
}

bool append_queue_send(struct append_queue *queue, struct text_buffer *out)
{
    struct record *record = ring_buffer_next(&queue->ring, queue->last_sent);
    if (record == NULL)
        return false;
    text_buffer_add_bytes(out, record->bytes, record->size);
    queue->last_sent = record;
    queue->sent++;
    return true;
}

void append_queue_acknowledge(struct append_queue *queue)
{
    void *first = ring_buffer_next(&queue->ring, NULL);
    if (queue->sent == 0)
        return;
    if (first == queue->last_sent)
        queue->last_sent = NULL;
    queue->sent--;
    ring_buffer_release(&queue->ring, first);
}

void append_queue_rewind(struct append_queue *queue)
{
    queue->last_sent = NULL;
    queue->sent = 0;
}

bool append_queue_is_empty(const struct append_queue *queue)
{
    return ring_buffer_is_empty(&queue->ring);
}
