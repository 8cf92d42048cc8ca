/* A listener's socket: receive a batch, have it decided, send the answers. Reception never waits
 * for what a socket that sends has no room for, but for the replies of the one address that it is
 * bound to. */
#include "server/endpoint.h"

#include "net/clock.h"
#include "net/log.h"
#include "net/memory.h"
#include "net/socket.h"
#include "server/held_replies.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_NS = 10000000, /* after a receive that failed: a failure that lasts costs no processor */
    MUCH = 16, /* datagrams at once: with so many it pays to have the kernel not watch the socket,
                  which costs it some 250 ns a reply, and two system calls to begin and to end */
};

/* What leaves by one interface. */
struct slot {
    struct endpoint *endpoint;
    struct send_socket replies, copies;
    struct batch *batch;    /* the replies of the round; empty between rounds, unless it blocks */
    struct held_queue held; /* earlier replies, for which there was no room */
    struct loop_task resume;
};

struct endpoint {
    struct endpoint_options options;
    struct loop_handler handler;
    struct batch *received;
    struct service_answers answers; /* to the batch at hand */
    struct interface_slots interfaces;
    struct slot slots[INTERFACE_SLOTS_ALL];
    size_t slot_count;
    struct held_replies held;
    bool blocked;             /* replies wait for the only socket; nothing is received meanwhile */
    bool paused;              /* receiving failed a moment ago */
    struct loop_timer retry;  /* ends the pause; opened at the first */
    struct reply *blocked_on; /* what they point into, held against a reload */
    uint32_t drops;           /* the kernel's counter when it was last read */
};

static void listen_to(struct endpoint *endpoint)
{
    bool reads = !endpoint->blocked && !endpoint->paused;
    loop_change(&endpoint->handler, reads ? LOOP_READ : 0);
}

/* ---- challenges and pongs ---- */

/* Of those queued, the ones that the kernel took: a bit for each in the order of queueing. */
static uint64_t sent_of(const struct batch *batch)
{
    uint64_t sent = 0;
    for (int i = 0; i < batch_settled(batch); i++)
        if (!batch_refused(batch, i))
            sent |= UINT64_C(1) << i;
    return sent;
}

/* Sends them, counts those that the kernel didn't take at once, and empties the queue. Returns how
 * many those were. */
static uint32_t send_challenges(struct endpoint *endpoint, struct service_challenges *queue,
                                int socket)
{
    struct stats *stats = &endpoint->answers.stats;
    batch_send_or_fail(queue->batch, socket);
    uint64_t sent = sent_of(queue->batch);
    stats->challenged += (uint64_t)__builtin_popcountll(sent & ~queue->pongs);
    stats->ponged += (uint64_t)__builtin_popcountll(sent & queue->pongs);
    uint32_t failed = batch_tally(queue->batch).failed;
    stats->challenge_failed += failed;
    queue->pongs = 0;
    batch_clear(queue->batch);
    return failed;
}

static void send_all_challenges(struct endpoint *endpoint)
{
    const struct sender_sockets *sockets = &endpoint->options.senders;
    struct service_challenges *on_link = &endpoint->answers.on_link,
                              *routed = &endpoint->answers.routed;
    /* Neighbours that were known to answer, and do so no longer, may be what fills it. */
    if (batch_queued(routed->batch) > 0 && send_challenges(endpoint, routed, sockets->routed) > 0)
        endpoint->options.on_link_failed(endpoint->options.on_link_state);
    if (batch_queued(on_link->batch) == 0)
        return;
    /* Without a socket of their own they leave some of the buffer to the others. */
    if (sockets->on_link < 0 && socket_queued_bytes(sockets->routed) > SENDER_ON_LINK_BYTES)
        batch_fail(on_link->batch, EAGAIN);
    int socket = sockets->on_link < 0 ? sockets->routed : sockets->on_link;
    if (send_challenges(endpoint, on_link, socket) > 0)
        endpoint->options.on_link_failed(endpoint->options.on_link_state);
}

/* ---- replies ---- */

/* Counts what became of the replies in a slot's batch, and empties it. */
static void count_replies(struct slot *slot)
{
    struct stats *stats = &slot->endpoint->answers.stats;
    struct batch_tally tally = batch_tally(slot->batch);
    if (tally.last_errno != 0)
        *slot->endpoint->options.last_errno = tally.last_errno;
    stats->replied += tally.sent;
    stats->reply_failed += tally.failed;
    batch_clear(slot->batch);
}

/* Keeps copies of what a slot's batch could not send; what there is no room for has failed. The
 * requests are counted as received only when it is known what became of their replies, so that the
 * counters always add up. */
static void hold(struct slot *slot)
{
    struct endpoint *endpoint = slot->endpoint;
    const struct datagram *datagrams = batch_datagrams(endpoint->received);
    struct stats *stats = &endpoint->answers.stats;
    for (int k = batch_settled(slot->batch); k < batch_queued(slot->batch); k++) {
        const void *bytes;
        size_t size;
        const struct datagram *request = &datagrams[batch_answered(slot->batch, k, &bytes, &size)];
        if (held_replies_add(&endpoint->held, &slot->held, &request->source, &request->local, bytes,
                             size)) {
            stats->received--;
        } else {
            stats->reply_failed++;
            *endpoint->options.last_errno = EAGAIN;
        }
    }
    count_replies(slot);
}

