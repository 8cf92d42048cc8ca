#ifndef BASE_RING_BUFFER_H
#define BASE_RING_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Records of any size in memory of a fixed size: pushed at one end, given back in any order, and
 * reclaimed in the order of pushing. Nothing is allocated, and a record never moves. One thread. */
struct ring_buffer {
    uint8_t *bytes;
    size_t room;
    uint64_t head; /* bytes ever pushed, gaps at the ends of laps included */
    uint64_t tail; /* of them, reclaimed */
};

enum {
    RING_BUFFER_ALIGNMENT =
        16, /* of every record: that of any C object (C11, 6.2.8, max_align_t) */
    RING_BUFFER_RECORD_EXTRA = 16,
};

/* The memory is the caller's: room bytes, aligned to RING_BUFFER_ALIGNMENT, a multiple of it. */
void ring_buffer_init(struct ring_buffer *ring, void *memory, size_t room);

/* A record of size bytes with whatever they hold, or NULL when there is no room for it now. One of
 * up to ring_buffer_record_max bytes always fits into an empty ring. */
void *ring_buffer_push(struct ring_buffer *ring, size_t size);
size_t ring_buffer_record_max(const struct ring_buffer *ring);

/* Gives a record back, once. */
void ring_buffer_release(struct ring_buffer *ring, void *record);

bool ring_buffer_is_empty(const struct ring_buffer *ring);

#endif
