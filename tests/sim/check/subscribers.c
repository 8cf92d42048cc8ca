#include "sim/check/subscribers.h"

#include "sim/check/payload.h"
#include "sim/check/roles.h"
#include "sim/core/broken.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"
#include "text/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STREAMS_KNOWN_MAX = 4096,                            /* addresses of TCP connections */
    SOURCE_UNIX = MODEL_ENTRIES_MAX + STREAMS_KNOWN_MAX, /* all connections to Unix sockets */
    SOURCES,
    RECEIVED_MAX = 1 << 17, /* messages of a start, of which all are known */
};

/* The messages that were received, in their order. */
static struct received {
    uint32_t source;
    uint32_t next; /* of the same source; 0: none */
    uint64_t hash;
    int listener; /* of a datagram; -1: of a stream */
    struct addr addr;
    bool is_possible; /* its source may be registered */
    bool is_sure;     /* its source is registered for certain, so subscribers must get it */
} * received;
static uint32_t received_count; /* numbered from 1 */
static uint32_t first_of[SOURCES], last_of[SOURCES];
static struct addr streams[STREAMS_KNOWN_MAX];
static uint32_t stream_count;
static uint64_t losses;

static struct subscriber {
    struct subscriber_filter filter;
    uint32_t from, sure_from; /* messages after these: may be, must be delivered */
    uint32_t counted;         /* the messages up to this one are in the next two */
    uint64_t sure, possible, sure_delivered;
    uint64_t delivered[SUBSCRIBER_KINDS], lost;
    uint64_t counters_from[SUBSCRIBER_KINDS], counters_sure_from[SUBSCRIBER_KINDS];
    uint32_t last[SOURCES]; /* the message that was delivered last */
} * subscribers[SUBSCRIBERS_MAX];

static const char *const names[SUBSCRIBER_KINDS] = {
    "message", "joined", "rejoined", "expired", "left", "kicked", "refused", "stream_closed"};

const char *subscriber_kind_name(enum subscriber_kind kind)
{
    return names[kind];
}

uint64_t subscribers_losses(void)
{
    return losses;
}

void subscribers_reset(void)
{
    memset(first_of, 0, sizeof first_of);
    memset(last_of, 0, sizeof last_of);
    received_count = stream_count = 0;
    losses = 0;
}

/* ---- what is received ---- */

