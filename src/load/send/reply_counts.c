/* Which replies came, and how often. */
#include "load/send/reply_counts.h"

#include "base/siphash.h"
#include "text/printable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACES = 256, /* four for each reply: a look-up seldom takes two steps */
};

/* Where the replies that have no line of their own are counted. */
static const char OTHERS[] = "(other)";

struct reply {
    uint64_t hash, count;
    const char *bytes;
    size_t size;
    char *own; /* bytes, if they are ours to free */
};

struct reply_counts {
    bool closed; /* no other is ever learnt */
    int count;
    int next; /* a guess at the number of the one that comes next */
    uint64_t others;
    struct reply known[REPLY_COUNTS_MAX];
    uint8_t places[PLACES]; /* number + 1, 0 for an empty one */
};

static uint64_t hash_of(const void *bytes, size_t size)
{
    /* Nobody gains by a collision here, so the key is no secret. */
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

/* The place of a reply, or the empty one where it would be. */
static uint32_t find_place(const struct reply_counts *replies, const void *bytes, size_t size,
                           uint64_t hash)
{
    uint32_t place = (uint32_t)hash % PLACES;
    while (replies->places[place] &&
           !is_reply(&replies->known[replies->places[place] - 1], bytes, size, hash))
        place = (place + 1) % PLACES;
    return place;
}

static struct reply *add(struct reply_counts *replies, const char *bytes, size_t size,
                         uint64_t hash)
{
    struct reply *reply = &replies->known[replies->count];
    replies->places[find_place(replies, bytes, size, hash)] = (uint8_t)++replies->count;
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

/* By its hash; not inlined, for it is seldom asked. */
__attribute__((noinline)) static int search(const struct reply_counts *replies, const void *bytes,
                                            size_t size, uint64_t *hash)
{
    *hash = hash_of(bytes, size);
    return replies->places[find_place(replies, bytes, size, *hash)] - 1;
}

/* A service that rotates, or always says the same, needs no hash but for its first round: each
 * reply is guessed from the one before it. */
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

static struct reply *learn(struct reply_counts *replies, const void *bytes, size_t size,
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
                              : learn(replies, like->bytes, like->size, like->hash);
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
        uint32_t place = find_place(into, reply->bytes, reply->size, reply->hash);
        count_many(into, into->places[place] - 1, reply, reply->count);
    }
    into->others += from->others;
}

static int by_count(const void *a, const void *b)
{
    uint64_t left = ((const struct load_reply *)a)->count;
    uint64_t right = ((const struct load_reply *)b)->count;
    return (left < right) - (left > right);
}

/* Whole, so that no two replies have one name, which none shares with the others. */
static char *name_of(const struct reply *reply)
{
    size_t room = 4 * reply->size + 1;
    bool others =
        reply->size == sizeof OTHERS - 1 && memcmp(reply->bytes, OTHERS, reply->size) == 0;
    char *name = malloc(room);
    if (others && name)
        return strcpy(name, "\\x28other)");
    if (name)
        printable_ascii(name, room, reply->bytes, reply->size);
    return name;
}

/* Takes the message over. */
static bool report_one(struct load_result *result, char *message, uint64_t count)
{
    struct load_reply *line = &result->replies[result->reply_count];
    line->message = message;
    line->count = count;
    result->reply_count += message != NULL;
    return message != NULL;
}

int reply_counts_report(const struct reply_counts *replies, struct load_result *result)
{
    bool good;

    result->reply_count = 0;
    result->replies = calloc((size_t)replies->count + 1, sizeof *result->replies);
    good = result->replies != NULL;
    for (int i = 0; good && i < replies->count; i++)
        good = report_one(result, name_of(&replies->known[i]), replies->known[i].count);
    if (good && !replies->closed)
        qsort(result->replies, result->reply_count, sizeof *result->replies, by_count);
    if (good && replies->others)
        good = report_one(result, strdup(OTHERS), replies->others);
    return good ? 0 : -ENOMEM;
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
