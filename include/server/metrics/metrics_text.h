#ifndef SERVER_METRICS_METRICS_TEXT_H
#define SERVER_METRICS_METRICS_TEXT_H

#include "os/process/process_usage.h"
#include "server/metrics/metrics_query.h"
#include "text/text_buffer.h"

/* The metrics in the text format 0.0.4 of Prometheus. */

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Adds all metrics. Each counter of base/stats is one of them. */
void metrics_text_add(struct text_buffer *text, const struct metrics_snapshot *snapshot,
                      const struct process_usage *usage);

#endif
