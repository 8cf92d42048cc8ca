#ifndef CTL_BRIDGE_RETRY_DELAY_H
#define CTL_BRIDGE_RETRY_DELAY_H

#include "base/prng.h"

#include <stdint.h>

/* The delay before an attempt is repeated: its limit doubles from RETRY_DELAY_MIN_MS to
 * RETRY_DELAY_MAX_MS, and it is drawn between half of that limit and the limit, so that bridges
 * that have lost the same Redis do not return at the same moment. */

enum { RETRY_DELAY_MIN_MS = 100, RETRY_DELAY_MAX_MS = 20000 };

struct retry_delay {
    struct prng prng;
    uint32_t next_ms; /* the limit of the next delay */
};

void retry_delay_init(struct retry_delay *delay, uint64_t seed);

/* Returns the delay before the next attempt, in milliseconds. */
uint32_t retry_delay_take_ms(struct retry_delay *delay);

/* Begins with the shortest delay again, after a success. */
void retry_delay_reset(struct retry_delay *delay);

#endif
