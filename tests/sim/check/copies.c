#include "sim/check/copies.h"

#include "sim/check/confirmed.h"
#include "sim/check/direct.h"
#include "sim/check/payload.h"
#include "sim/check/published.h"
#include "sim/check/roles.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum {
    WORKERS_MAX = 16,
    ORDERED_MAX = 256, /* sources, and streams, whose order is checked */
    ENDS_MAX = 2 * ORDERED_MAX,
    MESSAGES_MAX = (1 << 15) + 1, /* that are kept of a start: the first ones */
    PLACES = 1 << 16,
};

/* What a payload is: hashes of its bytes, and of its bytes on a stream of lines. */
struct content {
    uint64_t bytes, line;
};

static uint32_t start; /* of the server */
static struct {
    struct content content;
    uint64_t asked_ms, first_ms[WORKERS_MAX]; /* 0: no copy of this worker yet */
    uint64_t taken, refused;
    uint64_t id; /* 0: unknown */
    bool ended;
    uint32_t job; /* in check/confirmed.h; 0: it is not to be confirmed */
    struct selection selection;
} broadcasts[BROADCASTS_MAX];

/* The messages that were received, by number: from 1 on. */
static struct relayed {
    uint32_t client, number, order, times;
    uint32_t sender; /* the end that it came from */
    struct content content;
    /* Its number among the messages of its first sender that are certainly relayed, from 1; 0: it
     * may not be relayed. A client whose address has changed may send the message again. */
    uint32_t sequence, first_sender;
    uint64_t previous_ms; /* when the previous message was received; 0: unknown */
} messages[MESSAGES_MAX + 1];
static uint32_t message_count;
static uint16_t places[PLACES]; /* numbers of messages by a hash; 0: free */
static struct {
    uint32_t sequence; /* of the last message */
    uint64_t last_ms;
} senders[ORDERED_MAX];
static uint32_t last_sequences[ORDERED_MAX][ORDERED_MAX];
static uint32_t last_order, last_of[ENDS_MAX][ENDS_MAX];
static uint64_t taken_count, refused_count;

uint64_t copies_taken(void)
{
    return taken_count;
}

uint64_t copies_refused(void)
{
    return refused_count;
}

void copies_reset(void)
{
    memset(broadcasts, 0, sizeof broadcasts);
    if (last_order > 0) {
        memset(last_of, 0, sizeof last_of);
        memset(last_sequences, 0, sizeof last_sequences);
        memset(senders, 0, sizeof senders);
        memset(places, 0, sizeof places);
    }
    last_order = message_count = 0;
    taken_count = refused_count = 0;
    start++;
}

uint32_t copies_first_number(void)
{
    return start * BROADCASTS_MAX;
}

/* ---- payloads ---- */

static struct content content_of(const void *bytes, size_t size)
{
    return (struct content){hash_bytes(bytes, size, '\n'), hash_bytes(bytes, size, ' ')};
}

/* A copy has the bytes of the payload; on a stream of lines an LF is a space. */
static void check_content(const struct content *content, const void *bytes, size_t size,
                          bool is_line)
{
    uint64_t expected = is_line ? content->line : content->bytes;
    if (hash_bytes(bytes, size, '\n') != expected || broken_now("content", 20))
        broken_promise("a copy has the bytes of its message", "a copy of %zu bytes has others",
                       size);
}

/* ---- broadcasts ---- */

/* Whether it is a broadcast of the operator; *number is its number. */
static bool is_broadcast(const void *bytes, size_t size, uint32_t *number)
{
    if (!payload_read_broadcast(bytes, size, number))
        return false;
    if (*number / BROADCASTS_MAX != start)
        broken_promise("a server sends nothing of an earlier start", "broadcast %" PRIu32, *number);
    return true;
}

void copies_broadcast_asked(uint32_t number, const struct selection *selection, const void *bytes,
                            size_t size)
{
    broadcasts[number % BROADCASTS_MAX].asked_ms = event_queue_now_ms();
    broadcasts[number % BROADCASTS_MAX].selection = *selection;
    broadcasts[number % BROADCASTS_MAX].content = content_of(bytes, size);
}

void copies_set_confirmed(uint32_t number, uint32_t job)
{
    broadcasts[number % BROADCASTS_MAX].job = job;
}

uint32_t copies_confirmed(uint32_t number)
{
    return broadcasts[number % BROADCASTS_MAX].job;
}

static const struct selection *selection_of(uint32_t number)
{
    return &broadcasts[number % BROADCASTS_MAX].selection;
}

