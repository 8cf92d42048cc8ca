#include "sim/check/observe.h"

#include "sim/check/copies.h"
#include "sim/check/direct.h"
#include "sim/check/frames.h"
#include "sim/check/hello.h"
#include "sim/check/limits.h"
#include "sim/check/model.h"
#include "sim/check/names.h"
#include "sim/check/offloaded.h"
#include "sim/check/outcomes.h"
#include "sim/check/payload.h"
#include "sim/check/roles.h"
#include "sim/check/rotation.h"
#include "sim/check/shards.h"
#include "sim/check/subscribers.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/udp.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { TOUCHED_MAX = 4096 };

static struct model_entry *touched[TOUCHED_MAX]; /* since the last step */
static size_t touched_count;
/* By worker: the listener whose datagrams are answered now. Challenges leave before the next ones
 * are received, and a group sends them by another listener's socket. */
static int receiving[COROUTINES_MAX];
static int last_receiver;            /* the worker of the last datagram */
static struct connection *answering; /* whose message is handled now */
static const char *answered_message;
static size_t answered_size;
static const void *waiting_copy; /* to the multicast group */
static size_t waiting_size;

/* The worker of a socket. Its own thread uses it; while that is held for an upgrade, the main
 * thread does, or that of the new process if the one before was killed. */
static void check_thread(int worker)
{
    int current = scheduler_current();
    int thread = current >= 0 ? scheduler_worker_of(current) : MAIN_THREAD;
    if (thread == worker)
        return;
    bool is_held =
        roles_process() >= 0 ? scheduler_count(roles_process()) == 1 : upgrades_are_taken();
    if (thread != MAIN_THREAD || !is_held)
        broken_promise("each worker uses its own sockets", "worker %d uses one of worker %d",
                       thread, worker);
}

static int worker_of(int socket)
{
    int worker = role_of(socket).worker;
    check_thread(worker);
    return worker;
}

void observe_reset(void)
{
    memset(receiving, 0, sizeof receiving);
    touched_count = 0;
    answering = NULL;
    answered_message = NULL;
    answered_size = 0;
    waiting_copy = NULL;
    waiting_size = 0;
}

/* ---- datagrams ---- */

/* What has waited for a worker that is no more, or is another one now, is answered nevertheless,
 * and need not register its source. */
static void note_earlier(struct model_entry *entry, uint64_t sure_until_ms,
                         const struct model_link *link)
{
    entry->link = *link;
    int worker = shards_worker_of(entry->listener, &entry->source);
    if (entry->sure_until_ms > sure_until_ms)
        entry->sure_until_ms = sure_until_ms;
    if (worker >= 0)
        entry->worker = worker;
    entry->earlier_ms = event_queue_now_ms();
}

/* What a datagram means for all but the registry. */
static void note_message(struct model_entry *entry, const struct datagram *datagram,
                         bool is_earlier)
{
    const uint8_t *bytes = datagram->bytes;
    size_t size = datagram->size;
    outcomes_received(entry, bytes, size, datagram->truncated, datagram->is_multicast);
    if (size >= 21 && memcmp(bytes, "\0UDP\2", 5) == 0) {
        bytes += 21;
        size -= 21;
    }
    bool may_be_dropped = is_earlier || bytes != datagram->bytes ||
                          model_is_oversize(datagram->bytes, datagram->size, datagram->truncated);
    copies_message_received(entry, may_be_dropped, bytes, size);
    subscribers_datagram(entry, bytes, size, is_earlier || bytes != datagram->bytes);
    if (touched_count < TOUCHED_MAX)
        touched[touched_count++] = entry;
}

void observe_received(int socket, const struct datagram *datagram, bool is_earlier)
{
    int listener = role_of(socket).listener, worker = worker_of(socket);
    totals.datagrams++;
    receiving[worker] = listener;
    last_receiver = worker;
    if (shards_worker_of(listener, &datagram->source) == worker)
        is_earlier = false; /* it has waited for this one */
    is_earlier |= scheduler_process() != roles_process();
    if (!is_earlier)
        shards_check_worker(listener, &datagram->source, worker);
    const struct model_entry *known = model_find(listener, &datagram->source);
    uint64_t sure_until_ms = known != NULL ? known->sure_until_ms : 0;
    struct model_link link = known != NULL ? known->link : (struct model_link){.birth = 0};
    struct model_entry *entry = model_receive(listener, worker, datagram, is_earlier);
    if (is_earlier)
        note_earlier(entry, sure_until_ms, &link);
    note_message(entry, datagram, is_earlier);
}