static uint64_t hash_of(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = UINT64_C(14695981039346656037) + size;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static void add_received(const struct received *message)
{
    if (received == NULL)
        received = calloc(RECEIVED_MAX, sizeof *received);
    if (received_count + 1 >= RECEIVED_MAX)
        return;
    received[++received_count] = *message;
    if (first_of[message->source] == 0)
        first_of[message->source] = received_count;
    else
        received[last_of[message->source]].next = received_count;
    last_of[message->source] = received_count;
}

static bool is_full(void)
{
    return received_count + 1 >= RECEIVED_MAX;
}

/* A datagram is certainly admitted if its source is certainly registered, and no rate limits it.
 * One that comes again may be delivered in place of the first. */
void subscribers_datagram(const struct model_entry *from, const void *bytes, size_t size,
                          bool is_frame)
{
    static uint32_t last_numbers[MODEL_ENTRIES_MAX + 1];
    uint32_t client, number = 0;
    bool is_new =
        payload_read_message(bytes, size, &client, &number) && number > last_numbers[from->number];
    bool is_sure = !is_frame && is_new && model_is_sure(from) && model_is_admitted(from) &&
                   settings_applied() == 0 && !settings_change &&
                   (settings.rate_pps == 0 || settings.dry_run);
    if (is_new)
        last_numbers[from->number] = number;
    add_received(&(struct received){.source = from->number,
                                    .hash = hash_of(bytes, size),
                                    .listener = from->listener,
                                    .addr = from->source,
                                    .is_possible = model_is_possible(from),
                                    .is_sure = is_sure});
}

static uint32_t source_of_stream(const struct addr *addr)
{
    uint32_t i = 0;
    while (i < stream_count && !addr_equal(&streams[i], addr))
        i++;
    if (i == stream_count && stream_count < STREAMS_KNOWN_MAX)
        streams[stream_count++] = *addr;
    return MODEL_ENTRIES_MAX + i;
}

/* Parts of chunks may be equal, and clients of Unix sockets are one source here, so it is not known
 * which of two equal ones is delivered: at each moment one of them may be missing. */
void subscribers_line(const struct connection *from, const void *bytes, size_t size)
{
    bool is_unix = from->peer.family == ADDR_NONE, is_unique = !is_unix || !setup.has_chunks;
    add_received(&(struct received){.source = is_unix ? SOURCE_UNIX : source_of_stream(&from->peer),
                                    .hash = hash_of(bytes, size),
                                    .listener = -1,
                                    .addr = from->peer,
                                    .is_possible = true,
                                    .is_sure = is_unique && !model_has_magic(bytes, size)});
}

/* ---- counters ---- */

/* The sum of the counters of those events. */
static void read_counters(uint64_t sums[SUBSCRIBER_KINDS])
{
    memset(sums, 0, SUBSCRIBER_KINDS * sizeof sums[0]);
    for (size_t i = 0; i < roles_worker_count(); i++) {
        const struct stats *stats = &roles_worker(i)->stats;
        sums[SUBSCRIBER_JOINED] += stats->joined;
        sums[SUBSCRIBER_EXPIRED] += stats->expired;
        sums[SUBSCRIBER_LEFT] += stats->left;
        sums[SUBSCRIBER_KICKED] += stats->kicked;
        sums[SUBSCRIBER_REFUSED] +=
            stats->refused_full + stats->refused_prefix + stats->streams_refused;
        sums[SUBSCRIBER_STREAM_CLOSED] += stats->streams_closed + stats->streams_slow;
    }
}

/* ---- subscribers ---- */

static bool is_in_block(const struct subscriber_filter *filter, const struct addr *addr)
{
    for (unsigned i = 0; i < filter->bits; i++)
        if ((filter->addr.ip[i / 8] ^ addr->ip[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return filter->addr.family == addr->family;
}

/* Whether the subscriber wants it. Those that ask for a listener ask for one of datagrams. */
static bool matches(const struct subscriber_filter *filter, const struct received *message)
{
    return (filter->listener < 0 || filter->listener == message->listener) &&
           (filter->addr.family == ADDR_NONE || is_in_block(filter, &message->addr));
}

static void count_received(struct subscriber *subscriber)
{
    while (subscriber->counted < received_count) {
        uint32_t i = ++subscriber->counted;
        if (!matches(&subscriber->filter, &received[i]))
            continue;
        subscriber->possible++;
        subscriber->sure += received[i].is_sure && i > subscriber->sure_from;
    }
}

void subscribers_begin(uint32_t number, const struct subscriber_filter *filter)
{
    if (subscribers[number] == NULL)
        subscribers[number] = malloc(sizeof **subscribers);
    memset(subscribers[number], 0, sizeof **subscribers);
    subscribers[number]->filter = *filter;
    subscribers[number]->from = subscribers[number]->counted = received_count;
    read_counters(subscribers[number]->counters_from);
}

void subscribers_accepted(uint32_t number)
{
    /* Those before may be delivered, too. */
    count_received(subscribers[number]);
    subscribers[number]->sure = 0;
    subscribers[number]->sure_from = received_count;
    read_counters(subscribers[number]->counters_sure_from);
}

/* ---- messages ---- */

static int listener_of(const char *text)
{
    for (size_t i = 0; i < setup.listener_count; i++) {
        const char *known = setup.listeners[i].text;
        if (strcmp(known, text) == 0 ||
            (addr_is_link_local(&setup.listeners[i].addr) && strncmp(known, text, 6) == 0))
            return setup.listeners[i].number;
    }
    return -1;
}

static uint32_t source_of(const char *address, const char *listener)
{
    struct addr addr;
    if (strncmp(address, "unix:", 5) == 0)
        return SOURCE_UNIX;
    bool is_tcp = strncmp(address, "tcp:", 4) == 0;
    if (addr_parse(&addr, NULL, address + (is_tcp ? 4 : 0), 0) != NULL)
        broken_promise("a message of a subscription names its client", "%s is no address", address);
    if (is_tcp)
        return source_of_stream(&addr);
    const struct model_entry *entry = model_find(listener_of(listener), &addr);
    return entry != NULL ? entry->number : 0;
}

static uint64_t hash_of_digits(const char *digits)
{
    static uint8_t bytes[1 << 16];
    size_t length = strcmp(digits, "-") == 0 ? 0 : strlen(digits);
    if (!hex_decode(bytes, digits, length))
        broken_promise("a line of a subscription is whole", "a payload is not hexadecimal");
    return hash_of(bytes, length / 2);
}

/* Finds the next message of its client; 0 if it is not known. The order among all connections to
 * Unix sockets is not that of one client. */
static uint32_t find(const struct subscriber *subscriber, uint32_t source, uint64_t hash)
{
    uint32_t last = subscriber->last[source];
    uint32_t at = last != 0 && source != SOURCE_UNIX ? received[last].next : first_of[source];
    uint32_t impossible = 0;
    for (; at != 0; at = received[at].next) {
        if (at <= subscriber->from || received[at].hash != hash)
            continue;
        /* A client may have sent the same again when it was registered. */
        if (received[at].is_possible)
            return at;
        impossible = at;
    }
    return is_full() ? 0 : impossible; /* it may be one of those that are not kept */
}

static void read_message(struct subscriber *subscriber, char *value)
{
    char *rest = value;
    strsep(&rest, " ");
    const char *address = strsep(&rest, " "), *digits = strsep(&rest, " ");
    if (rest == NULL)
        broken_promise("a line of a subscription is whole", "a message is not");
    uint32_t source = source_of(address, rest);
    uint32_t at = source != 0 ? find(subscriber, source, hash_of_digits(digits)) : 0;
    if (at == 0 && !is_full())
        broken_promise("a subscriber gets what clients say, once and in their order",
                       "%s has not sent that, or not now", address);
    if (at == 0)
        return;
    if (!received[at].is_possible)
        broken_promise("subscribers get only what registered clients say",
                       "%s on %s is not registered", address, rest);
    if (!matches(&subscriber->filter, &received[at]))
        broken_promise("a subscriber gets what its selector matches", "%s on %s does not", address,
                       rest);
    subscriber->last[source] = at;
    subscriber->sure_delivered += received[at].is_sure && at > subscriber->sure_from;
}

static void read_event(struct subscriber *subscriber, const char *value)
{
    char kind[32];
    if (sscanf(value, "%*u %31s", kind) != 1)
        broken_promise("a line of a subscription is whole", "an event is not");
    for (unsigned i = SUBSCRIBER_JOINED; i < SUBSCRIBER_KINDS; i++) {
        if (strcmp(kind, names[i]) != 0)
            continue;
        if ((subscriber->filter.kinds >> i & 1) == 0)
            broken_promise("a subscriber gets the events that it wants", "it gets %s", kind);
        subscriber->delivered[i]++;
    }
}

void subscribers_read(uint32_t number, char *line)
{
    struct subscriber *subscriber = subscribers[number];
    if (strncmp(line, "lost ", 5) == 0) {
        uint64_t lost = strtoull(line + 5, NULL, 10);
        subscriber->lost += lost;
        losses += lost;
    } else if (strncmp(line, "from ", 5) == 0 && setup.names_max > 0) {
        return; /* the name of the client whose message comes next */
    } else if (strncmp(line, "message ", 8) == 0) {
        if (broken_now("unread", 30))
            return;
        read_message(subscriber, line + 8);
        subscriber->delivered[SUBSCRIBER_MESSAGE]++;
    } else if (strncmp(line, "event ", 6) == 0) {
        if (!broken_now("event", 30))
            read_event(subscriber, line + 6);
    } else {
        broken_promise("a subscriber gets messages, events and losses", "another line came: %.40s",
                       line);
    }
}

/* ---- all that was to be delivered ---- */

static void check_messages(struct subscriber *subscriber)
{
    count_received(subscriber);
    uint64_t missing = subscriber->sure - subscriber->sure_delivered;
    if (missing > subscriber->lost)
        broken_promise("each message reaches a subscriber, or is counted as lost",
                       "%" PRIu64 " of %" PRIu64 " are missing, and %" PRIu64 " were lost", missing,
                       subscriber->sure, subscriber->lost);
    if (subscriber->delivered[SUBSCRIBER_MESSAGE] + subscriber->lost > subscriber->possible)
        broken_promise("no more messages are delivered or lost than there were",
                       "%" PRIu64 " were delivered and %" PRIu64 " lost of %" PRIu64,
                       subscriber->delivered[SUBSCRIBER_MESSAGE], subscriber->lost,
                       subscriber->possible);
}

static void check_count(const struct subscriber *subscriber, enum subscriber_kind kind,
                        uint64_t events, uint64_t counter)
{
    uint64_t most = counter - subscriber->counters_from[kind];
    uint64_t least = counter - subscriber->counters_sure_from[kind];
    /* What has left is counted with its batch, which may wait for space in a send buffer. */
    if (kind == SUBSCRIBER_LEFT)
        least = 0;
    if (events > most && kind != SUBSCRIBER_LEFT)
        broken_promise("there are as many events as the counters say",
                       "%" PRIu64 " clients %s, and the counter has grown by %" PRIu64, events,
                       names[kind], most);
    if (events + subscriber->lost < least)
        broken_promise("each event reaches a subscriber, or is counted as lost",
                       "%" PRIu64 " clients %s, the counter has grown by %" PRIu64 ", and %" PRIu64
                       " were lost",
                       events, names[kind], least, subscriber->lost);
}

static void check_events(const struct subscriber *subscriber)
{
    uint64_t counters[SUBSCRIBER_KINDS];
    const uint64_t *delivered = subscriber->delivered;
    read_counters(counters);
    for (unsigned kind = SUBSCRIBER_JOINED; kind < SUBSCRIBER_KINDS; kind++) {
        /* Who rejoins has expired and has joined. */
        bool counts_rejoined = kind == SUBSCRIBER_JOINED || kind == SUBSCRIBER_EXPIRED;
        if ((subscriber->filter.kinds >> kind & 1) == 0 || kind == SUBSCRIBER_REJOINED)
            continue;
        check_count(subscriber, kind,
                    delivered[kind] + (counts_rejoined ? delivered[SUBSCRIBER_REJOINED] : 0),
                    counters[kind]);
    }
}

void subscribers_check(uint32_t number)
{
    struct subscriber *subscriber = subscribers[number];
    const struct subscriber_filter *filter = &subscriber->filter;
    if (is_full())
        return;
    if (filter->kinds == 1u << SUBSCRIBER_MESSAGE)
        check_messages(subscriber);
    else if (filter->listener < 0 && filter->addr.family == ADDR_NONE)
        check_events(subscriber);
}