static void check_targets(uint32_t number)
{
    uint64_t asked_ms = broadcasts[number % BROADCASTS_MAX].asked_ms;
    for (uint32_t i = 1; i <= model_count(); i++) {
        const struct model_entry *entry = model_entry(i);
        bool is_target = entry->sure_since_ms < asked_ms && model_is_sure(entry) &&
                         selection_matches(selection_of(number), entry, asked_ms);
        if (is_target && !(entry->copies >> number % BROADCASTS_MAX & 1))
            broken_promise("each client that is registered gets exactly one copy",
                           "broadcast %" PRIu32 ": no copy for source %" PRIu32 " (port %d)",
                           number, i, entry->source.port);
    }
}

void copies_broadcast_ended(uint32_t number, bool done, uint64_t targets, uint64_t sent,
                            uint64_t failed, uint64_t skipped)
{
    if (targets != sent + failed + skipped || skipped > targets)
        broken_promise("targets = sent + failed + skipped",
                       "broadcast %" PRIu32 ": %" PRIu64 " is not %" PRIu64 " + %" PRIu64
                       " + %" PRIu64,
                       number, targets, sent, failed, skipped);
    if (sent != broadcasts[number % BROADCASTS_MAX].taken ||
        failed != broadcasts[number % BROADCASTS_MAX].refused)
        broken_promise("a broadcast reports what the kernel took and refused",
                       "broadcast %" PRIu32 ": sent %" PRIu64 ", taken %" PRIu64 "; failed %" PRIu64
                       ", refused %" PRIu64,
                       number, sent, broadcasts[number % BROADCASTS_MAX].taken, failed,
                       broadcasts[number % BROADCASTS_MAX].refused);
    broadcasts[number % BROADCASTS_MAX].ended = true;
    if (done)
        check_targets(number);
}

void copies_set_id(uint32_t number, uint64_t id)
{
    broadcasts[number % BROADCASTS_MAX].id = id;
}

void copies_job_ended(uint64_t id, bool done, uint64_t targets, uint64_t sent, uint64_t failed,
                      uint64_t skipped)
{
    for (uint32_t i = 0; i < BROADCASTS_MAX; i++)
        if (broadcasts[i].id == id && !broadcasts[i].ended)
            copies_broadcast_ended(start * BROADCASTS_MAX + i, done, targets, sent, failed,
                                   skipped);
}

/* Of a confirmed broadcast, also a copy of a repeated round. */
static void check_each_copy(uint32_t number, int worker, const struct model_entry *to)
{
    if (broadcasts[number % BROADCASTS_MAX].ended)
        broken_promise("a broadcast that has ended sends nothing", "broadcast %" PRIu32, number);
    uint64_t *first_ms = &broadcasts[number % BROADCASTS_MAX].first_ms[worker];
    if (*first_ms == 0)
        *first_ms = event_queue_now_ms();
    if (to->may_since_ms > *first_ms + MODEL_SLOP_MS)
        broken_promise("a client that registers later gets no copy",
                       "broadcast %" PRIu32 ": source %" PRIu32 " was unknown when it started",
                       number, to->number);
}

static void check_copy(uint32_t number, struct model_entry *to)
{
    if (to->copies >> number % BROADCASTS_MAX & 1)
        broken_promise("each client that is registered gets exactly one copy",
                       "broadcast %" PRIu32 ": a second copy for source %" PRIu32 " (port %d)",
                       number, to->number, to->source.port);
    if (!selection_may_match(selection_of(number), to, event_queue_now_ms()))
        broken_promise("a broadcast with a selector goes to clients that match",
                       "broadcast %" PRIu32 ": a copy for source %" PRIu32 " (port %d)", number,
                       to->number, to->source.port);
    to->copies |= UINT64_C(1) << number % BROADCASTS_MAX;
}

static void count(uint32_t number, bool taken)
{
    broadcasts[number % BROADCASTS_MAX].taken += taken;
    broadcasts[number % BROADCASTS_MAX].refused += !taken;
}

/* ---- relayed messages ---- */

/* The ends between which messages are in order: sources of datagrams, and streams. 0: unknown. */
static uint32_t end_of_source(const struct model_entry *entry)
{
    return entry->number < ORDERED_MAX ? entry->number : 0;
}

static uint32_t end_of_stream(uint32_t number)
{
    return number < ORDERED_MAX ? ORDERED_MAX + number : 0;
}

static uint32_t place_of(uint32_t client, uint32_t number)
{
    uint32_t at = (client * 2654435761u ^ number * 2246822519u) % PLACES;
    while (places[at] != 0 &&
           (messages[places[at]].client != client || messages[places[at]].number != number))
        at = (at + 1) % PLACES;
    return at;
}

