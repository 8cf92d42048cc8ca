/* Entries of clients, by slot. */
#include "registry/client_slab.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t client_slab_bytes(uint32_t capacity)
{
    return aligned((size_t)capacity * ENTRY4_BYTES) + aligned((size_t)capacity * ENTRY6_BYTES);
}

void client_slab_init(struct client_slab *slab, void *memory, uint32_t capacity)
{
    *slab = (struct client_slab){
        .entries4 = memory,
        .entries6 = (uint8_t *)memory + aligned((size_t)capacity * ENTRY4_BYTES),
        .capacity = capacity,
    };
}

uint32_t client_slab_take(struct client_slab *slab, bool ipv4)
{
    struct client_slab_rows *rows = ipv4 ? &slab->rows4 : &slab->rows6;
    if (rows->free == 0)
        return (ipv4 ? 0 : slab->capacity) + rows->used++;
    uint32_t slot = rows->free - 1;
    rows->free = (uint32_t)client_slab_entry(slab, slot)->key.head;
    return slot;
}

void client_slab_give(struct client_slab *slab, uint32_t slot)
{
    struct client_slab_rows *rows = slot < slab->capacity ? &slab->rows4 : &slab->rows6;
    client_slab_entry(slab, slot)->key.head = rows->free;
    rows->free = slot + 1;
}
