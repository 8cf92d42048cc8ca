/* Which requests wait, how many may, and for how long; and what a datagram that comes is. */
#include "client/pending_requests.h"

#include <string.h>

void pending_requests_init(struct pending_requests *exchange, uint64_t timeout_ns)
{
    *exchange = (struct pending_requests){.timeout_ns = timeout_ns};
}

bool pending_requests_has_room(const struct pending_requests *exchange, size_t size)
{
    return exchange->count == 0 ||
           (exchange->count < PENDING_REQUESTS_WINDOW &&
            exchange->waiting_bytes + size <= PENDING_REQUESTS_WINDOW_BYTES);
}

/* Where the next size bytes are kept: behind the newest, or at the beginning where the end is too
 * near. What waits before them has left that much room (see kept). */
static size_t place(const struct pending_requests *exchange, size_t size)
{
    if (exchange->count == 0)
        return 0;
    uint32_t newest = (exchange->oldest + exchange->count - 1) % PENDING_REQUESTS_WINDOW;
    size_t at = exchange->waiting[newest].at + exchange->waiting[newest].size;
    return at + size <= sizeof exchange->kept ? at : 0;
}

void pending_requests_sent(struct pending_requests *exchange, const void *bytes, size_t size,
                           bool keepalive, uint64_t now_ns)
{
    exchange->sent += !keepalive;
    exchange->keepalives += keepalive;
    if (exchange->timeout_ns == 0)
        return;
    size_t at = place(exchange, size);
    if (size > 0)
        memcpy(exchange->kept + at, bytes, size);
    uint32_t next = (exchange->oldest + exchange->count++) % PENDING_REQUESTS_WINDOW;
    exchange->waiting[next] =
        (struct pending_request){.sent_ns = now_ns, .size = size, .at = at, .keepalive = keepalive};
    exchange->waiting_bytes += size;
}

bool pending_requests_challenged(struct pending_requests *exchange, uint64_t now_ns,
                                 const uint8_t **bytes, size_t *size)
{
    struct pending_request *chosen = NULL;
    for (uint32_t i = 0; i < exchange->count; i++) {
        struct pending_request *request =
            &exchange->waiting[(exchange->oldest + i) % PENDING_REQUESTS_WINDOW];
        if (chosen == NULL || request->proofs < chosen->proofs)
            chosen = request;
    }
    if (chosen == NULL || chosen->proofs == PENDING_REQUESTS_PROOFS_MAX)
        return false;
    chosen->proofs++;
    exchange->last_reply_ns = now_ns; /* the service is there */
    *bytes = exchange->kept + chosen->at;
    *size = chosen->size;
    return true;
}

bool pending_requests_again(struct pending_requests *exchange, uint32_t i, uint64_t now_ns,
                            const uint8_t **bytes, size_t *size)
{
    if (i >= exchange->count)
        return false;
    struct pending_request *request =
        &exchange->waiting[(exchange->oldest + i) % PENDING_REQUESTS_WINDOW];
    request->sent_ns = now_ns;
    request->proofs = 0;
    *bytes = exchange->kept + request->at;
    *size = request->size;
    return true;
}

static struct pending_request take_oldest(struct pending_requests *exchange)
{
    struct pending_request request = exchange->waiting[exchange->oldest];
    exchange->oldest = (exchange->oldest + 1) % PENDING_REQUESTS_WINDOW;
    exchange->count--;
    exchange->waiting_bytes -= request.size;
    return request;
}

static void time_reply(struct pending_requests *exchange, uint64_t rtt_ns)
{
    if (exchange->timed == 0 || rtt_ns < exchange->rtt_min_ns)
        exchange->rtt_min_ns = rtt_ns;
    if (rtt_ns > exchange->rtt_max_ns)
        exchange->rtt_max_ns = rtt_ns;
    exchange->rtt_sum_ns += rtt_ns;
    exchange->timed++;
}

enum received_kind pending_requests_reply(struct pending_requests *exchange, uint64_t now_ns,
                                          uint64_t *rtt_ns)
{
    exchange->last_reply_ns = now_ns;
    exchange->received++;
    *rtt_ns = 0;
    if (exchange->count) {
        struct pending_request request = take_oldest(exchange);
        *rtt_ns = now_ns - request.sent_ns;
        time_reply(exchange, *rtt_ns);
        exchange->answered += !request.keepalive;
        return request.keepalive ? RECEIVED_KEEPALIVE : RECEIVED_REPLY;
    }
    if (exchange->timeout_ns && exchange->answered < exchange->sent) {
        exchange->answered++;
        return RECEIVED_LATE;
    }
    exchange->broadcasts++;
    return RECEIVED_BROADCAST;
}

void pending_requests_refused(struct pending_requests *exchange)
{
    while (exchange->count)
        take_oldest(exchange);
}

uint64_t pending_requests_deadline_ns(const struct pending_requests *exchange)
{
    if (exchange->count == 0)
        return UINT64_MAX;
    uint64_t sent_ns = exchange->waiting[exchange->oldest].sent_ns;
    uint64_t from_ns = sent_ns > exchange->last_reply_ns ? sent_ns : exchange->last_reply_ns;
    return from_ns + exchange->timeout_ns;
}

uint32_t pending_requests_expire(struct pending_requests *exchange, uint64_t now_ns,
                                 uint32_t *keepalives)
{
    uint32_t expired = 0;
    for (*keepalives = 0; exchange->count && pending_requests_deadline_ns(exchange) <= now_ns;) {
        bool keepalive = take_oldest(exchange).keepalive;
        *keepalives += keepalive;
        expired += !keepalive;
    }
    return expired;
}

uint64_t pending_requests_lost(const struct pending_requests *exchange)
{
    uint64_t waiting = 0;
    if (exchange->timeout_ns == 0)
        return 0;
    for (uint32_t i = 0; i < exchange->count; i++)
        waiting += !exchange->waiting[(exchange->oldest + i) % PENDING_REQUESTS_WINDOW].keepalive;
    return exchange->sent - exchange->answered - waiting;
}

bool pending_requests_complete(const struct pending_requests *exchange)
{
    return exchange->timeout_ns == 0 || exchange->answered >= exchange->sent;
}
