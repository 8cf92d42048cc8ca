#ifndef LOAD_REPLIES_H
#define LOAD_REPLIES_H

#include "load/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often each reply came, of one thread: the expected ones, or else the first REPLIES_MAX that
 * came; the others are one. */
struct replies;

enum {
    REPLIES_MAX = 64,
    REPLIES_OTHER = -1,
};

/* A reply as the user named it, bytes and size. */
struct replies_text {
    const char *bytes;
    size_t size;
};

/* count (0: none) are expected; the texts are the caller's and outlive it. NULL when memory is
 * short. */
struct replies *replies_new(const struct replies_text *expected, size_t count);
void replies_free(struct replies *replies);

/* The number of a reply, REPLIES_OTHER if it is none of those known. Where some are expected, those
 * are known and no other ever is. Sets hash to a hash of the bytes, for what is below and for
 * telling a duplicate. Quickest where replies come in the order in which they are known. */
int replies_find(struct replies *replies, const void *bytes, size_t size, uint64_t *hash);

/* Counts one that replies_find gave that number, and learns it if it can. */
void replies_count(struct replies *replies, int number, const void *bytes, size_t size,
                   uint64_t hash);

/* Adds what from has counted. */
void replies_merge(struct replies *into, const struct replies *from);

/* Writes the counts to result, in the order of what was expected, else by count. 0 or -ENOMEM. */
int replies_report(const struct replies *replies, struct load_result *result);

/* How far apart the most and the least frequent of the expected are. */
uint64_t replies_spread(const struct replies *replies);

#endif
