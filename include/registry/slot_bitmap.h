#ifndef REGISTRY_SLOT_BITMAP_H
#define REGISTRY_SLOT_BITMAP_H

#include <stddef.h>
#include <stdint.h>

/* A set of slot numbers below a limit, as a bitmap with summary levels: each bit of a level is set
 * if a word of 64 bits of the level below is not zero. So the time to step from one member to the
 * next does not grow with their distance. */
struct slot_bitmap {
    uint64_t *levels[5]; /* 64^5 > SLOT_BITMAP_LIMIT_MAX */
    int depth;
};

enum {
    SLOT_BITMAP_LIMIT_MAX = 1 << 29,
};
#define SLOT_BITMAP_END UINT32_MAX

/* The size of the memory for slots 0 to limit - 1 (limit: 1 to SLOT_BITMAP_LIMIT_MAX). The caller
 * provides it, filled with zero bytes and aligned to 8, and frees it after the last use. */
size_t slot_bitmap_bytes(uint32_t limit);

/* Initializes an empty set in that memory. */
void slot_bitmap_init(struct slot_bitmap *set, void *memory, uint32_t limit);

void slot_bitmap_add(struct slot_bitmap *set, uint32_t slot);
void slot_bitmap_remove(struct slot_bitmap *set, uint32_t slot);

/* Byte n of the bitmap: the members among the slots 8 * n to 8 * n + 7, the lowest slot in the
 * lowest bit. */
uint32_t slot_bitmap_byte(const struct slot_bitmap *set, uint32_t n);

/* The least member that is from or greater, or SLOT_BITMAP_END. from may equal the limit. */
uint32_t slot_bitmap_next(const struct slot_bitmap *set, uint32_t from);

#endif
