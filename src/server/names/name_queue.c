#include "server/names/name_queue.h"

#include "os/process/memory.h"

#include <errno.h>
#include <stdlib.h>

int name_queue_open(struct name_queue **queue, struct mailbox *mailbox, _Atomic uint64_t *numbers,
                    uint32_t slots, void (*handle)(struct mailbox_message *wake), void *owner)
{
    struct name_queue *made = memory_cache_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->claiming_bytes = slots / 8 + 1;
    made->memory = memory_reserve(NAME_QUEUE_BYTES, 0);
    made->claiming = memory_reserve(made->claiming_bytes, 0);
    if (made->memory == NULL || made->claiming == NULL) {
        name_queue_free(made);
        return -ENOMEM;
    }
    made->wake.handle = handle;
    made->mailbox = mailbox;
    made->numbers = numbers;
    made->owner = owner;
    spsc_ring_init(&made->ring, made->memory, NAME_QUEUE_BYTES);
    *queue = made;
    return 0;
}

void name_queue_free(struct name_queue *queue)
{
    if (queue == NULL)
        return;
    if (queue->memory != NULL)
        memory_release(queue->memory, NAME_QUEUE_BYTES);
    if (queue->claiming != NULL)
        memory_release(queue->claiming, queue->claiming_bytes);
    free(queue);
}

static bool add(struct name_queue *queue, const struct name_claim *claim)
{
    struct name_claim *record = spsc_ring_reserve(&queue->ring, sizeof *record);
    if (record == NULL)
        return false;
    *record = *claim;
    record->holder.number = name_queue_number(queue);
    spsc_ring_commit(&queue->ring);
    /* The exchange orders the commit against name_queue_acknowledge: either the main thread finds
     * the claim, or it is woken again. */
    if (!atomic_exchange(&queue->is_woken, true))
        mailbox_post(queue->mailbox, &queue->wake);
    return true;
}

bool name_queue_add(struct name_queue *queue, const struct name_claim *claim)
{
    uint8_t *claiming = &queue->claiming[claim->slot / 8];
    uint8_t bit = (uint8_t)(1u << claim->slot % 8);
    if ((*claiming & bit) != 0 || !add(queue, claim))
        return false;
    *claiming |= bit;
    return true;
}

void name_queue_add_gone(struct name_queue *queue, const struct client_key *key, uint32_t worker,
                         uint64_t joined_before, uint64_t events_mark)
{
    const struct name_claim gone = {
        .holder = {.key = *key, .join_number = joined_before, .worker = worker},
        .is_gone = true,
        .events_mark = events_mark};
    add(queue, &gone);
}

void name_queue_end(struct name_queue *queue, uint32_t slot)
{
    queue->claiming[slot / 8] &= (uint8_t) ~(1u << slot % 8);
}

uint64_t name_queue_number(struct name_queue *queue)
{
    return atomic_fetch_add(queue->numbers, 1) + 1;
}

void name_queue_acknowledge(struct name_queue *queue)
{
    atomic_exchange(&queue->is_woken, false);
}

const struct name_claim *name_queue_front(struct name_queue *queue)
{
    return spsc_ring_front(&queue->ring);
}

void name_queue_release(struct name_queue *queue)
{
    spsc_ring_release(&queue->ring);
}
