/* Records are stored one after the other. A record that does not fit before the end of the memory
 * is stored at its start, and a gap takes the rest. */
#include "base/ring_buffer.h"

/* Precedes each record and each gap. */
struct header {
    uint64_t bytes; /* to the next header */
    uint64_t done;  /* 1: released, or a gap */
};
_Static_assert(sizeof(struct header) == RING_BUFFER_RECORD_EXTRA,
               "RING_BUFFER_RECORD_EXTRA is the size of a header");

void ring_buffer_init(struct ring_buffer *ring, void *memory, size_t room)
{
    *ring = (struct ring_buffer){.bytes = memory, .room = room};
}

size_t ring_buffer_record_max(const struct ring_buffer *ring)
{
    return ring->room - sizeof(struct header);
}

bool ring_buffer_is_empty(const struct ring_buffer *ring)
{
    return ring->head == ring->tail;
}

static struct header *header_at(const struct ring_buffer *ring, uint64_t position)
{
    return (struct header *)(void *)(ring->bytes + position % ring->room);
}

static size_t free_bytes(const struct ring_buffer *ring)
{
    return ring->room - (size_t)(ring->head - ring->tail);
}

static struct header *append(struct ring_buffer *ring, size_t bytes, bool done)
{
    struct header *header = header_at(ring, ring->head);
    *header = (struct header){.bytes = bytes, .done = done};
    ring->head += bytes;
    return header;
}

void *ring_buffer_push(struct ring_buffer *ring, size_t size)
{
    if (size > ring_buffer_record_max(ring))
        return NULL;
    size_t bytes = sizeof(struct header) + (size + RING_BUFFER_ALIGNMENT - 1) /
                                               RING_BUFFER_ALIGNMENT * RING_BUFFER_ALIGNMENT;
    /* The largest record fits only at the start of the memory. */
    if (ring_buffer_is_empty(ring))
        ring->head = ring->tail = 0;
    size_t to_end = ring->room - (size_t)(ring->head % ring->room);
    size_t gap = bytes > to_end ? to_end : 0;
    if (gap + bytes > free_bytes(ring))
        return NULL;
    if (gap > 0)
        append(ring, gap, true);
    return append(ring, bytes, false) + 1;
}

void ring_buffer_release(struct ring_buffer *ring, void *record)
{
    ((struct header *)record - 1)->done = 1;
    while (!ring_buffer_is_empty(ring)) {
        const struct header *oldest = header_at(ring, ring->tail);
        if (!oldest->done)
            return;
        ring->tail += oldest->bytes;
    }
}

void *ring_buffer_next(const struct ring_buffer *ring, const void *record)
{
    uint64_t position = ring->tail;
    if (record != NULL) {
        const struct header *header = (const struct header *)record - 1;
        size_t at = (size_t)((const uint8_t *)header - ring->bytes);
        position += (at + ring->room - (size_t)(ring->tail % ring->room)) % ring->room;
        position += header->bytes;
    }
    while (position < ring->head && header_at(ring, position)->done)
        position += header_at(ring, position)->bytes;
    return position < ring->head ? header_at(ring, position) + 1 : NULL;
}