/* Sends the held replies of a slot; false when some have to wait on. */
static bool send_held(struct slot *slot)
{
    struct stats *stats = &slot->endpoint->answers.stats;
    bool has_room = true;
    while (slot->held.count > 0 && has_room) {
        held_replies_fill(&slot->held, slot->batch);
        has_room = send_socket_send(&slot->replies, slot->batch, &slot->resume) == 0;
        int settled = batch_settled(slot->batch);
        stats->received += (uint64_t)settled;
        count_replies(slot);
        held_replies_remove(&slot->endpoint->held, &slot->held, settled);
    }
    return has_room;
}

/* Sends the replies of the round. False if they have to wait where they are. */
static bool send_replies(struct slot *slot)
{
    if (slot->held.count > 0) {
        hold(slot);
        return true;
    }
    if (send_socket_send(&slot->replies, slot->batch, &slot->resume) == 0) {
        count_replies(slot);
        return true;
    }
    if (slot->endpoint->held.memory == NULL)
        return false;
    hold(slot);
    return true;
}

/* The batch at hand is over: its counts become everyone's, all at once, so that they always add up.
 */
static void end_round(struct endpoint *endpoint)
{
    struct stats *stats = &endpoint->answers.stats;
    stats_add(endpoint->options.stats, stats);
    memset(stats, 0, sizeof *stats);
    batch_clear(endpoint->received);
}

/* Sends the answers of the batch at hand; false if some have to wait where they are. */
static bool send_answers(struct endpoint *endpoint)
{
    bool all = true;
    for (size_t i = 0; i < endpoint->slot_count; i++)
        if (batch_queued(endpoint->slots[i].batch) > 0 && !send_replies(&endpoint->slots[i]))
            all = false;
    if (all)
        end_round(endpoint);
    return all;
}

/* ---- reception ---- */

static void block(struct endpoint *endpoint)
{
    endpoint->blocked = true;
    endpoint->blocked_on = reply_hold(endpoint->options.service->reply);
    listen_to(endpoint);
}

static void unblock(struct endpoint *endpoint)
{
    endpoint->blocked = false;
    reply_release(endpoint->blocked_on);
    endpoint->blocked_on = NULL;
}

static void end_pause(void *state)
{
    struct endpoint *endpoint = state;
    endpoint->paused = false;
    listen_to(endpoint);
}

/* The kernel, short of memory perhaps, would call again at once for what it can't give. */
static void pause_receiving(struct endpoint *endpoint, int error)
{
    struct loop_timer *retry = &endpoint->retry;
    log_complaint(LOG_KIND_RECEIVE_FAILED, clock_now_ms(), "cannot receive", "reason",
                  strerror(-error), "advice", "free some memory; it is tried again and again",
                  NULL);
    /* Without a timer it is better to try too often than never again. */
    if (retry->handler.loop == NULL &&
        loop_timer_open(endpoint->options.loop, retry, end_pause, endpoint) != 0)
        return;
    endpoint->paused = true;
    loop_timer_once(retry, RETRY_NS);
    listen_to(endpoint);
}

/* Goes on until nothing is there: a batch that wasn't full may have been followed by more while it
 * was answered, and asking for that costs no more than epoll_wait would. */
static void drain(struct endpoint *endpoint)
{
    for (int batches = 0; batches < endpoint->options.drain_batches; batches++) {
        int count = batch_receive(endpoint->received, endpoint->options.socket);
        if (count < 0)
            pause_receiving(endpoint, count);
        if (count <= 0) {
            loop_idle(&endpoint->handler);
            return;
        }
        if (count >= MUCH)
            loop_busy(&endpoint->handler);
        service_decide(endpoint->options.service, endpoint->options.listener, endpoint->received,
                       count, clock_now_ms(), &endpoint->answers);
        send_all_challenges(endpoint);
        if (!send_answers(endpoint)) {
            block(endpoint);
            return;
        }
    }
}

static void on_ready(void *state, unsigned events)
{
    struct endpoint *endpoint = state;
    (void)events;
    if (!endpoint->blocked && !endpoint->paused)
        drain(endpoint);
}

/* A slot's socket may have room for replies that wait. */
static void on_room(void *state)
{
    struct slot *slot = state;
    struct endpoint *endpoint = slot->endpoint;
    if (!endpoint->blocked) {
        send_held(slot);
        end_round(endpoint);
    } else if (send_answers(endpoint)) {
        unblock(endpoint);
        listen_to(endpoint);
    }
}

/* ---- from start to stop ---- */