static bool has_mode(enum drawn_mode mode)
{
    return settings.mode == mode || (settings_change && next_settings.mode == mode);
}

/* A reply is a message of the rotation, or the echo of the request. */
static void check_reply(const void *request, size_t request_size, const void *bytes, size_t size)
{
    bool is_echo = size == request_size && (size == 0 || memcmp(request, bytes, size) == 0);
    if (!(has_mode(MODE_ROTATE) && rotation_reply(bytes, size)) &&
        !(has_mode(MODE_ECHO) && is_echo && !broken_now("echo", 50)))
        broken_promise("a reply is what reply.mode demands", "a request of %zu bytes got %zu",
                       request_size, size);
}

static bool is_frame_of(const void *bytes, size_t size, uint8_t type)
{
    return size >= 5 && memcmp(bytes, "\0UDP", 4) == 0 && ((const uint8_t *)bytes)[4] == type;
}

void observe_reply(const struct datagram *request, const void *bytes, size_t size)
{
    size_t head = model_frame_of(request->bytes, request->size) == FRAME_IS_ANSWER ? 21 : 0;
    if (is_frame_of(bytes, size, 9))
        hello_answer(request->bytes, request->size, size);
    if (!model_has_magic(bytes, size))
        check_reply(request->bytes + head, request->size - head, bytes, size);
    limits_answer(&request->source);
    if (model_is_denied(&request->source))
        broken_promise("a denied source gets no answer", "port %d got one", request->source.port);
}

/* An address that has not proved itself gets at most three times the bytes that came from it. */
static void check_amplification(struct model_entry *entry, size_t size)
{
    if (entry->proven)
        return;
    entry->bytes_out += size + (entry->source.family == ADDR_IPV4 ? 28 : 48);
    if (entry->bytes_out > 3 * entry->bytes_in)
        broken_promise("an unproven address gets at most three times its bytes",
                       "source %" PRIu32 ": %" PRIu64 " bytes in, %" PRIu64 " out", entry->number,
                       entry->bytes_in, entry->bytes_out);
}

void observe_offloaded(const struct packet *packet, int worker, bool has_reply, const void *bytes,
                       size_t size)
{
    const struct datagram datagram = {
        .bytes = packet->bytes, .size = packet->size, .source = packet->from};
    int listener = offloaded_listener(&packet->to);
    struct model_entry *entry = model_offloaded(listener, worker, &packet->from, packet->size);
    totals.datagrams++;
    shards_check_worker(listener, &packet->from, worker);
    offloaded_check_interface(entry, packet);
    note_message(entry, &datagram, false);
    if (model_is_oversize(packet->bytes, packet->size, false))
        broken_promise("the offload answers only what the server would answer",
                       "a datagram of %" PRIu32 " bytes", packet->size);
    if (!has_reply && !has_mode(MODE_NONE))
        broken_promise("a reply is what reply.mode demands", "the offload has sent none");
    offloaded_counted(has_reply);
    if (!has_reply)
        return;
    totals.replies++;
    totals.replied++;
    observe_reply(&datagram, bytes, size);
    check_amplification(entry, size);
}

void observe_noted(const struct packet *packet)
{
    frames_noted(model_find(offloaded_listener(&packet->to), &packet->from), packet);
}

void observe_frame(const struct observed_frame *frame)
{
    int worker = scheduler_worker_of(scheduler_current());
    struct model_entry *entry = frames_check(frame);
    shards_check_worker(entry->listener, &entry->source, worker);
    copies_sent(worker, entry, frame->bytes, frame->size, 0);
    check_amplification(entry, frame->size);
}