static struct relayed *find_or_add(uint32_t client, uint32_t number)
{
    uint32_t at = place_of(client, number);
    if (places[at] == 0) {
        places[at] = (uint16_t)++message_count;
        messages[message_count] = (struct relayed){.client = client, .number = number};
    }
    return &messages[places[at]];
}

/* A message that is not dropped is certainly relayed if the relay is on and its sender is certainly
 * registered. */
static bool is_relayed(const struct model_entry *from, bool may_be_dropped)
{
    return !may_be_dropped && model_is_sure(from) && model_is_admitted(from) &&
           settings_applied() == 0 && !settings_change && settings.relay != DRAWN_RELAY_OFF &&
           settings.relay_pps == 0 && (settings.rate_pps == 0 || settings.dry_run);
}

static bool is_full(void)
{
    return last_order == MESSAGES_MAX;
}

/* Adds a message. Returns NULL if the payload is not a message, or if no more are kept. */
static struct relayed *add_message(uint32_t sender, const void *bytes, size_t size)
{
    uint32_t client, number;
    if (!payload_read_message(bytes, size, &client, &number) || is_full())
        return NULL;
    struct relayed *message = find_or_add(client, number);
    message->order = ++last_order;
    message->sender = sender;
    message->content = content_of(bytes, size);
    message->times++;
    return message;
}

void copies_stream_message_received(uint32_t stream, const void *bytes, size_t size)
{
    add_message(end_of_stream(stream), bytes, size);
}

void copies_message_received(const struct model_entry *from, bool may_be_dropped, const void *bytes,
                             size_t size)
{
    struct relayed *message = add_message(end_of_source(from), bytes, size);
    if (message == NULL || from->number >= ORDERED_MAX || message->times > 1 ||
        !is_relayed(from, may_be_dropped))
        return;
    message->first_sender = from->number;
    message->sequence = ++senders[from->number].sequence;
    message->previous_ms = senders[from->number].last_ms;
    senders[from->number].last_ms = event_queue_now_ms();
}

/* Whether a worker had no memory for a message. */
static bool has_dropped(void)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < roles_worker_count(); i++)
        dropped += roles_worker(i)->stats.relay_dropped;
    return dropped > totals_base()->relay_dropped;
}

/* Checks that a client got the previous message of the sender, if it was registered before that. */
static void check_gap(const struct relayed *message, const struct model_entry *to)
{
    uint32_t *last = &last_sequences[to->number][message->first_sender];
    uint64_t previous_ms = message->previous_ms;
    if (message->sequence == 0 || message->first_sender == to->number)
        return;
    if (*last + 1 < message->sequence && previous_ms != 0 && model_is_sure(to) &&
        to->sure_since_ms + MODEL_SLOP_MS < previous_ms && !has_dropped())
        broken_promise("a relayed message reaches each client",
                       "the message before number %" PRIu32 " of client %" PRIu32
                       " did not reach source %" PRIu32,
                       message->number, message->client, to->number);
    if (*last < message->sequence && !broken_now("gap", 20))
        *last = message->sequence;
}

/* Checks that the end may get that message: it is not the sender (relay = others), and gets each
 * message once and in order. */
static void check_order(const struct relayed *message, uint32_t to)
{
    uint32_t client = message->client, number = message->number;
    uint32_t sender = message->sender;
    if (sender == 0 || to == 0)
        return;
    bool is_excepted = settings.relay == DRAWN_RELAY_OTHERS && settings_applied() == 0;
    if ((sender == to || broken_now("excepted", 20)) && is_excepted && !settings_change)
        broken_promise("relay = others excepts the sender",
                       "message %" PRIu32 " of client %" PRIu32 " to source or stream %" PRIu32,
                       number, client, to % ORDERED_MAX);
    uint32_t *last = &last_of[to][sender];
    if (message->order <= *last)
        broken_promise(message->order == *last ? "a relayed message reaches each client once"
                                               : "a client's messages are relayed in their order",
                       "message %" PRIu32 " of client %" PRIu32 " to source or stream %" PRIu32,
                       number, client, to % ORDERED_MAX);
    *last = message->order;
}

/* A relayed message on the way to a source (NULL: to a stream). */
static void check_relayed(const struct model_entry *source, uint32_t to, const void *bytes,
                          size_t size)
{
    uint32_t client, number;
    if (!payload_read_message(bytes, size, &client, &number))
        return; /* it was corrupted on its way, and is relayed as it is */
    const struct relayed *message = &messages[places[place_of(client, number)]];
    if (message->times == 0) {
        if (!is_full())
            broken_promise("only messages of clients are relayed",
                           "message %" PRIu32 " of client %" PRIu32 " was never received", number,
                           client);
        return;
    }
    if (source != NULL && message->sender != 0 && to != 0)
        check_gap(message, source);
    if (message->times > 1)
        return;
    check_content(&message->content, bytes, size, source == NULL && !setup.has_chunks);
    check_order(message, to);
}

