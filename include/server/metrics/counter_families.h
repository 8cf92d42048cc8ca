#ifndef SERVER_METRICS_COUNTER_FAMILIES_H
#define SERVER_METRICS_COUNTER_FAMILIES_H

#include "base/stats.h"
#include "text/text_buffer.h"

#include <stddef.h>

/* The metrics of the counters of base/stats, and their names. Names and labels are never changed or
 * reused, because monitoring depends on them. */

/* Adds all of them, each with its help and type. */
void counter_families_add(struct text_buffer *text, const struct stats *stats);

/* The name of the metric of counter i < STATS_COUNT (base/stats), with its label if it has one, as
 * in a sample: "udpsrv_copies_total{result=\"sent\"}". NULL: none has the counter. `received` is
 * the sum of the outcomes, and so has none of its own. */
enum { COUNTER_FAMILIES_NAME_BYTES = 96 };
const char *counter_families_name(size_t i, char name[COUNTER_FAMILIES_NAME_BYTES]);

#endif
