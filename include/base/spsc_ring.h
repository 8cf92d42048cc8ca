#ifndef BASE_SPSC_RING_H
#define BASE_SPSC_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A ring buffer of records of any size that brings them from one thread to another: one producer,
 * one consumer, memory of a fixed size. Nothing is allocated or locked, and neither thread waits
 * for the other: a record for which there is no room is refused. base/ring_buffer is the ring for
 * one thread, whose records are released in any order. */
struct spsc_ring {
    uint8_t *bytes;
    size_t room;
    /* The two positions are on cache lines of their own, since each is written by one thread for
     * each record. 64 bytes is the line of x86-64 and most other processors. */
    _Alignas(64) _Atomic uint64_t head; /* bytes ever committed; written by the producer */
    uint64_t reserved;                  /* the head after the next commit; the producer's */
    uint64_t tail_seen;                 /* a tail that was read earlier; the producer's */
    _Alignas(64) _Atomic uint64_t tail; /* bytes ever released; written by the consumer */
};

enum {
    SPSC_RING_ALIGNMENT = 16,    /* of every record; enough for any C object (C11, 6.2.8) */
    SPSC_RING_RECORD_EXTRA = 16, /* memory that a record takes beside its own bytes */
};

/* The caller owns the memory: room bytes, a power of two, aligned to SPSC_RING_ALIGNMENT. Call it
 * before the second thread uses the ring. */
void spsc_ring_init(struct spsc_ring *ring, void *memory, size_t room);

/* The longest record that an empty ring always accepts: somewhat less than half of the room, since
 * a record is stored in one piece. */
size_t spsc_ring_record_max(const struct spsc_ring *ring);

/* For the producer. spsc_ring_reserve returns the memory of a new record of size bytes, not
 * initialized, or NULL if there is no room for it now. spsc_ring_commit then hands the record over;
 * a record that is not committed is replaced by the next one. */
void *spsc_ring_reserve(struct spsc_ring *ring, size_t size);
void spsc_ring_commit(struct spsc_ring *ring);

/* For the consumer. spsc_ring_front returns the oldest record, or NULL if there is none.
 * spsc_ring_release frees it; call it only after spsc_ring_front returned a record. */
const void *spsc_ring_front(struct spsc_ring *ring);
void spsc_ring_release(struct spsc_ring *ring);

/* What was committed so far, for both threads; and for the consumer, whether all of that is
 * released. It never stops to be so, so a consumer can wait for it while the producer goes on. */
uint64_t spsc_ring_mark(const struct spsc_ring *ring);
bool spsc_ring_has_passed(const struct spsc_ring *ring, uint64_t mark);

#endif
