#include "server/broadcast/confirmation_rounds.h"

void confirmation_rounds_init(struct confirmation_rounds *rounds, uint32_t within_ms,
                              uint32_t random)
{
    const uint32_t span_ms = CONFIRMATION_INTERVAL_MAX_MS - CONFIRMATION_INTERVAL_MIN_MS + 1;
    *rounds = (struct confirmation_rounds){
        .within_ms = within_ms,
        .interval_ms = CONFIRMATION_INTERVAL_MIN_MS + random % span_ms,
    };
}

void confirmation_rounds_begin(struct confirmation_rounds *rounds)
{
    rounds->begun++;
}

/* Returns how long after the origin a round is due; the first one is number 1. */
static uint64_t due_after_ms(const struct confirmation_rounds *rounds, uint32_t number)
{
    return number == 1 ? 0 : (uint64_t)rounds->interval_ms << (number - 2);
}

void confirmation_rounds_end(struct confirmation_rounds *rounds, uint64_t now_ms)
{
    rounds->origin_ms = now_ms - due_after_ms(rounds, rounds->begun);
}

uint64_t confirmation_rounds_next_ms(const struct confirmation_rounds *rounds)
{
    if (rounds->begun >= CONFIRMATION_ROUNDS_MAX)
        return UINT64_MAX;
    uint64_t after_ms = due_after_ms(rounds, rounds->begun + 1);
    return after_ms < rounds->within_ms ? rounds->origin_ms + after_ms : UINT64_MAX;
}

bool confirmation_rounds_have_expired(const struct confirmation_rounds *rounds, uint64_t now_ms)
{
    return confirmation_rounds_next_ms(rounds) == UINT64_MAX &&
           now_ms - rounds->origin_ms >= rounds->within_ms;
}

uint8_t confirmation_rounds_leisure(uint64_t clients)
{
    if (clients <= CONFIRMATION_LEISURE_FREE_CLIENTS)
        return 0;
    uint64_t units = (clients - 1) / CONFIRMATIONS_PER_UNIT + 1;
    return units < CONFIRMATION_LEISURE_MAX ? (uint8_t)units : CONFIRMATION_LEISURE_MAX;
}
