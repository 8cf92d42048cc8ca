#ifndef LOAD_SEND_REPLY_COUNTS_H
#define LOAD_SEND_REPLY_COUNTS_H

#include "load/report/load_result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts how often a thread received each reply: the expected replies, or else the first
 * REPLY_COUNTS_MAX different ones. All others share one counter. */
struct reply_counts;

enum {
    REPLY_COUNTS_MAX = 64,
    REPLY_COUNTS_OTHER = -1,
};

/* A reply of --expect. */
struct reply_counts_text {
    const char *bytes;
    size_t size;
};

/* Creates counters for count expected replies (0: none are given). The texts stay the caller's and
 * must outlive the counters. Returns NULL when memory is short. */
struct reply_counts *reply_counts_new(const struct reply_counts_text *expected, size_t count);
void reply_counts_free(struct reply_counts *replies);

/* Returns the number of a reply, or REPLY_COUNTS_OTHER if it is not known. With expected replies,
 * only those are known. Sets *hash to a hash of the bytes, which reply_counts_count needs and which
 * identifies duplicates. It is fastest if replies arrive in the order in which they were added. */
int reply_counts_find(struct reply_counts *replies, const void *bytes, size_t size, uint64_t *hash);

/* Counts a reply for which reply_counts_find returned that number, and adds it to the known ones if
 * there is space. */
void reply_counts_count(struct reply_counts *replies, int number, const void *bytes, size_t size,
                        uint64_t hash);

/* Adds the counts of from. */
void reply_counts_merge(struct reply_counts *into, const struct reply_counts *from);

/* Writes the counts to result, in the order of the expected replies, or by count if there are none.
 * Returns 0 or -ENOMEM. */
int reply_counts_report(const struct reply_counts *replies, struct load_result *result);

/* Returns the difference of the counts of the most and the least frequent expected reply. */
uint64_t reply_counts_spread(const struct reply_counts *replies);

#endif