/* ---- both ---- */

static void check_frame_allowed(uint32_t job, const struct confirmed_frame *frame)
{
    if (frame != NULL && job == 0)
        broken_promise("only confirmed messages are sent as frames", "another one is");
}

/* A copy of a broadcast: frame is NULL if it is plain. */
static void broadcast_sent(uint32_t number, int worker, struct model_entry *to,
                           const struct confirmed_frame *frame, int error)
{
    uint32_t job = broadcasts[number % BROADCASTS_MAX].job;
    bool is_first = true;
    published_copy(number);
    check_frame_allowed(job, frame);
    if (job != 0 && to != NULL)
        is_first = confirmed_sent(job, to, frame, error);
    else if (job != 0)
        confirmed_sent_plain(job, error == 0);
    if (is_first)
        count(number, error == 0);
    if (to != NULL)
        check_each_copy(number, worker, to);
    if (to != NULL && is_first)
        check_copy(number, to);
    if (to == NULL && (!selection_is_all(selection_of(number)) || frame != NULL))
        broken_promise("a broadcast with a selector goes to clients that match",
                       "broadcast %" PRIu32 ": a copy for the multicast group", number);
}

/* A message to one client that is to be confirmed. Returns false if it is no such message. */
static bool direct_sent_as_copy(const struct model_entry *to, const struct confirmed_frame *frame,
                                const void *bytes, size_t size, int error)
{
    uint32_t number;
    if (to == NULL || !payload_read_direct(bytes, size, &number) || direct_confirmed(number) == 0)
        return false;
    bool is_first = confirmed_sent(direct_confirmed(number), to, frame, error);
    direct_copy(to, number, is_first, error);
    return true;
}

void copies_sent(int worker, struct model_entry *to, const void *bytes, size_t size, int error)
{
    uint32_t number;
    struct confirmed_frame head;
    const struct confirmed_frame *frame = confirmed_read_frame(&head, &bytes, &size) ? &head : NULL;
    taken_count += error == 0;
    refused_count += error != 0;
    if (is_broadcast(bytes, size, &number)) {
        check_content(&broadcasts[number % BROADCASTS_MAX].content, bytes, size, false);
        broadcast_sent(number, worker, to, frame, error);
    } else if (direct_sent_as_copy(to, frame, bytes, size, error)) {
        /* It was checked. */
    } else if (to == NULL) {
        broken_promise("only broadcasts of the operator go to the multicast group",
                       "%zu other bytes did", size);
    } else {
        check_frame_allowed(0, frame);
        check_relayed(to, end_of_source(to), bytes, size);
    }
    if (to != NULL && !model_is_possible(to))
        broken_promise("only registered clients get copies",
                       "source %" PRIu32 " (port %d) is not registered", to->number,
                       to->source.port);
}

/* Its listener is not known here; only a stream listener may be selected. */
static void check_stream(uint32_t number, const struct addr *peer)
{
    const struct selection *selection = selection_of(number);
    bool is_stream = selection->listener == SELECTION_ANY_LISTENER;
    for (size_t i = 0; i < setup.listener_count; i++)
        is_stream |=
            setup.listeners[i].number == selection->listener &&
            setup.listeners[i].kind == (peer->family == ADDR_NONE ? LISTEN_UNIX : LISTEN_TCP);
    if (!is_stream || !selection_has_address(selection, peer))
        broken_promise("a broadcast with a selector goes to clients that match",
                       "broadcast %" PRIu32 ": a line for a stream client", number);
}

bool copies_on_stream(uint32_t stream, const struct addr *peer, const void *bytes, size_t size,
                      bool taken)
{
    uint32_t number, client;
    bool of_operator = is_broadcast(bytes, size, &number);
    /* A message that was corrupted on its way is relayed as it is. */
    if (!of_operator && !settings_may_relay && !payload_read_message(bytes, size, &client, &number))
        return false;
    taken_count += taken;
    if (of_operator)
        published_copy(number);
    if (of_operator)
        check_stream(number, peer);
    if (of_operator)
        check_content(&broadcasts[number % BROADCASTS_MAX].content, bytes, size, !setup.has_chunks);
    if (of_operator && broadcasts[number % BROADCASTS_MAX].job != 0)
        confirmed_sent_plain(broadcasts[number % BROADCASTS_MAX].job, taken);
    if (of_operator && taken)
        broadcasts[number % BROADCASTS_MAX].taken++;
    if (!of_operator && taken)
        check_relayed(NULL, end_of_stream(stream), bytes, size);
    return true;
}
