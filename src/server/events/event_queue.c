#include "server/events/event_queue.h"

#include "os/process/memory.h"

#include <errno.h>
#include <stdlib.h>

static size_t memory_bytes(uint32_t max_message_bytes)
{
    enum { LONGEST_MESSAGES = 8 /* that fit at least, for any max-datagram */ };
    size_t longest = sizeof(struct event_record) + max_message_bytes + SPSC_RING_RECORD_EXTRA +
                     SPSC_RING_ALIGNMENT;
    size_t bytes = EVENT_QUEUE_BYTES;
    while (bytes < LONGEST_MESSAGES * longest)
        bytes *= 2;
    return bytes;
}
_Static_assert((EVENT_QUEUE_BYTES & (EVENT_QUEUE_BYTES - 1)) == 0,
               "the room of the ring is a power of two");

int event_queue_open(struct event_queue **queue, uint32_t max_message_bytes,
                     struct mailbox *mailbox, void (*handle)(struct mailbox_message *wake),
                     void *owner)
{
    struct event_queue *made = memory_cache_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->memory_bytes = memory_bytes(max_message_bytes);
    made->memory = memory_reserve(made->memory_bytes, 0);
    if (made->memory == NULL) {
        free(made);
        return -ENOMEM;
    }
    made->wake.handle = handle;
    made->mailbox = mailbox;
    made->owner = owner;
    spsc_ring_init(&made->ring, made->memory, made->memory_bytes);
    *queue = made;
    return 0;
}

void event_queue_free(struct event_queue *queue)
{
    if (queue == NULL)
        return;
    memory_release(queue->memory, queue->memory_bytes);
    free(queue);
}

/* ---- the worker ---- */

/* The exchange orders what was written before it against event_queue_acknowledge: either the main
 * thread finds the event, or it is woken again. */
static void wake(struct event_queue *queue)
{
    if (!atomic_exchange(&queue->is_woken, true))
        mailbox_post(queue->mailbox, &queue->wake);
}

struct event_record *event_queue_reserve(struct event_queue *queue, size_t size)
{
    return spsc_ring_reserve(&queue->ring, sizeof(struct event_record) + size);
}

void event_queue_commit(struct event_queue *queue)
{
    spsc_ring_commit(&queue->ring);
    wake(queue);
}

void event_queue_lose(struct event_queue *queue, uint64_t subscribers)
{
    for (; subscribers != 0; subscribers &= subscribers - 1) {
        _Atomic uint64_t *lost = &queue->lost[__builtin_ctzll(subscribers)];
        uint64_t before = atomic_load_explicit(lost, memory_order_relaxed);
        atomic_store_explicit(lost, before + 1, memory_order_relaxed);
    }
    wake(queue);
}

/* ---- the main thread ---- */

void event_queue_acknowledge(struct event_queue *queue)
{
    atomic_exchange(&queue->is_woken, false);
}

const struct event_record *event_queue_front(struct event_queue *queue)
{
    return spsc_ring_front(&queue->ring);
}

void event_queue_release(struct event_queue *queue)
{
    spsc_ring_release(&queue->ring);
}

uint64_t event_queue_lost(const struct event_queue *queue, unsigned subscriber)
{
    return atomic_load_explicit(&queue->lost[subscriber], memory_order_relaxed);
}

uint64_t event_queue_mark(const struct event_queue *queue)
{
    return spsc_ring_mark(&queue->ring);
}

bool event_queue_has_passed(const struct event_queue *queue, uint64_t mark)
{
    return spsc_ring_has_passed(&queue->ring, mark);
}
