#ifndef REGISTRY_SLOT_BITMAP_H
#define REGISTRY_SLOT_BITMAP_H

#include <stddef.h>
#include <stdint.h>

/* A set of slot numbers below a stated limit: bits, and above each 64 words of them a word that
 * says which are not empty, so that going from one member to the next costs the same however far it
 * is. */
struct slot_bitmap {
    uint64_t *levels[5]; /* 64^5 > SLOT_BITMAP_LIMIT_MAX */
    int depth;
};

enum {
    SLOT_BITMAP_LIMIT_MAX = 1 << 29,
};
#define SLOT_BITMAP_END UINT32_MAX

/* The memory for slots 0 to limit - 1 (1 to SLOT_BITMAP_LIMIT_MAX). */
size_t slot_bitmap_bytes(uint32_t limit);

/* An empty set over that memory: zero bytes, aligned to 8, the caller's. */
void slot_bitmap_init(struct slot_bitmap *set, void *memory, uint32_t limit);

void slot_bitmap_insert(struct slot_bitmap *set, uint32_t slot);
void slot_bitmap_remove(struct slot_bitmap *set, uint32_t slot);

/* The members among the eight slots from 8 * n on, as bits, the lowest for the lowest. */
uint32_t slot_bitmap_eight(const struct slot_bitmap *set, uint32_t n);

/* The least member that isn't below from, or SLOT_BITMAP_END. from may be the limit. */
uint32_t slot_bitmap_next(const struct slot_bitmap *set, uint32_t from);

#endif
