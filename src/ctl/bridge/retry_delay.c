#include "ctl/bridge/retry_delay.h"

void retry_delay_init(struct retry_delay *delay, uint64_t seed)
{
    prng_init(&delay->prng, seed);
    retry_delay_reset(delay);
}

uint32_t retry_delay_take_ms(struct retry_delay *delay)
{
    uint32_t limit_ms = delay->next_ms, half_ms = limit_ms / 2;
    delay->next_ms = limit_ms < RETRY_DELAY_MAX_MS / 2 ? 2 * limit_ms : RETRY_DELAY_MAX_MS;
    return half_ms + (uint32_t)(prng_uniform(&delay->prng) * (limit_ms - half_ms + 1));
}

void retry_delay_reset(struct retry_delay *delay)
{
    delay->next_ms = RETRY_DELAY_MIN_MS;
}
