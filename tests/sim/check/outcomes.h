#ifndef SIM_CHECK_OUTCOMES_H
#define SIM_CHECK_OUTCOMES_H

#include "base/stats.h"
#include "sim/check/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The oracle of the counters of drops: each datagram counts under the first reason to drop it. A
 * reason that is not certain, since a reload or a rate decides, raises only the upper bound. */

/* A datagram was received. */
void outcomes_received(const struct model_entry *entry, const uint8_t *bytes, size_t size,
                       bool truncated, bool to_multicast);
/* A message of a stream was received; it was too long. */
void outcomes_stream_message(const void *message, size_t size);
void outcomes_stream_message_too_long(void);

/* The server has ended. */
void outcomes_reset(void);

/* While all that was received is counted: compares the sums of all workers. */
void outcomes_check(const struct stats *sum);

#endif
