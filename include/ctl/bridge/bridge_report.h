#ifndef CTL_BRIDGE_BRIDGE_REPORT_H
#define CTL_BRIDGE_BRIDGE_REPORT_H

#include "redis/stream_position.h"

#include <stdint.h>

/* What the bridge reports, a line each: on standard output where it begins, and at its end the
 * counts; on standard error each entry that is not published, and each gap. */

struct bridge_counts {
    uint64_t published;      /* entries whose broadcast has ended */
    uint64_t duplicates;     /* that the server had published before */
    uint64_t skipped;        /* that cannot be published, or whose broadcast was cancelled */
    uint64_t uncertain;      /* of which it is not known how many clients they have reached */
    uint64_t missing;        /* that were removed from the stream before they were read, at least */
    uint64_t epochs;         /* how often it was another stream */
    uint64_t appended, lost; /* of the stream of --publish */
};

void bridge_report_begin(const char *stream, const char *url, const struct entry_id *after);

/* An entry that is not published: why, and what to do. */
void bridge_report_entry(const char *stream, const struct entry_id *id, const char *why,
                         const char *next);

void bridge_report_gap(const char *stream, const struct stream_gap *gap, const char *next);

/* The server does not count a gap, for that reason. */
void bridge_report_uncounted(const char *stream, const char *reason);

/* The server has no state file. */
void bridge_report_volatile(const char *stream);

void bridge_report_end(const char *stream, const struct bridge_counts *counts);

#endif
