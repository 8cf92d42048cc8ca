#ifndef REGISTRY_SLOTSET_H
#define REGISTRY_SLOTSET_H

#include <stddef.h>
#include <stdint.h>

/* A set of slot numbers below a stated limit: bits, and above each 64 words of them a word that
 * says which are not empty, so that going from one member to the next costs the same however far it
 * is. */
struct slotset {
    uint64_t *levels[5]; /* 64^5 > SLOTSET_LIMIT_MAX */
    int depth;
};

enum {
    SLOTSET_LIMIT_MAX = 1 << 29,
};
#define SLOTSET_END UINT32_MAX

/* The memory for slots 0 to limit - 1 (1 to SLOTSET_LIMIT_MAX). */
size_t slotset_bytes(uint32_t limit);

/* An empty set over that memory: zero bytes, aligned to 8, the caller's. */
void slotset_init(struct slotset *set, void *memory, uint32_t limit);

void slotset_insert(struct slotset *set, uint32_t slot);
void slotset_remove(struct slotset *set, uint32_t slot);

/* The members among the eight slots from 8 * n on, as bits, the lowest for the lowest. */
uint32_t slotset_eight(const struct slotset *set, uint32_t n);

/* The least member that isn't below from, or SLOTSET_END. from may be the limit. */
uint32_t slotset_next(const struct slotset *set, uint32_t from);

#endif