static int open_slot(struct endpoint *endpoint, size_t i)
{
    const struct sender_sockets *sockets = &endpoint->options.senders;
    struct slot *slot = &endpoint->slots[i];
    slot->endpoint = endpoint;
    slot->resume = (struct loop_task){.run = on_room, .state = slot};
    held_queue_init(&slot->held);
    slot->batch = endpoint->answers.replies[i] = batch_new(0);
    if (slot->batch == NULL)
        return -ENOMEM;
    struct send_watch *watch = endpoint->options.watch;
    if (sockets->single || i == INTERFACE_SLOT_UNKNOWN) {
        /* The kernel doubles what it is asked for, for its own bookkeeping: socket(7). */
        uint32_t room_bytes = 2 * sockets->buffer_bytes;
        send_socket_open_limited(&slot->replies, watch, sockets->replies[i], room_bytes);
        send_socket_open_limited(&slot->copies, watch, sockets->copies[i], room_bytes);
    } else {
        send_socket_open(&slot->replies, watch, sockets->replies[i], sockets->reply_reserve);
        send_socket_open(&slot->copies, watch, sockets->copies[i], sockets->copy_reserve);
    }
    return 0;
}

static int open_parts(struct endpoint *endpoint)
{
    const struct endpoint_options *options = &endpoint->options;
    struct service_answers *answers = &endpoint->answers;
    endpoint->received = batch_new(options->max_datagram_bytes + FRAME_ANSWER_HEAD_BYTES);
    answers->on_link.batch = batch_new(0);
    answers->routed.batch = batch_new(0);
    if (endpoint->received == NULL || answers->on_link.batch == NULL ||
        answers->routed.batch == NULL)
        return -ENOMEM;
    if (options->senders.by_interface)
        answers->slots = &endpoint->interfaces;
    size_t slots = options->senders.by_interface ? INTERFACE_SLOTS_ALL : 1;
    for (; endpoint->slot_count < slots; endpoint->slot_count++) {
        int error = open_slot(endpoint, endpoint->slot_count);
        if (error != 0)
            return error;
    }
    if (options->senders.by_interface) {
        int error = held_replies_open(&endpoint->held, options->held_bytes);
        if (error != 0)
            return error;
    }
    return loop_add(options->loop, &endpoint->handler, options->socket, LOOP_READ, on_ready,
                    endpoint);
}

static void free_endpoint(struct endpoint *endpoint)
{
    for (size_t i = 0; i < INTERFACE_SLOTS_ALL; i++)
        batch_free(endpoint->slots[i].batch);
    batch_free(endpoint->answers.on_link.batch);
    batch_free(endpoint->answers.routed.batch);
    batch_free(endpoint->received);
    held_replies_close(&endpoint->held);
    free(endpoint);
}

int endpoint_open(struct endpoint **endpoint, const struct endpoint_options *options)
{
    struct endpoint *made = memory_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    int error = open_parts(made);
    if (error != 0) {
        free_endpoint(made);
        return error;
    }
    *endpoint = made;
    return 0;
}

/* Sends what waits if there is room now; the rest has failed. */
static void close_slot(struct slot *slot)
{
    struct stats *stats = &slot->endpoint->answers.stats;
    if (batch_queued(slot->batch) > 0) {
        send_socket_send(&slot->replies, slot->batch, &slot->resume);
        batch_fail(slot->batch, EAGAIN);
        count_replies(slot);
    }
    send_held(slot);
    stats->received += slot->held.count;
    stats->reply_failed += slot->held.count;
    held_replies_remove(&slot->endpoint->held, &slot->held, (int)slot->held.count);
    send_socket_close(&slot->replies);
    send_socket_close(&slot->copies);
    loop_cancel(slot->endpoint->options.loop, &slot->resume);
}

void endpoint_close(struct endpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    for (size_t i = 0; i < endpoint->slot_count; i++)
        close_slot(&endpoint->slots[i]);
    end_round(endpoint);
    unblock(endpoint);
    endpoint_count_drops(endpoint);
    loop_timer_close(&endpoint->retry);
    loop_remove(&endpoint->handler);
    free_endpoint(endpoint);
}

void endpoint_renew(struct endpoint *endpoint, int *receiver, struct sender_sockets *senders)
{
    endpoint_count_drops(endpoint);
    if (loop_replace(&endpoint->handler, *receiver) != 0)
        return;
    *receiver = -1;
    for (size_t i = 0; i < endpoint->slot_count; i++) {
        send_socket_renew(&endpoint->slots[i].replies);
        send_socket_renew(&endpoint->slots[i].copies);
    }
    sender_sockets_replace(&endpoint->options.senders, senders);
    endpoint_forget_drops(endpoint);
}

size_t endpoint_copy_slot(struct endpoint *endpoint, const struct addr *local)
{
    return endpoint->options.senders.by_interface
               ? interface_slot(&endpoint->interfaces, local->scope)
               : 0;
}

struct send_socket *endpoint_copies(struct endpoint *endpoint, size_t slot)
{
    return &endpoint->slots[slot].copies;
}

void endpoint_count_drops(struct endpoint *endpoint)
{
    uint32_t drops = socket_drops(endpoint->options.socket);
    endpoint->options.stats->kernel_drops += drops - endpoint->drops; /* both wrap at 2^32 */
    endpoint->drops = drops;
}

void endpoint_forget_drops(struct endpoint *endpoint)
{
    endpoint->drops = socket_drops(endpoint->options.socket);
}
