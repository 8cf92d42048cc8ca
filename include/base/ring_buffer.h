#ifndef BASE_RING_BUFFER_H
#define BASE_RING_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A ring buffer of records of any size in memory of a fixed size. Records are pushed at one end and
 * released in any order; the memory is reclaimed in the order of pushing. Nothing is allocated, and
 * a record never moves. One thread uses a ring. */
struct ring_buffer {
    uint8_t *bytes;
    size_t room;
    uint64_t head; /* bytes ever pushed, with the unused bytes at the end of the memory */
    uint64_t tail; /* how many of them were reclaimed */
};

enum {
    RING_BUFFER_ALIGNMENT = 16,    /* of every record; enough for any C object (C11, 6.2.8) */
    RING_BUFFER_RECORD_EXTRA = 16, /* memory that a record takes beside its own bytes */
};

/* The caller owns the memory: room bytes, aligned to RING_BUFFER_ALIGNMENT, and a multiple of it.
 */
void ring_buffer_init(struct ring_buffer *ring, void *memory, size_t room);

/* Adds a record of size bytes, which are not initialized. Returns NULL if there is no room for it
 * now. An empty ring always has room for one of ring_buffer_record_max bytes. */
void *ring_buffer_push(struct ring_buffer *ring, size_t size);
size_t ring_buffer_record_max(const struct ring_buffer *ring);

/* Frees a record. Call it once for each record. */
void ring_buffer_release(struct ring_buffer *ring, void *record);

/* Returns the record after that one among those that are not freed, in the order of pushing; NULL:
 * the first one. Returns NULL after the last one. */
void *ring_buffer_next(const struct ring_buffer *ring, const void *record);

bool ring_buffer_is_empty(const struct ring_buffer *ring);

#endif
