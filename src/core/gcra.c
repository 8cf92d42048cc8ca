/* A token bucket as one instant: virtual scheduling. */
#include "core/gcra.h"

static const uint64_t SECOND = 1000000000; /* in nanoseconds */

void gcra_init(struct gcra *gcra, uint32_t rate, uint32_t burst)
{
    uint64_t interval_ns = rate == 0 ? 0 : rate < SECOND ? SECOND / rate : 1;
    *gcra = (struct gcra){.interval_ns = interval_ns, .slack_ns = (burst - 1) * interval_ns};
}

bool gcra_take(const struct gcra *gcra, uint64_t *due_ns, uint64_t now_ns)
{
    if (gcra->interval_ns == 0)
        return true;
    /* Further ahead than any word of ours would leave it: older limits were slower. */
    uint64_t most_ns = now_ns + gcra->slack_ns + gcra->interval_ns;
    if (*due_ns > most_ns)
        *due_ns = most_ns;
    uint64_t due = *due_ns > now_ns ? *due_ns : now_ns;
    if (due - now_ns > gcra->slack_ns)
        return false;
    *due_ns = due + gcra->interval_ns;
    return true;
}
