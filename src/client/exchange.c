/* Which requests wait, how many may, and for how long. */
#include "client/exchange.h"

void exchange_init(struct exchange *exchange, uint64_t timeout_ms)
{
    *exchange = (struct exchange){.timeout_ms = timeout_ms};
}

bool exchange_has_room(const struct exchange *exchange, size_t size)
{
    return exchange->count == 0 || (exchange->count < EXCHANGE_WINDOW &&
                                    exchange->waiting_bytes + size <= EXCHANGE_WINDOW_BYTES);
}

void exchange_sent(struct exchange *exchange, size_t size, bool keepalive, uint64_t now_ms)
{
    exchange->sent += !keepalive;
    if (exchange->timeout_ms == 0)
        return;
    uint32_t newest = (exchange->oldest + exchange->count++) % EXCHANGE_WINDOW;
    exchange->waiting[newest] = (struct exchange_request){now_ms, size, keepalive};
    exchange->waiting_bytes += size;
}

/* Takes the oldest out. Returns whether it was a request of the user's. */
static bool take_oldest(struct exchange *exchange)
{
    const struct exchange_request *request = &exchange->waiting[exchange->oldest];
    exchange->oldest = (exchange->oldest + 1) % EXCHANGE_WINDOW;
    exchange->count--;
    exchange->waiting_bytes -= request->size;
    return !request->keepalive;
}

void exchange_reply(struct exchange *exchange, uint64_t now_ms)
{
    exchange->last_reply_ms = now_ms;
    if (exchange->count)
        exchange->answered += take_oldest(exchange);
    else if (exchange->answered < exchange->sent)
        exchange->answered++;
}

void exchange_refused(struct exchange *exchange)
{
    while (exchange->count)
        take_oldest(exchange);
}

uint64_t exchange_deadline_ms(const struct exchange *exchange)
{
    if (exchange->count == 0)
        return UINT64_MAX;
    uint64_t sent_ms = exchange->waiting[exchange->oldest].sent_ms;
    uint64_t from_ms = sent_ms > exchange->last_reply_ms ? sent_ms : exchange->last_reply_ms;
    return from_ms + exchange->timeout_ms;
}

uint32_t exchange_expire(struct exchange *exchange, uint64_t now_ms)
{
    uint32_t expired = 0;
    for (; exchange->count && exchange_deadline_ms(exchange) <= now_ms; expired++)
        take_oldest(exchange);
    return expired;
}

bool exchange_complete(const struct exchange *exchange)
{
    return exchange->timeout_ms == 0 || exchange->answered >= exchange->sent;
}
