#ifndef SERVER_METRICS_STATUS_JSON_H
#define SERVER_METRICS_STATUS_JSON_H

#include "server/metrics/metrics_query.h"
#include "text/text_buffer.h"

/* The state of the server as one JSON object, with the names of `udpctl --json`. */

#define STATUS_JSON_TYPE "application/json"

/* Adds the object and a newline. Its members:
 *
 * - health ("serving"), started_ms (since 1970 UTC), uptime_ms
 * - status, stats: as `udpctl --json status` and `stats`
 * - jobs: a list of what `udpctl --json jobs` prints in lines
 * - streams, streams_max, names, names_max, subscribers: numbers
 * - listeners: a list of {address, state ("open", "missing")}
 * - workers: a list of {worker, clients, received, kernel_drops, cpu_ms} */
void status_json_add(struct text_buffer *text, const struct metrics_snapshot *snapshot);

#endif
