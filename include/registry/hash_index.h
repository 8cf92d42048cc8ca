#ifndef REGISTRY_HASH_INDEX_H
#define REGISTRY_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an entry stands, by the hash of its key: open addressing with linear probing (Knuth, TAOCP
 * 6.4) over places of 32 bits, each a slot and, in the bits that this leaves, a tag of the hash, by
 * which nearly all who aren't meant are passed over without a look at them. It knows nothing of
 * entries: whoever asks compares the keys, and says what an entry's hash is. */
struct hash_index {
    uint32_t *values; /* 0: an empty place; else tag << slot_bits | slot + 1 */
    uint32_t places;
    int slot_bits;
    uint32_t slot_mask; /* those bits */
};

/* The memory for the places of capacity entries: zero bytes, the caller's. */
size_t hash_index_bytes(uint32_t capacity);

/* For at most capacity entries (at least 1), whose slots are below slots (at most 2^31). */
void hash_index_init(struct hash_index *index, void *memory, uint32_t capacity, uint32_t slots);

/* A hash's home place is by its top half (as a fraction of all places), its tag is in its low bits.
 */
static inline uint32_t hash_index_home(const struct hash_index *index, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * index->places >> 32);
}

static inline uint32_t hash_index_tag(const struct hash_index *index, uint64_t hash)
{
    return (uint32_t)hash << index->slot_bits;
}

static inline bool hash_index_has_tag(const struct hash_index *index, uint32_t value, uint32_t tag)
{
    return (value ^ tag) >> index->slot_bits == 0;
}

/* The slot of a place that isn't empty. */
static inline uint32_t hash_index_slot(const struct hash_index *index, uint32_t place)
{
    return (index->values[place] & index->slot_mask) - 1;
}

/* The places are a ring. */
static inline uint32_t hash_index_next(const struct hash_index *index, uint32_t place)
{
    return place + 1 == index->places ? 0 : place + 1;
}

static inline uint32_t hash_index_distance(const struct hash_index *index, uint32_t from,
                                           uint32_t to)
{
    return to >= from ? to - from : to + index->places - from;
}

/* The first place from one on that is empty or has the hash's tag. */
static inline uint32_t hash_index_guess(const struct hash_index *index, uint32_t place,
                                        uint64_t hash)
{
    uint32_t tag = hash_index_tag(index, hash), value;
    while ((value = index->values[place]) != 0 && !hash_index_has_tag(index, value, tag))
        place = hash_index_next(index, place);
    return place;
}

/* Puts a slot where a search for its hash came to an empty place. */
static inline void hash_index_put(struct hash_index *index, uint32_t place, uint64_t hash,
                                  uint32_t slot)
{
    index->values[place] = hash_index_tag(index, hash) | (slot + 1);
}

/* Empties a place and closes the gap: what stands behind it and would be missed there moves up.
 * hash_of tells the hash of the key in a slot. Inline, so that it costs no call a neighbour. */
static inline void hash_index_remove(struct hash_index *index, uint32_t gap,
                                     uint64_t (*hash_of)(const void *state, uint32_t slot),
                                     const void *state)
{
    for (uint32_t place = hash_index_next(index, gap); index->values[place] != 0;
         place = hash_index_next(index, place)) {
        uint32_t reply_mailbox =
            hash_index_home(index, hash_of(state, hash_index_slot(index, place)));
        if (hash_index_distance(index, reply_mailbox, place) >=
            hash_index_distance(index, gap, place)) {
            index->values[gap] = index->values[place];
            gap = place;
        }
    }
    index->values[gap] = 0;
}

#endif
