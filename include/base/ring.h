#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Records of any size in memory of a fixed size: pushed at one end, given back in any order, and
 * reclaimed in the order of pushing. Nothing is allocated, and a record never moves. One thread. */
struct ring {
    uint8_t *bytes;
    size_t room;
    uint64_t head; /* bytes ever pushed, gaps at the ends of laps included */
    uint64_t tail; /* of them, reclaimed */
};

enum {
    RING_ALIGNMENT = 16, /* of every record: that of any C object (C11, 6.2.8, max_align_t) */
    RING_RECORD_EXTRA = 16,
};

/* The memory is the caller's: room bytes, aligned to RING_ALIGNMENT, a multiple of it. */
void ring_init(struct ring *ring, void *memory, size_t room);

/* A record of size bytes with whatever they hold, or NULL when there is no room for it now. One of
 * up to ring_record_max bytes always fits into an empty ring. */
void *ring_push(struct ring *ring, size_t size);
size_t ring_record_max(const struct ring *ring);

/* Gives a record back, once. */
void ring_release(struct ring *ring, void *record);

bool ring_is_empty(const struct ring *ring);

#endif
