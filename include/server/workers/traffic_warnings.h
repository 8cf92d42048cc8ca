#ifndef SERVER_WORKERS_TRAFFIC_WARNINGS_H
#define SERVER_WORKERS_TRAFFIC_WARNINGS_H

#include "base/stats.h"

#include <stdint.h>

/* Rate-limited warnings about the traffic: logs a line when a counter has risen that an operator
 * should know about, such as "the registry is full" or "the kernel refused replies". Each kind is
 * logged at most once per LOG_REPEAT_MS. */
struct traffic_warnings {
    struct stats before; /* the counters at the last check */
    int reply_errno; /* of the last reply that the kernel refused; set by the module that counts it
                      */
    int copy_errno;  /* of the last copy of a broadcast, likewise */
};

/* Logs what has risen since the last check. now_ms is the time of clock_now_ms. */
void traffic_warnings_check(struct traffic_warnings *warnings, const struct stats *stats,
                            uint64_t now_ms);

#endif
