/* Entries of clients, by slot. */
#include "registry/slab.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t slab_bytes(uint32_t capacity)
{
    return aligned((size_t)capacity * ENTRY4_BYTES) + aligned((size_t)capacity * ENTRY6_BYTES);
}

void slab_init(struct slab *slab, void *memory, uint32_t capacity)
{
    *slab = (struct slab){
        .entries4 = memory,
        .entries6 = (uint8_t *)memory + aligned((size_t)capacity * ENTRY4_BYTES),
        .capacity = capacity,
    };
}

uint32_t slab_take(struct slab *slab, bool ipv4)
{
    struct slab_rows *rows = ipv4 ? &slab->rows4 : &slab->rows6;
    if (rows->free == 0)
        return (ipv4 ? 0 : slab->capacity) + rows->used++;
    uint32_t slot = rows->free - 1;
    rows->free = (uint32_t)slab_entry(slab, slot)->key.head;
    return slot;
}

void slab_give(struct slab *slab, uint32_t slot)
{
    struct slab_rows *rows = slot < slab->capacity ? &slab->rows4 : &slab->rows6;
    slab_entry(slab, slot)->key.head = rows->free;
    rows->free = slot + 1;
}
