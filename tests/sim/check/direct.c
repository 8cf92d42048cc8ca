#include "sim/check/direct.h"

#include "sim/core/event_queue.h"
#include "sim/core/trace.h"

#include <inttypes.h>

static struct {
    struct addr to;
    bool is_stream;
    uint32_t session; /* of a gateway; 0: none */
    uint32_t job;     /* in check/confirmed.h; 0: it is not to be confirmed */
    uint32_t taken, refused;
    uint64_t asked_ms;
} messages[DIRECTS_MAX];
static uint32_t count;
static uint64_t taken, refused;

uint64_t direct_taken(void)
{
    return taken;
}

uint64_t direct_refused(void)
{
    return refused;
}

void direct_reset(void)
{
    taken = refused = 0;
}

uint32_t direct_asked(const struct addr *to, bool is_stream)
{
    if (count + 1 >= DIRECTS_MAX)
        return 0;
    messages[++count].to = *to;
    messages[count].is_stream = is_stream;
    messages[count].session = messages[count].job = 0;
    messages[count].asked_ms = event_queue_now_ms();
    return count;
}

void direct_set_session(uint32_t number, uint32_t session)
{
    messages[number].session = session;
}

void direct_set_confirmed(uint32_t number, uint32_t job)
{
    messages[number].job = job;
}

uint32_t direct_confirmed(uint32_t number)
{
    return number <= count ? messages[number].job : 0;
}

static void check_order(uint32_t number)
{
    for (uint32_t later = number + 1; later <= count && messages[number].session != 0; later++)
        if (messages[later].session == messages[number].session &&
            messages[later].is_stream == messages[number].is_stream &&
            addr_equal(&messages[later].to, &messages[number].to) &&
            messages[later].taken + messages[later].refused > 0)
            broken_promise("the messages of a gateway to a client leave in their order",
                           "message %" PRIu32 " leaves after %" PRIu32, number, later);
}

static void check_target(const struct addr *to, bool is_stream, uint32_t number)
{
    if (number == 0 || number > count)
        broken_promise("a message reaches the client that was named",
                       "message %" PRIu32 " was not asked for", number);
    if (messages[number].is_stream != is_stream || !addr_equal(&messages[number].to, to))
        broken_promise("a message reaches the client that was named",
                       "message %" PRIu32 " for port %d went to port %d", number,
                       messages[number].to.port, to->port);
}

static void check_once(uint32_t number)
{
    if (messages[number].taken + messages[number].refused > 0)
        broken_promise("a message is sent once", "message %" PRIu32 " is sent again", number);
    check_order(number);
}

static void check_registered(const struct model_entry *to, uint32_t number)
{
    if (!model_is_possible(to))
        broken_promise("only registered clients get messages",
                       "source %" PRIu32 " (port %d) gets message %" PRIu32, to->number,
                       to->source.port, number);
}

static void count_sent(uint32_t number, bool is_taken)
{
    messages[number].taken += is_taken;
    messages[number].refused += !is_taken;
    taken += is_taken;
    refused += !is_taken;
}

void direct_sent(const struct model_entry *to, uint32_t number, int error)
{
    check_target(&to->source, false, number);
    check_once(number);
    check_registered(to, number);
    count_sent(number, error == 0);
}

/* The counters of copies have it, and not those of messages to one client. */
void direct_copy(const struct model_entry *to, uint32_t number, bool is_first, int error)
{
    check_target(&to->source, false, number);
    check_registered(to, number);
    if (!is_first)
        return;
    check_once(number);
    messages[number].taken += error == 0;
    messages[number].refused += error != 0;
}

void direct_on_stream(const struct addr *peer, uint32_t number, bool is_taken)
{
    check_target(peer, true, number);
    check_once(number);
    count_sent(number, is_taken);
}

/* Whether a registration of that source may have ended since then: at the listener that it has sent
 * to last, between the search for it and the sending. It is not looked for at the others again. */
static bool may_have_left(const struct addr *source, uint64_t since_ms)
{
    for (uint32_t i = 1; i <= model_count(); i++) {
        const struct model_entry *entry = model_entry(i);
        if (addr_equal(&entry->source, source) && entry->may_until_ms >= since_ms &&
            !model_is_sure(entry))
            return true;
    }
    return false;
}

void direct_unknown(uint32_t number)
{
    if (messages[number].taken + messages[number].refused > 0)
        broken_promise("the answer says what happened to a message",
                       "message %" PRIu32 " was sent to a client that is not known", number);
    if (messages[number].is_stream ||
        may_have_left(&messages[number].to, messages[number].asked_ms))
        return;
    for (uint32_t i = 1; i <= model_count(); i++) {
        const struct model_entry *entry = model_entry(i);
        if (addr_equal(&entry->source, &messages[number].to) &&
            entry->sure_since_ms < messages[number].asked_ms && model_is_sure(entry))
            broken_promise("each registered client can be reached",
                           "source %" PRIu32 " (port %d) is registered, and not found", i,
                           entry->source.port);
    }
}

/* A message that the server does not even try to send, as its buffer is full, counts as failed. */
void direct_answered(uint32_t number, uint64_t sent, uint64_t failed)
{
    if (sent + failed != 1 || sent != messages[number].taken || failed < messages[number].refused)
        broken_promise("the answer says what happened to a message",
                       "message %" PRIu32 ": %" PRIu64 " sent and %" PRIu64
                       " failed; the kernel took %" PRIu32 " and refused %" PRIu32,
                       number, sent, failed, messages[number].taken, messages[number].refused);
}
