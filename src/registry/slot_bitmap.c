#include "registry/slot_bitmap.h"

/* Level 0 has a bit for each slot; a bit of level k + 1 is set if a word of level k is not zero. */

/* One word more than the slots need, so that slot_bitmap_next may start at the limit itself. */
static size_t level_words(uint32_t limit)
{
    return limit / 64 + 1;
}

size_t slot_bitmap_bytes(uint32_t limit)
{
    size_t words = 0;
    for (;;) {
        size_t here = level_words(limit);
        words += here;
        if (here == 1)
            return words * sizeof(uint64_t);
        limit = (uint32_t)here;
    }
}

void slot_bitmap_init(struct slot_bitmap *set, void *memory, uint32_t limit)
{
    uint64_t *words = memory;
    *set = (struct slot_bitmap){.depth = 0};
    for (;;) {
        size_t here = level_words(limit);
        set->levels[set->depth++] = words;
        if (here == 1)
            return;
        words += here;
        limit = (uint32_t)here;
    }
}

void slot_bitmap_add(struct slot_bitmap *set, uint32_t slot)
{
    for (int level = 0; level < set->depth; level++, slot /= 64) {
        uint64_t *word = &set->levels[level][slot / 64];
        uint64_t before = *word;
        *word |= UINT64_C(1) << slot % 64;
        if (before != 0)
            return;
    }
}

void slot_bitmap_remove(struct slot_bitmap *set, uint32_t slot)
{
    for (int level = 0; level < set->depth; level++, slot /= 64) {
        uint64_t *word = &set->levels[level][slot / 64];
        *word &= ~(UINT64_C(1) << slot % 64);
        if (*word != 0)
            return;
    }
}

uint32_t slot_bitmap_byte(const struct slot_bitmap *set, uint32_t n)
{
    return (uint8_t)(set->levels[0][n / 8] >> n % 8 * 8);
}

uint32_t slot_bitmap_next(const struct slot_bitmap *set, uint32_t from)
{
    int level = 0;
    for (;;) {
        uint64_t rest = set->levels[level][from / 64] >> from % 64;
        if (rest != 0) {
            from += (uint32_t)__builtin_ctzll(rest);
            break;
        }
        if (++level == set->depth)
            return SLOT_BITMAP_END;
        from = from / 64 + 1;
    }
    while (level-- > 0)
        from = from * 64 + (uint32_t)__builtin_ctzll(set->levels[level][from]);
    return from;
}
