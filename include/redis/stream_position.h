#ifndef REDIS_STREAM_POSITION_H
#define REDIS_STREAM_POSITION_H

#include "address/publish_key.h"

#include <stdbool.h>
#include <stdint.h>

/* The position in a stream up to which it was read, and the arithmetic that finds the entries that
 * were removed before they were read.
 *
 * Ids do not prove a loss: an id says nothing about the one before it, and Redis 7.0 leaves
 * max-deleted-entry-id at 0-0 after XTRIM. What does is `entries-added` of XINFO STREAM, which
 * counts every entry that was ever added: entries-added minus length were removed again. At most
 * those that were read are among them; if more were removed than were read, at least the difference
 * was lost. So a gap that is reported is one. What XDEL removes from the middle before it is read
 * is not seen, as long as no more are removed than were read. */

/* What XINFO STREAM reports. All zero: there is no such key, which is an empty stream. */
struct stream_info {
    uint64_t length, entries_added;
    struct entry_id last_generated;
    struct entry_id first; /* of the entries that it still has, if length is not 0 */
};

struct stream_position {
    struct entry_id id; /* of the last entry that was read; 0-0: none */
    uint64_t entries;   /* how many of entries-added were read, or are reported as missing */
};

enum stream_gap_kind {
    STREAM_GAP_NONE,
    STREAM_GAP_MISSING, /* entries were removed before they were read */
    STREAM_GAP_EPOCH,   /* it is not the stream that was read: entries-added or the last id fell */
};

struct stream_gap {
    enum stream_gap_kind kind;
    uint64_t missing;      /* of STREAM_GAP_MISSING: at least so many entries */
    uint64_t entries;      /* how many of entries-added were read, or are missing, after the gap */
    struct entry_id after; /* the bounds, which are not missing themselves */
    struct entry_id before;
    bool has_before; /* false: all that the stream had are missing */
};

/* Returns the position of a first start: after the entry from, or after the last one if from is
 * NULL. Entries that were removed by then are not missing. */
struct stream_position stream_position_begin(const struct stream_info *info,
                                             const struct entry_id *from);

/* Compares the position with a stream, and moves it past what is missing. After another epoch its
 * id is not after the last one of the stream, so that each entry that is added from then on is
 * read. info and the entries that are read next must be of one moment (MULTI). */
struct stream_gap stream_position_check(struct stream_position *position,
                                        const struct stream_info *info);

#endif
