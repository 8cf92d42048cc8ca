#include "load/send/reply_counts.h"

#include "base/siphash.h"
#include "text/printable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 256, /* of a hash table, four for each reply: a lookup seldom takes two steps */
};

/* The name under which all other replies are counted. */
static const char OTHERS[] = "(other)";

struct reply {
    uint64_t hash, count;
    const char *bytes;
    size_t size;
    char *own; /* bytes, if this module allocated them */
};

struct reply_counts {
    bool closed; /* adds no replies to the known ones */
    int count;
    int next; /* the probable number of the next reply */
    uint64_t others;
    struct reply known[REPLY_COUNTS_MAX];
    uint8_t slots[SLOTS]; /* number + 1; 0: empty */
};

static uint64_t hash_of(const void *bytes, size_t size)
{
    /* The key is no secret: a service gains nothing by collisions here. */
    static const struct siphash_key key = {0x7564706c6f616400, 1};
    return siphash13(&key, bytes, size);
}

static bool is_same(const struct reply *reply, const void *bytes, size_t size)
{
    return reply->size == size && memcmp(reply->bytes, bytes, size) == 0;
}

static bool is_reply(const struct reply *reply, const void *bytes, size_t size, uint64_t hash)
{
    return reply->hash == hash && is_same(reply, bytes, size);
}

/* Returns the slot of a reply, or the empty one where it would be. */
static uint32_t find_slot(const struct reply_counts *replies, const void *bytes, size_t size,
                          uint64_t hash)
{
    uint32_t slot = (uint32_t)hash % SLOTS;
    while (replies->slots[slot] &&
           !is_reply(&replies->known[replies->slots[slot] - 1], bytes, size, hash))
        slot = (slot + 1) % SLOTS;
    return slot;
}

static struct reply *add(struct reply_counts *replies, const char *bytes, size_t size,
                         uint64_t hash)
{
    struct reply *reply = &replies->known[replies->count];
    replies->slots[find_slot(replies, bytes, size, hash)] = (uint8_t)++replies->count;
    *reply = (struct reply){.hash = hash, .bytes = bytes, .size = size};
    return reply;
}

struct reply_counts *reply_counts_new(const struct reply_counts_text *expected, size_t count)
{
    struct reply_counts *replies = calloc(1, sizeof *replies);
    for (size_t i = 0; replies && i < count; i++)
        add(replies, expected[i].bytes, expected[i].size,
            hash_of(expected[i].bytes, expected[i].size));
    if (replies)
        replies->closed = count > 0;
    return replies;
}

void reply_counts_free(struct reply_counts *replies)
{
    if (!replies)
        return;
    for (int i = 0; i < replies->count; i++)
        free(replies->known[i].own);
    free(replies);
}

/* Finds a reply by its hash. Not inlined, because it is seldom needed. */
__attribute__((noinline)) static int search(const struct reply_counts *replies, const void *bytes,
                                            size_t size, uint64_t *hash)
{
    *hash = hash_of(bytes, size);
    return replies->slots[find_slot(replies, bytes, size, *hash)] - 1;
}

/* For a service that rotates its replies, or always sends the same one, only the first rotation
 * computes hashes: after that, each reply is predicted from the one before it. */
int reply_counts_find(struct reply_counts *replies, const void *bytes, size_t size, uint64_t *hash)
{
    int number = replies->next;
    if (number < replies->count && is_same(&replies->known[number], bytes, size))
        *hash = replies->known[number].hash;
    else
        number = search(replies, bytes, size, hash);
    if (number != REPLY_COUNTS_OTHER)
        replies->next = number + 1 < replies->count ? number + 1 : 0;
    return number;
}

static struct reply *add_copy(struct reply_counts *replies, const void *bytes, size_t size,
                              uint64_t hash)
{
    if (replies->closed || replies->count == REPLY_COUNTS_MAX)
        return NULL;
    char *own = malloc(size + 1);
    if (!own)
        return NULL;
    memcpy(own, bytes, size);
    struct reply *reply = add(replies, own, size, hash);
    reply->own = own;
    return reply;
}

static void count_many(struct reply_counts *replies, int number, const struct reply *like,
                       uint64_t count)
{
    struct reply *reply = number != REPLY_COUNTS_OTHER
                              ? &replies->known[number]
                              : add_copy(replies, like->bytes, like->size, like->hash);
    if (reply)
        reply->count += count;
    else
        replies->others += count;
}

void reply_counts_count(struct reply_counts *replies, int number, const void *bytes, size_t size,
                        uint64_t hash)
{
    if (number != REPLY_COUNTS_OTHER)
        replies->known[number].count++;
    else
        count_many(replies, number, &(struct reply){.bytes = bytes, .size = size, .hash = hash}, 1);
}

void reply_counts_merge(struct reply_counts *into, const struct reply_counts *from)
{
    for (int i = 0; i < from->count; i++) {
        const struct reply *reply = &from->known[i];
        uint32_t slot = find_slot(into, reply->bytes, reply->size, reply->hash);
        count_many(into, into->slots[slot] - 1, reply, reply->count);
    }
    into->others += from->others;
}

static int by_count(const void *a, const void *b)
{
    uint64_t left = ((const struct load_reply *)a)->count;
    uint64_t right = ((const struct load_reply *)b)->count;
    return (left < right) - (left > right);
}

/* Returns the whole reply, escaped, so that no two replies share a name. A reply that equals OTHERS
 * is escaped further. */
static char *name_of(const struct reply *reply)
{
    size_t bytes = 4 * reply->size + 1;
    bool others =
        reply->size == sizeof OTHERS - 1 && memcmp(reply->bytes, OTHERS, reply->size) == 0;
    char *name = malloc(bytes);
    if (others && name)
        return strcpy(name, "\\x28other)");
    if (name)
        printable_ascii(name, bytes, reply->bytes, reply->size);
    return name;
}

/* Adds a line to the result, which owns the message from now on. */
static bool add_line(struct load_result *result, char *message, uint64_t count)
{
    struct load_reply *line = &result->replies[result->reply_count];
    line->message = message;
    line->count = count;
    result->reply_count += message != NULL;
    return message != NULL;
}

int reply_counts_report(const struct reply_counts *replies, struct load_result *result)
{
    bool ok;

    result->reply_count = 0;
    result->replies = calloc((size_t)replies->count + 1, sizeof *result->replies);
    ok = result->replies != NULL;
    for (int i = 0; ok && i < replies->count; i++)
        ok = add_line(result, name_of(&replies->known[i]), replies->known[i].count);
    if (ok && !replies->closed)
        qsort(result->replies, result->reply_count, sizeof *result->replies, by_count);
    if (ok && replies->others)
        ok = add_line(result, strdup(OTHERS), replies->others);
    return ok ? 0 : -ENOMEM;
}

uint64_t reply_counts_spread(const struct reply_counts *replies)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < replies->count; i++) {
        uint64_t count = replies->known[i].count;
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    return replies->count ? most - least : 0;
}
