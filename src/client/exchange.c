/* Which requests wait, how many may, and for how long; and what a datagram that comes is. */
#include "client/exchange.h"

#include <string.h>

void exchange_init(struct exchange *exchange, uint64_t timeout_ns)
{
    *exchange = (struct exchange){.timeout_ns = timeout_ns};
}

bool exchange_has_room(const struct exchange *exchange, size_t size)
{
    return exchange->count == 0 || (exchange->count < EXCHANGE_WINDOW &&
                                    exchange->waiting_bytes + size <= EXCHANGE_WINDOW_BYTES);
}

/* Where the next size bytes are kept: behind the newest, or at the beginning where the end is too
 * near. What waits before them has left that much room (see kept). */
static size_t place(const struct exchange *exchange, size_t size)
{
    if (exchange->count == 0)
        return 0;
    uint32_t newest = (exchange->oldest + exchange->count - 1) % EXCHANGE_WINDOW;
    size_t at = exchange->waiting[newest].at + exchange->waiting[newest].size;
    return at + size <= sizeof exchange->kept ? at : 0;
}

void exchange_sent(struct exchange *exchange, const void *bytes, size_t size, bool keepalive,
                   uint64_t now_ns)
{
    exchange->sent += !keepalive;
    exchange->keepalives += keepalive;
    if (exchange->timeout_ns == 0)
        return;
    size_t at = place(exchange, size);
    if (size > 0)
        memcpy(exchange->kept + at, bytes, size);
    uint32_t next = (exchange->oldest + exchange->count++) % EXCHANGE_WINDOW;
    exchange->waiting[next] = (struct exchange_request){
        .sent_ns = now_ns, .size = size, .at = at, .keepalive = keepalive};
    exchange->waiting_bytes += size;
}

bool exchange_challenged(struct exchange *exchange, uint64_t now_ns, const uint8_t **bytes,
                         size_t *size)
{
    struct exchange_request *chosen = NULL;
    for (uint32_t i = 0; i < exchange->count; i++) {
        struct exchange_request *request =
            &exchange->waiting[(exchange->oldest + i) % EXCHANGE_WINDOW];
        if (chosen == NULL || request->proofs < chosen->proofs)
            chosen = request;
    }
    if (chosen == NULL || chosen->proofs == EXCHANGE_PROOFS_MAX)
        return false;
    chosen->proofs++;
    exchange->last_reply_ns = now_ns; /* the service is there */
    *bytes = exchange->kept + chosen->at;
    *size = chosen->size;
    return true;
}

bool exchange_again(struct exchange *exchange, uint32_t i, uint64_t now_ns, const uint8_t **bytes,
                    size_t *size)
{
    if (i >= exchange->count)
        return false;
    struct exchange_request *request = &exchange->waiting[(exchange->oldest + i) % EXCHANGE_WINDOW];
    request->sent_ns = now_ns;
    request->proofs = 0;
    *bytes = exchange->kept + request->at;
    *size = request->size;
    return true;
}

static struct exchange_request take_oldest(struct exchange *exchange)
{
    struct exchange_request request = exchange->waiting[exchange->oldest];
    exchange->oldest = (exchange->oldest + 1) % EXCHANGE_WINDOW;
    exchange->count--;
    exchange->waiting_bytes -= request.size;
    return request;
}

static void time_reply(struct exchange *exchange, uint64_t rtt_ns)
{
    if (exchange->timed == 0 || rtt_ns < exchange->rtt_min_ns)
        exchange->rtt_min_ns = rtt_ns;
    if (rtt_ns > exchange->rtt_max_ns)
        exchange->rtt_max_ns = rtt_ns;
    exchange->rtt_sum_ns += rtt_ns;
    exchange->timed++;
}

enum exchange_kind exchange_reply(struct exchange *exchange, uint64_t now_ns, uint64_t *rtt_ns)
{
    exchange->last_reply_ns = now_ns;
    exchange->received++;
    *rtt_ns = 0;
    if (exchange->count) {
        struct exchange_request request = take_oldest(exchange);
        *rtt_ns = now_ns - request.sent_ns;
        time_reply(exchange, *rtt_ns);
        exchange->answered += !request.keepalive;
        return request.keepalive ? EXCHANGE_KEEPALIVE : EXCHANGE_REPLY;
    }
    if (exchange->timeout_ns && exchange->answered < exchange->sent) {
        exchange->answered++;
        return EXCHANGE_LATE;
    }
    exchange->broadcasts++;
    return EXCHANGE_BROADCAST;
}

void exchange_refused(struct exchange *exchange)
{
    while (exchange->count)
        take_oldest(exchange);
}

uint64_t exchange_deadline_ns(const struct exchange *exchange)
{
    if (exchange->count == 0)
        return UINT64_MAX;
    uint64_t sent_ns = exchange->waiting[exchange->oldest].sent_ns;
    uint64_t from_ns = sent_ns > exchange->last_reply_ns ? sent_ns : exchange->last_reply_ns;
    return from_ns + exchange->timeout_ns;
}

uint32_t exchange_expire(struct exchange *exchange, uint64_t now_ns, uint32_t *keepalives)
{
    uint32_t expired = 0;
    for (*keepalives = 0; exchange->count && exchange_deadline_ns(exchange) <= now_ns;) {
        bool keepalive = take_oldest(exchange).keepalive;
        *keepalives += keepalive;
        expired += !keepalive;
    }
    return expired;
}

uint64_t exchange_lost(const struct exchange *exchange)
{
    uint64_t waiting = 0;
    if (exchange->timeout_ns == 0)
        return 0;
    for (uint32_t i = 0; i < exchange->count; i++)
        waiting += !exchange->waiting[(exchange->oldest + i) % EXCHANGE_WINDOW].keepalive;
    return exchange->sent - exchange->answered - waiting;
}

bool exchange_complete(const struct exchange *exchange)
{
    return exchange->timeout_ns == 0 || exchange->answered >= exchange->sent;
}
