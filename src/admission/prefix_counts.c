/* Counts of clients by prefix, in words that change as a whole: who it is and how many. */
#include "admission/prefix_counts.h"

#include <stdatomic.h>
#include <string.h>

enum {
    WAYS = 8, /* words of a cache line */
    COUNT_BITS = 28,
    LINES_MIN = 8,
};

#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)

/* 0: free. Else a tag, and below it a count that isn't 0. */
struct line {
    _Alignas(64) _Atomic uint64_t ways[WAYS];
};

struct prefix_counts {
    struct siphash_key key;
    uint32_t mask; /* of the number of lines, a power of two */
    struct line lines[];
};

/* Where a prefix is looked for. */
struct place {
    uint64_t tag; /* in its place above the count */
    const struct line *lines[2];
};

/* Two places for a client: at 4 prefixes a line on average, the emptier of two lines is not found
 * full in practice (Azar et al., "Balanced Allocations", 1994: the fullest line has but log log n
 * more than the average). */
static uint32_t lines_for(uint32_t clients)
{
    uint32_t lines = LINES_MIN;
    while ((uint64_t)lines * WAYS < (uint64_t)clients * 2)
        lines *= 2;
    return lines;
}

size_t prefix_counts_bytes(uint32_t clients)
{
    return sizeof(struct prefix_counts) + (size_t)lines_for(clients) * sizeof(struct line);
}

struct prefix_counts *prefix_counts_init(void *memory, uint32_t clients,
                                         const struct siphash_key *key)
{
    struct prefix_counts *prefixes = memory;
    prefixes->key = *key;
    prefixes->mask = lines_for(clients) - 1;
    return prefixes;
}

/* The tag has the upper 36 bits of the hash, and the first line is chosen by the others. */
static struct place place_of(const struct prefix_counts *prefixes, const struct addr *source)
{
    uint8_t bytes[9] = {[8] = source->family};
    memcpy(bytes, source->ip, source->family == ADDR_IPV4 ? 3 : 8);
    uint64_t hash = siphash13(&prefixes->key, bytes, sizeof bytes);
    uint32_t first = (uint32_t)hash & prefixes->mask;
    /* The other one by a second hash of the first, since 28 bits are all that the tag leaves. */
    uint32_t second = (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 36) & prefixes->mask;
    return (struct place){
        .tag = hash >> COUNT_BITS << COUNT_BITS,
        .lines = {&prefixes->lines[first], &prefixes->lines[second]},
    };
}

static _Atomic uint64_t *way(const struct place *place, int i)
{
    return (_Atomic uint64_t *)&place->lines[i / WAYS]->ways[i % WAYS];
}

/* The places to look at: both lines, or the one that both are. */
static int ways_of(const struct place *place)
{
    return place->lines[0] == place->lines[1] ? WAYS : 2 * WAYS;
}

static bool is_of(uint64_t word, const struct place *place)
{
    return word != 0 && (word & ~COUNT_MASK) == place->tag;
}

uint32_t prefix_counts_count(const struct prefix_counts *prefixes, const struct addr *source)
{
    struct place place = place_of(prefixes, source);
    uint64_t count = 0;
    for (int i = 0; i < ways_of(&place); i++) {
        uint64_t word = atomic_load_explicit(way(&place, i), memory_order_relaxed);
        if (is_of(word, &place))
            count += word & COUNT_MASK;
    }
    return count < COUNT_MASK ? (uint32_t)count : (uint32_t)COUNT_MASK;
}

/* What both lines of a prefix hold at a moment. */
struct watch_data {
    uint64_t count;        /* of the prefix */
    _Atomic uint64_t *way; /* to be changed: its own, or a free one; NULL if there is neither */
    uint64_t word;         /* what that holds */
};

static struct watch_data look(const struct place *place)
{
    struct watch_data view = {.count = 0};
    _Atomic uint64_t *free[2] = {NULL, NULL};
    int frees[2] = {0, 0};
    for (int i = 0; i < ways_of(place); i++) {
        uint64_t word = atomic_load_explicit(way(place, i), memory_order_relaxed);
        if (is_of(word, place)) {
            view.count += word & COUNT_MASK;
            view.way = way(place, i);
            view.word = word;
        } else if (word == 0) {
            free[i / WAYS] = way(place, i);
            frees[i / WAYS]++;
        }
    }
    if (view.way == NULL)
        view.way = free[frees[1] > frees[0]];
    return view;
}

bool prefix_counts_add(struct prefix_counts *prefixes, const struct addr *source, uint32_t cap)
{
    struct place place = place_of(prefixes, source);
    for (;;) {
        struct watch_data view = look(&place);
        if (view.count >= (cap != 0 ? cap : COUNT_MASK))
            return false;
        if (view.way == NULL)
            return true; /* not counted, as the header says */
        uint64_t more = view.word != 0 ? view.word + 1 : place.tag | 1;
        if (atomic_compare_exchange_strong_explicit(view.way, &view.word, more,
                                                    memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

void prefix_counts_remove(struct prefix_counts *prefixes, const struct addr *source)
{
    struct place place = place_of(prefixes, source);
    for (int i = 0; i < ways_of(&place); i++) {
        uint64_t word = atomic_load_explicit(way(&place, i), memory_order_relaxed);
        while (is_of(word, &place)) {
            /* The last one frees the place. */
            uint64_t less = (word & COUNT_MASK) > 1 ? word - 1 : 0;
            if (atomic_compare_exchange_weak_explicit(way(&place, i), &word, less,
                                                      memory_order_relaxed, memory_order_relaxed))
                return;
        }
    }
}
