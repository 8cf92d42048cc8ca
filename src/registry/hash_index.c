#include "registry/hash_index.h"

/* At most two cells in three are in use, so at least one is empty. An unsuccessful search reads 5
 * cells on average (Knuth, TAOCP 6.4, linear probing at load 2/3), most of them in one cache line,
 * which has 16. */
static uint32_t cells_for(uint32_t capacity)
{
    return capacity + capacity / 2 + 1;
}

size_t hash_index_bytes(uint32_t capacity)
{
    return sizeof(uint32_t) * cells_for(capacity);
}

void hash_index_init(struct hash_index *index, void *memory, uint32_t capacity, uint32_t slots)
{
    int slot_bits = 32 - __builtin_clz(slots); /* enough for slot + 1, at most slots */
    *index = (struct hash_index){
        .cells = memory,
        .cell_count = cells_for(capacity),
        .slot_bits = slot_bits,
        .slot_mask = (UINT32_C(1) << slot_bits) - 1,
    };
}
