#ifndef SERVER_COMPLAINTS_H
#define SERVER_COMPLAINTS_H

#include "base/stats.h"

#include <stdint.h>

/* What goes wrong datagram by datagram is counted where it happens and said here, in a line of the
 * log for each kind of it: at most once per LOG_REPEAT_MS, however much of it there is. */
struct complaints {
    struct stats before; /* the counters at the last look */
    int reply_errno; /* of the last reply that the kernel refused; to be kept by who counts it */
    int copy_errno;  /* of the last broadcast copy, likewise */
};

/* Says what has gone wrong since the last look. now_ms is clock_now_ms's. */
void complaints_look(struct complaints *complaints, const struct stats *stats, uint64_t now_ms);

#endif
