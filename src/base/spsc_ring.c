/* Records are stored one after the other. A record that does not fit before the end of the memory
 * is stored at its start, and a gap takes the rest. */
#include "base/spsc_ring.h"

/* Precedes each record and each gap. */
struct header {
    uint64_t bytes; /* to the next header */
    uint64_t is_gap;
};
_Static_assert(sizeof(struct header) == SPSC_RING_RECORD_EXTRA,
               "SPSC_RING_RECORD_EXTRA is the size of a header");

void spsc_ring_init(struct spsc_ring *ring, void *memory, size_t room)
{
    ring->bytes = memory;
    ring->room = room;
    ring->reserved = ring->tail_seen = 0;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
}

size_t spsc_ring_record_max(const struct spsc_ring *ring)
{
    return ring->room / 2 - sizeof(struct header);
}

static struct header *header_at(const struct spsc_ring *ring, uint64_t position)
{
    return (struct header *)(void *)(ring->bytes + (position & (ring->room - 1)));
}

/* Whether the bytes after head are free. */
static bool has_room(struct spsc_ring *ring, uint64_t head, size_t bytes)
{
    if (head + bytes - ring->tail_seen <= ring->room)
        return true;
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return head + bytes - ring->tail_seen <= ring->room;
}

void *spsc_ring_reserve(struct spsc_ring *ring, size_t size)
{
    if (size > spsc_ring_record_max(ring))
        return NULL;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t bytes = (sizeof(struct header) + size + SPSC_RING_ALIGNMENT - 1) &
                   ~(size_t)(SPSC_RING_ALIGNMENT - 1);
    size_t to_end = ring->room - (size_t)(head & (ring->room - 1));
    size_t gap = bytes > to_end ? to_end : 0;
    if (!has_room(ring, head, gap + bytes))
        return NULL;
    if (gap > 0)
        *header_at(ring, head) = (struct header){.bytes = gap, .is_gap = 1};
    struct header *header = header_at(ring, head + gap);
    *header = (struct header){.bytes = bytes, .is_gap = 0};
    ring->reserved = head + gap + bytes;
    return header + 1;
}

void spsc_ring_commit(struct spsc_ring *ring)
{
    atomic_store_explicit(&ring->head, ring->reserved, memory_order_release);
}

/* Returns the header of the oldest record, after it has released the gap before it; NULL if there
 * is none. */
static struct header *front(struct spsc_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
        return NULL;
    struct header *header = header_at(ring, tail);
    if (!header->is_gap)
        return header;
    /* A gap is committed together with the record after it. */
    atomic_store_explicit(&ring->tail, tail + header->bytes, memory_order_release);
    return header_at(ring, tail + header->bytes);
}

const void *spsc_ring_front(struct spsc_ring *ring)
{
    const struct header *header = front(ring);
    return header != NULL ? header + 1 : NULL;
}

void spsc_ring_release(struct spsc_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t bytes = header_at(ring, tail)->bytes;
    atomic_store_explicit(&ring->tail, tail + bytes, memory_order_release);
}

uint64_t spsc_ring_mark(const struct spsc_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire);
}

bool spsc_ring_has_passed(const struct spsc_ring *ring, uint64_t mark)
{
    /* The difference is negative until then. */
    return (int64_t)(atomic_load_explicit(&ring->tail, memory_order_relaxed) - mark) >= 0;
}
