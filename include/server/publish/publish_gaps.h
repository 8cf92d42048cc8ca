#ifndef SERVER_PUBLISH_PUBLISH_GAPS_H
#define SERVER_PUBLISH_PUBLISH_GAPS_H

#include "address/publish_key.h"
#include "base/handover.h"
#include "state/state_streams.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts the gaps of publish streams: entries that the source of a stream removed before they could
 * be published, as a bridge reports them. Used by the main thread.
 *
 * A bridge finds a gap again whenever it connects, until an entry after the gap is published. Such
 * a report is known by the last entry before the gap, and adds at most what the gap has grown by.
 * So the counts are those of gaps, not of reports. The numbers of the ids cannot say how many
 * entries are between them, so the report has the number, and how many entries the stream had up to
 * there (entries-added), by which two reports of a gap are compared. */

struct publish_gap {
    struct device_name stream;
    bool is_other_stream;   /* not a gap in the stream that was read, but another stream under its
                               name: how many entries are missing is not known */
    struct entry_id after;  /* the last entry that was read; 0-0: none */
    struct entry_id before; /* the first entry that is left; 0-0: none */
    uint64_t missing;       /* entries, at least */
    uint64_t entries;       /* of entries-added of the stream, up to the end of the gap */
};

struct publish_gap_counts {
    uint64_t gaps;
    uint64_t missing; /* entries, at least; other streams add nothing */
};

/* All zero at the beginning. */
struct publish_gaps {
    struct publish_gap_counts total;
    /* Streams that had a gap. Those that have no place are only in the total, with each report. */
    size_t count;
    struct publish_stream_gaps {
        struct publish_gap last;
        struct publish_gap_counts counts;
    } list[STATE_STREAMS_MAX];
};

/* Counts and logs a gap. Returns false if it was known, and has not grown: then neither is done. */
bool publish_gaps_note(struct publish_gaps *gaps, const struct publish_gap *gap);

/* Returns the counts of a stream. */
struct publish_gap_counts publish_gaps_of(const struct publish_gaps *gaps,
                                          const struct device_name *stream);

/* Add the gaps to a record of a handover, and read them. publish_gaps_take_over returns 0, or
 * -EPROTO if the record does not fit. */
void publish_gaps_hand_over(const struct publish_gaps *gaps, struct handover_writer *writer);
int publish_gaps_take_over(struct publish_gaps *gaps, struct handover_reader *reader);

#endif
