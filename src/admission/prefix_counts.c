#include "admission/prefix_counts.h"

#include "base/handover.h"

#include <stdatomic.h>
#include <string.h>

enum {
    LAYOUT_VERSION = 1, /* to be increased with each change that the sizes do not show */
    WAYS = 8,           /* entries in a cache line */
    COUNT_BITS = 28,
    LINES_MIN = 8,
};

#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)

/* An entry is one word, so that it changes atomically: 0 if it is free, else a tag of 36 bits and
 * below it a count of 28 bits, which is not 0. */
struct line {
    _Alignas(64) _Atomic uint64_t ways[WAYS];
};

/* There is no pointer in the memory: another process maps it elsewhere. */
struct prefix_counts {
    struct siphash_key key;
    uint32_t mask; /* of the number of lines, a power of two */
    struct line lines[];
};

/* Where the entry of a prefix may be. */
struct candidates {
    uint64_t tag; /* shifted above the count */
    const struct line *lines[2];
};

/* Two entries for each client: with 4 prefixes in a line on average, the emptier of two lines is
 * never full in practice (Azar et al., "Balanced Allocations", 1994: the fullest line has only log
 * log n more than the average). */
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

uint64_t prefix_counts_layout(void)
{
    const uint64_t values[] = {LAYOUT_VERSION,      sizeof(struct prefix_counts),
                               sizeof(struct line), WAYS,
                               COUNT_BITS,          LINES_MIN};
    return handover_layout(values, sizeof values / sizeof values[0]);
}

struct prefix_counts *prefix_counts_map(void *memory)
{
    return memory;
}

/* The tag has the upper 36 bits of the hash, and the first line is chosen by the others. */
static struct candidates candidates_of(const struct prefix_counts *prefixes,
                                       const struct addr *source)
{
    uint8_t bytes[9] = {[8] = source->family};
    memcpy(bytes, source->ip, source->family == ADDR_IPV4 ? 3 : 8);
    uint64_t hash = siphash13(&prefixes->key, bytes, sizeof bytes);
    uint32_t first = (uint32_t)hash & prefixes->mask;
    /* The tag leaves 28 bits, too few for two lines: a hash of the hash chooses the second one. */
    uint32_t second = (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 36) & prefixes->mask;
    return (struct candidates){
        .tag = hash >> COUNT_BITS << COUNT_BITS,
        .lines = {&prefixes->lines[first], &prefixes->lines[second]},
    };
}

static _Atomic uint64_t *way(const struct candidates *candidates, int i)
{
    return (_Atomic uint64_t *)&candidates->lines[i / WAYS]->ways[i % WAYS];
}

/* The number of entries to search: of two lines, or of one if both are the same. */
static int way_count(const struct candidates *candidates)
{
    return candidates->lines[0] == candidates->lines[1] ? WAYS : 2 * WAYS;
}

static bool belongs_to(uint64_t word, const struct candidates *candidates)
{
    return word != 0 && (word & ~COUNT_MASK) == candidates->tag;
}

uint32_t prefix_counts_count(const struct prefix_counts *prefixes, const struct addr *source)
{
    struct candidates candidates = candidates_of(prefixes, source);
    uint64_t count = 0;
    for (int i = 0; i < way_count(&candidates); i++) {
        uint64_t word = atomic_load_explicit(way(&candidates, i), memory_order_relaxed);
        if (belongs_to(word, &candidates))
            count += word & COUNT_MASK;
    }
    return count < COUNT_MASK ? (uint32_t)count : (uint32_t)COUNT_MASK;
}

/* What both lines of a prefix contain at one moment. */
struct snapshot {
    uint64_t count; /* clients of the prefix */
    /* The entry to change: its own, or a free one; NULL if there is neither. */
    _Atomic uint64_t *way;
    uint64_t word; /* the content of that entry */
};

static struct snapshot read_lines(const struct candidates *candidates)
{
    struct snapshot now = {.count = 0};
    _Atomic uint64_t *free[2] = {NULL, NULL};
    int frees[2] = {0, 0};
    for (int i = 0; i < way_count(candidates); i++) {
        uint64_t word = atomic_load_explicit(way(candidates, i), memory_order_relaxed);
        if (belongs_to(word, candidates)) {
            now.count += word & COUNT_MASK;
            now.way = way(candidates, i);
            now.word = word;
        } else if (word == 0) {
            free[i / WAYS] = way(candidates, i);
            frees[i / WAYS]++;
        }
    }
    if (now.way == NULL)
        now.way = free[frees[1] > frees[0]];
    return now;
}

bool prefix_counts_add(struct prefix_counts *prefixes, const struct addr *source, uint32_t cap)
{
    struct candidates candidates = candidates_of(prefixes, source);
    for (;;) {
        struct snapshot now = read_lines(&candidates);
        if (now.count >= (cap != 0 ? cap : COUNT_MASK))
            return false;
        if (now.way == NULL)
            return true; /* both lines are full of others: it is not counted */
        uint64_t more = now.word != 0 ? now.word + 1 : candidates.tag | 1;
        if (atomic_compare_exchange_strong_explicit(now.way, &now.word, more, memory_order_relaxed,
                                                    memory_order_relaxed))
            return true;
    }
}

void prefix_counts_remove(struct prefix_counts *prefixes, const struct addr *source)
{
    struct candidates candidates = candidates_of(prefixes, source);
    for (int i = 0; i < way_count(&candidates); i++) {
        uint64_t word = atomic_load_explicit(way(&candidates, i), memory_order_relaxed);
        while (belongs_to(word, &candidates)) {
            /* The last client frees the entry. */
            uint64_t less = (word & COUNT_MASK) > 1 ? word - 1 : 0;
            if (atomic_compare_exchange_weak_explicit(way(&candidates, i), &word, less,
                                                      memory_order_relaxed, memory_order_relaxed))
                return;
        }
    }
}