static void count_challenge(struct model_entry *entry, const void *bytes, size_t size, int error)
{
    bool is_pong = is_frame_of(bytes, size, 5), is_named = is_frame_of(bytes, size, 9);
    bool is_challenge = is_frame_of(bytes, size, 1);
    if (!is_pong && !is_named && !is_challenge)
        broken_promise("only challenges, pongs and nameds leave by their socket",
                       "another datagram did");
    totals.challenge_failed += error != 0;
    totals.ponged += error == 0 && is_pong;
    totals.named += error == 0 && is_named;
    totals.challenged += error == 0 && is_challenge;
    if (error == 0 && is_challenge && entry != NULL)
        model_challenged(entry, (const uint8_t *)bytes + 5);
    if (is_named && entry != NULL)
        hello_answered(entry);
}

/* Whether a reply may be one to such a datagram. */
static bool answers_earlier(const struct model_entry *entry)
{
    enum { WAITS_MS = 10000 };
    return entry != NULL && entry->earlier_ms != 0 &&
           event_queue_now_ms() < entry->earlier_ms + WAITS_MS;
}

/* Before its workers run, a successor answers by sockets that it has just opened, too. */
static struct role_of_socket role_of_sender(int socket, const void *bytes, size_t size)
{
    struct role_of_socket role = role_of(socket);
    bool is_frame =
        is_frame_of(bytes, size, 1) || is_frame_of(bytes, size, 5) || is_frame_of(bytes, size, 9);
    if (role.role != ROLE_NONE || scheduler_process() == roles_process())
        return role;
    return (struct role_of_socket){is_frame ? ROLE_CHALLENGE : ROLE_REPLY, receiving[last_receiver],
                                   last_receiver};
}

void observe_sent(int socket, const struct addr *to, const void *bytes, size_t size, int error)
{
    struct role_of_socket role = role_of_sender(socket, bytes, size);
    int worker = role.worker;
    check_thread(worker);
    bool is_frame = role.role == ROLE_RECEIVER || role.role == ROLE_CHALLENGE;
    /* Before its workers run, a successor answers batch by batch, maybe by a socket that another
     * worker had in the process before. */
    int receiver = scheduler_process() == roles_process() ? worker : last_receiver;
    int listener = is_frame ? receiving[receiver] : role.listener;
    struct model_entry *entry = model_find(listener, to);
    uint32_t number;
    if (role.role == ROLE_COPY || (role.role == ROLE_REPLY && !answers_earlier(entry)))
        shards_check_worker(listener, to, worker);
    switch (role.role) {
    case ROLE_REPLY:
        if (entry != NULL && payload_read_direct(bytes, size, &number)) {
            direct_sent(entry, number, error);
            break;
        }
        if (entry != NULL && is_frame_of(bytes, size, 9)) {
            names_answered(entry, bytes, size);
            hello_answered(entry);
            totals.claims_answered++;
            break;
        }
        totals.replied += error == 0;
        totals.reply_failed += error != 0;
        break;
    case ROLE_COPY:
        copies_sent(worker, entry, bytes, size, error);
        break;
    case ROLE_MULTICAST:
        copies_sent(worker, NULL, bytes, size, error);
        return;
    case ROLE_RECEIVER:
    case ROLE_CHALLENGE:
        count_challenge(entry, bytes, size, error);
        break;
    default:
        broken_promise("the server sends only by its sockets", "descriptor %d sent", socket);
    }
    if (entry == NULL)
        broken_promise("the server sends only to sources of datagrams", "port %d sent none",
                       to->port);
    if (error == 0)
        check_amplification(entry, size);
}

void observe_full(int socket)
{
    (void)socket;
    totals.full_ms = event_queue_now_ms();
}

void observe_group_waits(const void *bytes, size_t size)
{
    waiting_copy = bytes;
    waiting_size = size;
}

void observe_not_watched(int socket)
{
    udp_not_watched(socket);
    if (role_of(socket).role == ROLE_MULTICAST)
        copies_sent(0, NULL, waiting_copy, waiting_size, ENOMEM);
}

/* ---- streams ---- */

/* Whether a connection belongs to an operator or to an HTTP peer, not to a client. */
static bool is_other(const struct connection *connection)
{
    return connection->is_operator || connection->is_http;
}

