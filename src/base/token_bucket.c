#include "base/token_bucket.h"

static const uint64_t SECOND = 1000000000; /* in nanoseconds */

void token_bucket_init(struct token_bucket *limit, uint32_t rate, uint32_t burst)
{
    uint64_t interval_ns = rate == 0 ? 0 : rate < SECOND ? SECOND / rate : 1;
    *limit =
        (struct token_bucket){.interval_ns = interval_ns, .slack_ns = (burst - 1) * interval_ns};
}
