#ifndef REGISTRY_HASH_INDEX_H
#define REGISTRY_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hash index: finds the slot of a client's entry by the hash of its key.
 *
 * It is a hash table with open addressing and linear probing (Knuth, TAOCP 6.4) over cells of 32
 * bits. A cell contains a slot and, in the bits that the slot leaves free, a tag: the low bits of
 * the hash (11 of them in an index for a million clients). A search compares tags first, so that
 * it reads hardly any entry but the right one. The index knows neither entries nor keys: the
 * caller compares the keys, and supplies the hash of the key in a slot.
 *
 * Measured alternatives. The two figures are ns of CPU time for the next datagram of a known
 * client, and for one of an unknown source when the registry is full, with a million clients
 * (docs/performance.md, "Layouts of the registry", which has the other columns):
 *   - cells with tags, as here: 67 and 67, at 39.9 bytes a client in all;
 *   - cells without tags: 127 and 149, since each cell that is passed costs a read of its entry;
 *   - cells of 8 bytes, with 32 bits of hash: 69 and 86, at 45.9 bytes a client. Removal is up to a
 *     tenth faster, since it needs no entry to close a gap. Memory decided.
 * Searching for a batch of 64 keys in steps, each of which prefetches what the next one reads,
 * matters most: one key at a time takes 577 and 211 ns. This is why the functions are inline and
 * why the start of a search is separate from the search. */
struct hash_index {
    uint32_t *cells; /* 0: empty; otherwise tag << slot_bits | slot + 1 */
    uint32_t cell_count;
    int slot_bits;
    uint32_t slot_mask; /* the low slot_bits bits */
};

/* The size of the memory for capacity entries. The caller provides it, filled with zero bytes and
 * aligned to 4, and frees it after the last use of the index. */
size_t hash_index_bytes(uint32_t capacity);

/* An index for at most capacity entries (at least 1), whose slots are below slots (at most 2^31).
 */
void hash_index_init(struct hash_index *index, void *memory, uint32_t capacity, uint32_t slots);

/* The cell where the search for a hash starts: the top half of the hash, scaled to the number of
 * cells. (The tag is made of its low bits.) */
static inline uint32_t hash_index_start(const struct hash_index *index, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * index->cell_count >> 32);
}

static inline uint32_t hash_index_tag(const struct hash_index *index, uint64_t hash)
{
    return (uint32_t)hash << index->slot_bits;
}

/* Whether a cell that contains value has the tag. */
static inline bool hash_index_has_tag(const struct hash_index *index, uint32_t value, uint32_t tag)
{
    return (value ^ tag) >> index->slot_bits == 0;
}

/* The slot in a cell that is not empty. */
static inline uint32_t hash_index_slot(const struct hash_index *index, uint32_t cell)
{
    return (index->cells[cell] & index->slot_mask) - 1;
}

/* The next cell. The cells form a ring. */
static inline uint32_t hash_index_next(const struct hash_index *index, uint32_t cell)
{
    return cell + 1 == index->cell_count ? 0 : cell + 1;
}

/* The number of steps from one cell to another along the ring. */
static inline uint32_t hash_index_distance(const struct hash_index *index, uint32_t from,
                                           uint32_t to)
{
    return to >= from ? to - from : to + index->cell_count - from;
}

/* The first cell, from the given one on, that is empty or has the hash's tag. */
static inline uint32_t hash_index_find_tag(const struct hash_index *index, uint32_t cell,
                                           uint64_t hash)
{
    uint32_t tag = hash_index_tag(index, hash), value;
    while ((value = index->cells[cell]) != 0 && !hash_index_has_tag(index, value, tag))
        cell = hash_index_next(index, cell);
    return cell;
}

/* Adds a slot in the empty cell at which the search for its hash ended. */
static inline void hash_index_add(struct hash_index *index, uint32_t cell, uint64_t hash,
                                  uint32_t slot)
{
    index->cells[cell] = hash_index_tag(index, hash) | (slot + 1);
}

/* Empties a cell, and closes the gap: later cells of the same run, whose search would now end at
 * the gap, move into it. hash_of returns the hash of the key in a slot. The function is inline, so
 * that hash_of is too. */
static inline void hash_index_remove(struct hash_index *index, uint32_t gap,
                                     uint64_t (*hash_of)(const void *state, uint32_t slot),
                                     const void *state)
{
    for (uint32_t cell = hash_index_next(index, gap); index->cells[cell] != 0;
         cell = hash_index_next(index, cell)) {
        uint32_t start = hash_index_start(index, hash_of(state, hash_index_slot(index, cell)));
        if (hash_index_distance(index, start, cell) >= hash_index_distance(index, gap, cell)) {
            index->cells[gap] = index->cells[cell];
            gap = cell;
        }
    }
    index->cells[gap] = 0;
}

#endif