void observe_message_received(struct connection *connection, const char *message, size_t size)
{
    if (is_other(connection))
        return;
    totals.stream_messages++;
    answering = connection;
    answered_message = message;
    answered_size = size;
    outcomes_stream_message(message, size);
    copies_stream_message_received(connection->number, message, size);
    subscribers_line(connection, message, size);
}

void observe_message_handled(void)
{
    answering = NULL;
}

void observe_chunk_too_long(void)
{
    totals.stream_messages++;
    outcomes_stream_message_too_long();
}

/* The size of the message in what was written for it: a chunk is the message, a line ends with the
 * only LF that it has. */
static size_t message_size(const char *bytes, size_t size)
{
    if (setup.has_chunks)
        return size;
    const char *end = size > 0 ? memchr(bytes, '\n', size) : NULL;
    if (end == NULL || end != bytes + size - 1)
        broken_promise("a message on a stream of lines is one line", "%zu bytes were sent", size);
    return size - 1;
}

static bool is_error(const char *message, size_t size)
{
    return !setup.has_chunks && size > 7 && memcmp(message, "error: ", 7) == 0;
}

void observe_written(struct connection *connection, const char *bytes, size_t size, bool taken)
{
    if (is_other(connection))
        return;
    uint32_t number;
    size = message_size(bytes, size);
    /* What a stream has sent already may be answered before new rules are applied to it. */
    bool is_new = event_queue_now_ms() <= upgrades_taken_ms() + MODEL_SLOP_MS;
    if (connection->peer.family != ADDR_NONE && model_is_denied(&connection->peer) && !is_new)
        broken_promise("a denied source gets no answer", "a stream got a message");
    if (payload_read_direct(bytes, size, &number)) {
        direct_on_stream(&connection->peer, number, taken);
    } else if (answering == connection) {
        totals.replies++;
        totals.replied += taken;
        totals.reply_failed += !taken;
        check_reply(answered_message, answered_size, bytes, size);
    } else if (!is_error(bytes, size) &&
               !copies_on_stream(connection->number, &connection->peer, bytes, size, taken)) {
        broken_promise("a stream gets replies, copies and errors", "another message was sent");
    }
}

void observe_stream_closed(struct connection *connection, int error)
{
    /* A line that is too long is counted as received, and ends the connection. */
    if (!is_other(connection) && error == -90 /* EMSGSIZE */) {
        totals.stream_messages++;
        outcomes_stream_message_too_long();
    }
}

/* ---- after a step ---- */

static void check_entry(const struct model_entry *entry)
{
    const struct worker *worker = roles_worker((size_t)entry->worker);
    if (worker->io_by_listener == NULL)
        return;
    uint64_t now_ms = event_queue_now_ms(), clock_ms = simulated_clock_ms();
    struct client client;
    shards_check_registered(entry, clock_ms);
    bool found = registry_find(worker->decider.registry, (uint8_t)entry->listener, &entry->source,
                               clock_ms, &client);
    if (found)
        hello_check(entry, client.frames);
    if (!found && model_is_sure(entry))
        broken_promise("a client stays registered until its ttl has passed",
                       "source %" PRIu32 " (port %d, listener %d) is not registered at %" PRIu64
                       " ms; it must be from %" PRIu64 " to %" PRIu64 " ms",
                       entry->number, entry->source.port, entry->listener, now_ms,
                       entry->sure_since_ms, entry->sure_until_ms);
    if (found && !model_is_possible(entry))
        broken_promise("only those who may be are registered",
                       "source %" PRIu32 " (port %d, listener %d) is registered at %" PRIu64
                       " ms; it may be from %" PRIu64 " to %" PRIu64 " ms",
                       entry->number, entry->source.port, entry->listener, now_ms,
                       entry->may_since_ms, entry->may_until_ms);
}

void observe_after_step(void)
{
    for (size_t i = 0; i < touched_count; i++) {
        check_entry(touched[i]);
        limits_registered(touched[i]);
    }
    touched_count = 0;
    for (uint32_t i = 0; i < 4 && model_count() > 0; i++) {
        static uint32_t next;
        const struct model_entry *entry = model_entry(1 + next++ % model_count());
        if (entry->worker >= 0)
            check_entry(entry);
    }
}
