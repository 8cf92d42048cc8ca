#ifndef SERVER_DATAGRAM_DATAGRAM_WARNINGS_H
#define SERVER_DATAGRAM_DATAGRAM_WARNINGS_H

#include "base/stats.h"

#include <stdint.h>

/* What goes wrong datagram by datagram is counted where it happens and said here, in a line of the
 * log for each kind of it: at most once per LOG_REPEAT_MS, however much of it there is. */
struct datagram_warnings {
    struct stats before; /* the counters at the last look */
    int reply_errno; /* of the last reply that the kernel refused; to be kept by who counts it */
    int copy_errno;  /* of the last broadcast copy, likewise */
};

/* Says what has gone wrong since the last look. now_ms is clock_now_ms's. */
void datagram_warnings_check(struct datagram_warnings *warnings, const struct stats *stats,
                             uint64_t now_ms);

#endif
