/* How many places an index has. */
#include "registry/hash_index.h"

/* Two places in three are taken at most, so one is always empty, and a miss looks at 5 places on
 * average (Knuth, TAOCP 6.4, linear probing at load 2/3), most of them in one cache line of 16. */
static uint32_t places_for(uint32_t capacity)
{
    return capacity + capacity / 2 + 1;
}

size_t hash_index_bytes(uint32_t capacity)
{
    return sizeof(uint32_t) * places_for(capacity);
}

void hash_index_init(struct hash_index *index, void *memory, uint32_t capacity, uint32_t slots)
{
    int slot_bits = 32 - __builtin_clz(slots); /* slot + 1, up to slots itself, has to fit */
    *index = (struct hash_index){
        .values = memory,
        .places = places_for(capacity),
        .slot_bits = slot_bits,
        .slot_mask = (UINT32_C(1) << slot_bits) - 1,
    };
}
