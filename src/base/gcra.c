/* A token bucket as one instant: virtual scheduling. */
#include "base/gcra.h"

static const uint64_t SECOND = 1000000000; /* in nanoseconds */

void gcra_init(struct gcra *gcra, uint32_t rate, uint32_t burst)
{
    uint64_t interval_ns = rate == 0 ? 0 : rate < SECOND ? SECOND / rate : 1;
    *gcra = (struct gcra){.interval_ns = interval_ns, .slack_ns = (burst - 1) * interval_ns};
}
