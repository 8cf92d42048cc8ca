#include "client/pending_requests.h"

#include <string.h>

void pending_requests_init(struct pending_requests *requests, uint64_t timeout_ns)
{
    *requests = (struct pending_requests){.timeout_ns = timeout_ns};
}

bool pending_requests_can_send(const struct pending_requests *requests, size_t size)
{
    return requests->count == 0 ||
           (requests->count < PENDING_REQUESTS_WINDOW &&
            requests->waiting_bytes + size <= PENDING_REQUESTS_WINDOW_BYTES);
}

/* Returns the offset for a payload of size bytes: after the newest one, or at the beginning if the
 * rest is too short. The waiting payloads always leave enough space (see payloads). */
static size_t payload_offset(const struct pending_requests *requests, size_t size)
{
    if (requests->count == 0)
        return 0;
    uint32_t newest = (requests->oldest + requests->count - 1) % PENDING_REQUESTS_WINDOW;
    size_t offset = requests->waiting[newest].offset + requests->waiting[newest].size;
    return offset + size <= sizeof requests->payloads ? offset : 0;
}

void pending_requests_add(struct pending_requests *requests, const void *bytes, size_t size,
                          bool keepalive, uint64_t now_ns)
{
    requests->sent += !keepalive;
    requests->keepalives += keepalive;
    if (requests->timeout_ns == 0)
        return;
    size_t offset = payload_offset(requests, size);
    if (size > 0)
        memcpy(requests->payloads + offset, bytes, size);
    uint32_t next = (requests->oldest + requests->count++) % PENDING_REQUESTS_WINDOW;
    requests->waiting[next] = (struct pending_request){
        .sent_ns = now_ns, .size = size, .offset = offset, .keepalive = keepalive};
    requests->waiting_bytes += size;
}

bool pending_requests_answer_challenge(struct pending_requests *requests, uint64_t now_ns,
                                       const uint8_t **bytes, size_t *size)
{
    struct pending_request *chosen = NULL;
    for (uint32_t i = 0; i < requests->count; i++) {
        struct pending_request *request =
            &requests->waiting[(requests->oldest + i) % PENDING_REQUESTS_WINDOW];
        if (chosen == NULL || request->challenges < chosen->challenges)
            chosen = request;
    }
    if (chosen == NULL || chosen->challenges == PENDING_REQUESTS_CHALLENGES_MAX)
        return false;
    chosen->challenges++;
    requests->last_reply_ns = now_ns; /* the service is not silent */
    *bytes = requests->payloads + chosen->offset;
    *size = chosen->size;
    return true;
}

bool pending_requests_resend(struct pending_requests *requests, uint32_t i, uint64_t now_ns,
                             const uint8_t **bytes, size_t *size)
{
    if (i >= requests->count)
        return false;
    struct pending_request *request =
        &requests->waiting[(requests->oldest + i) % PENDING_REQUESTS_WINDOW];
    request->sent_ns = now_ns;
    request->challenges = 0;
    *bytes = requests->payloads + request->offset;
    *size = request->size;
    return true;
}

static struct pending_request take_oldest(struct pending_requests *requests)
{
    struct pending_request request = requests->waiting[requests->oldest];
    requests->oldest = (requests->oldest + 1) % PENDING_REQUESTS_WINDOW;
    requests->count--;
    requests->waiting_bytes -= request.size;
    return request;
}

static void record_rtt(struct pending_requests *requests, uint64_t rtt_ns)
{
    if (requests->rtt_count == 0 || rtt_ns < requests->rtt_min_ns)
        requests->rtt_min_ns = rtt_ns;
    if (rtt_ns > requests->rtt_max_ns)
        requests->rtt_max_ns = rtt_ns;
    requests->rtt_sum_ns += rtt_ns;
    requests->rtt_count++;
}

enum received_kind pending_requests_receive(struct pending_requests *requests, uint64_t now_ns,
                                            uint64_t *rtt_ns)
{
    requests->last_reply_ns = now_ns;
    requests->received++;
    *rtt_ns = 0;
    if (requests->count) {
        struct pending_request request = take_oldest(requests);
        *rtt_ns = now_ns - request.sent_ns;
        record_rtt(requests, *rtt_ns);
        requests->answered += !request.keepalive;
        return request.keepalive ? RECEIVED_KEEPALIVE : RECEIVED_REPLY;
    }
    if (requests->timeout_ns && requests->answered < requests->sent) {
        requests->answered++;
        return RECEIVED_LATE;
    }
    requests->broadcasts++;
    return RECEIVED_BROADCAST;
}

void pending_requests_receive_message(struct pending_requests *requests, uint64_t now_ns)
{
    requests->last_reply_ns = now_ns; /* the service is not silent */
    requests->received++;
    requests->broadcasts++;
}

void pending_requests_abandon(struct pending_requests *requests)
{
    while (requests->count)
        take_oldest(requests);
}

uint64_t pending_requests_deadline_ns(const struct pending_requests *requests)
{
    if (requests->count == 0)
        return UINT64_MAX;
    uint64_t sent_ns = requests->waiting[requests->oldest].sent_ns;
    uint64_t from_ns = sent_ns > requests->last_reply_ns ? sent_ns : requests->last_reply_ns;
    return from_ns + requests->timeout_ns;
}

uint32_t pending_requests_expire(struct pending_requests *requests, uint64_t now_ns,
                                 uint32_t *keepalives)
{
    uint32_t expired = 0;
    for (*keepalives = 0; requests->count && pending_requests_deadline_ns(requests) <= now_ns;) {
        bool keepalive = take_oldest(requests).keepalive;
        *keepalives += keepalive;
        expired += !keepalive;
    }
    return expired;
}

uint64_t pending_requests_lost_count(const struct pending_requests *requests)
{
    uint64_t waiting = 0;
    if (requests->timeout_ns == 0)
        return 0;
    for (uint32_t i = 0; i < requests->count; i++)
        waiting += !requests->waiting[(requests->oldest + i) % PENDING_REQUESTS_WINDOW].keepalive;
    return requests->sent - requests->answered - waiting;
}

bool pending_requests_all_answered(const struct pending_requests *requests)
{
    return requests->timeout_ns == 0 || requests->answered >= requests->sent;
}
