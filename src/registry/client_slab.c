#include "registry/client_slab.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t client_slab_bytes(uint32_t capacity)
{
    return aligned((size_t)capacity * CLIENT_ENTRY4_BYTES) +
           aligned((size_t)capacity * CLIENT_ENTRY6_BYTES);
}

void client_slab_init(struct client_slab *slab, void *memory, uint32_t capacity)
{
    *slab = (struct client_slab){
        .entries4 = memory,
        .entries6 = (uint8_t *)memory + aligned((size_t)capacity * CLIENT_ENTRY4_BYTES),
        .capacity = capacity,
    };
}

uint32_t client_slab_allocate(struct client_slab *slab, bool ipv4)
{
    struct client_slab_usage *usage = ipv4 ? &slab->usage4 : &slab->usage6;
    if (usage->free == 0)
        return (ipv4 ? 0 : slab->capacity) + usage->used++;
    uint32_t slot = usage->free - 1;
    usage->free = (uint32_t)client_slab_entry(slab, slot)->key.head;
    return slot;
}

void client_slab_release(struct client_slab *slab, uint32_t slot)
{
    struct client_slab_usage *usage = slot < slab->capacity ? &slab->usage4 : &slab->usage6;
    client_slab_entry(slab, slot)->key.head = usage->free;
    usage->free = slot + 1;
}
