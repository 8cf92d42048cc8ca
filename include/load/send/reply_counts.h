#ifndef LOAD_SEND_REPLY_COUNTS_H
#define LOAD_SEND_REPLY_COUNTS_H

#include "load/report/load_result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often each reply came, of one thread: the expected ones, or else the first REPLY_COUNTS_MAX
 * that came; the others are one. */
struct reply_counts;

enum {
    REPLY_COUNTS_MAX = 64,
    REPLY_COUNTS_OTHER = -1,
};

/* A reply as the user named it, bytes and size. */
struct reply_counts_text {
    const char *bytes;
    size_t size;
};

/* count (0: none) are expected; the texts are the caller's and outlive it. NULL when memory is
 * short. */
struct reply_counts *reply_counts_new(const struct reply_counts_text *expected, size_t count);
void reply_counts_free(struct reply_counts *replies);

/* The number of a reply, REPLY_COUNTS_OTHER if it is none of those known. Where some are expected,
 * those are known and no other ever is. Sets hash to a hash of the bytes, for what is below and for
 * telling a duplicate. Quickest where replies come in the order in which they are known. */
int reply_counts_find(struct reply_counts *replies, const void *bytes, size_t size, uint64_t *hash);

/* Counts one that reply_counts_find gave that number, and learns it if it can. */
void reply_counts_count(struct reply_counts *replies, int number, const void *bytes, size_t size,
                        uint64_t hash);

/* Adds what from has counted. */
void reply_counts_merge(struct reply_counts *into, const struct reply_counts *from);

/* Writes the counts to result, in the order of what was expected, else by count. 0 or -ENOMEM. */
int reply_counts_report(const struct reply_counts *replies, struct load_result *result);

/* How far apart the most and the least frequent of the expected are. */
uint64_t reply_counts_spread(const struct reply_counts *replies);

#endif
