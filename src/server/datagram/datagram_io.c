/* A listener's socket: receive a batch, have it decided, send the answers. Reception never waits
 * for what a socket that sends has no room for, but for the replies of the one address that it is
 * bound to. */
#include "server/datagram/datagram_io.h"

#include "net/socket/udp_socket.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/memory.h"
#include "server/datagram/reply_queue.h"
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
    struct datagram_io *io;
    struct send_socket replies, copies;
    struct batch *batch; /* the replies of the round; empty between rounds, unless it blocks */
    struct interface_reply_queue held; /* earlier replies, for which there was no room */
    struct loop_task resume;
};

struct datagram_io {
    struct datagram_io_options options;
    struct loop_handler handler;
    struct batch *received;
    struct decided_answers answers; /* to the batch at hand */
    struct interface_slots interfaces;
    struct slot slots[INTERFACE_SLOTS_ALL];
    size_t slot_count;
    struct reply_queue held;
    bool blocked;             /* replies wait for the only socket; nothing is received meanwhile */
    bool paused;              /* receiving failed a moment ago */
    struct loop_timer retry;  /* ends the pause; opened at the first */
    struct reply *blocked_on; /* what they point into, held against a reload */
    uint32_t drops;           /* the kernel's counter when it was last read */
};

static void listen_to(struct datagram_io *io)
{
    bool reads = !io->blocked && !io->paused;
    loop_change(&io->handler, reads ? LOOP_READ : 0);
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
static uint32_t send_challenges(struct datagram_io *io, struct challenge_queue *queue, int socket)
{
    struct stats *stats = &io->answers.stats;
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

static void send_all_challenges(struct datagram_io *io)
{
    const struct send_socket_set *sockets = &io->options.senders;
    struct challenge_queue *on_link = &io->answers.on_link, *routed = &io->answers.routed;
    /* Neighbours that were known to answer, and do so no longer, may be what fills it. */
    if (batch_queued(routed->batch) > 0 && send_challenges(io, routed, sockets->routed) > 0)
        io->options.on_link_failed(io->options.on_link_state);
    if (batch_queued(on_link->batch) == 0)
        return;
    /* Without a socket of their own they leave some of the buffer to the others. */
    if (sockets->on_link < 0 &&
        socket_queued_bytes(sockets->routed) > SEND_SOCKET_SET_ON_LINK_BYTES)
        batch_fail(on_link->batch, EAGAIN);
    int socket = sockets->on_link < 0 ? sockets->routed : sockets->on_link;
    if (send_challenges(io, on_link, socket) > 0)
        io->options.on_link_failed(io->options.on_link_state);
}

/* ---- replies ---- */

/* Counts what became of the replies in a slot's batch, and empties it. */
static void count_replies(struct slot *slot)
{
    struct stats *stats = &slot->io->answers.stats;
    struct batch_tally tally = batch_tally(slot->batch);
    if (tally.last_errno != 0)
        *slot->io->options.last_errno = tally.last_errno;
    stats->replied += tally.sent;
    stats->reply_failed += tally.failed;
    batch_clear(slot->batch);
}

/* Keeps copies of what a slot's batch could not send; what there is no room for has failed. The
 * requests are counted as received only when it is known what became of their replies, so that the
 * counters always add up. */
static void hold(struct slot *slot)
{
    struct datagram_io *io = slot->io;
    const struct datagram *datagrams = batch_datagrams(io->received);
    struct stats *stats = &io->answers.stats;
    for (int k = batch_settled(slot->batch); k < batch_queued(slot->batch); k++) {
        const void *bytes;
        size_t size;
        const struct datagram *request = &datagrams[batch_answered(slot->batch, k, &bytes, &size)];
        if (reply_queue_add(&io->held, &slot->held, &request->source, &request->local, bytes,
                            size)) {
            stats->received--;
        } else {
            stats->reply_failed++;
            *io->options.last_errno = EAGAIN;
        }
    }
    count_replies(slot);
}

/* Sends the held replies of a slot; false when some have to wait on. */
static bool send_held(struct slot *slot)
{
    struct stats *stats = &slot->io->answers.stats;
    bool has_room = true;
    while (slot->held.count > 0 && has_room) {
        reply_queue_fill(&slot->held, slot->batch);
        has_room = send_socket_send(&slot->replies, slot->batch, &slot->resume) == 0;
        int settled = batch_settled(slot->batch);
        stats->received += (uint64_t)settled;
        count_replies(slot);
        reply_queue_remove(&slot->io->held, &slot->held, settled);
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
    if (slot->io->held.memory == NULL)
        return false;
    hold(slot);
    return true;
}

/* The batch at hand is over: its counts become everyone's, all at once, so that they always add up.
 */
static void end_round(struct datagram_io *io)
{
    struct stats *stats = &io->answers.stats;
    stats_add(io->options.stats, stats);
    memset(stats, 0, sizeof *stats);
    batch_clear(io->received);
}

/* Sends the answers of the batch at hand; false if some have to wait where they are. */
static bool send_answers(struct datagram_io *io)
{
    bool all = true;
    for (size_t i = 0; i < io->slot_count; i++)
        if (batch_queued(io->slots[i].batch) > 0 && !send_replies(&io->slots[i]))
            all = false;
    if (all)
        end_round(io);
    return all;
}

/* ---- reception ---- */

static void block(struct datagram_io *io)
{
    io->blocked = true;
    io->blocked_on = reply_rotation_hold(io->options.datagram_decider->reply);
    listen_to(io);
}

static void unblock(struct datagram_io *io)
{
    io->blocked = false;
    reply_rotation_release(io->blocked_on);
    io->blocked_on = NULL;
}

static void end_pause(void *state)
{
    struct datagram_io *io = state;
    io->paused = false;
    listen_to(io);
}

/* The kernel, short of memory perhaps, would call again at once for what it can't give. */
static void pause_receiving(struct datagram_io *io, int error)
{
    struct loop_timer *retry = &io->retry;
    log_limited(LOG_KIND_RECEIVE_FAILED, clock_now_ms(), "cannot receive", "reason",
                strerror(-error), "advice", "free some memory; it is tried again and again", NULL);
    /* Without a timer it is better to try too often than never again. */
    if (retry->handler.loop == NULL && loop_timer_open(io->options.loop, retry, end_pause, io) != 0)
        return;
    io->paused = true;
    loop_timer_once(retry, RETRY_NS);
    listen_to(io);
}

/* Goes on until nothing is there: a batch that wasn't full may have been followed by more while it
 * was answered, and asking for that costs no more than epoll_wait would. */
static void drain(struct datagram_io *io)
{
    for (int batches = 0; batches < io->options.drain_batches; batches++) {
        int count = batch_receive(io->received, io->options.socket);
        if (count < 0)
            pause_receiving(io, count);
        if (count <= 0) {
            loop_idle(&io->handler);
            return;
        }
        if (count >= MUCH)
            loop_busy(&io->handler);
        datagram_decide(io->options.datagram_decider, io->options.listener, io->received, count,
                        clock_now_ms(), &io->answers);
        send_all_challenges(io);
        if (!send_answers(io)) {
            block(io);
            return;
        }
    }
}

static void on_ready(void *state, unsigned events)
{
    struct datagram_io *io = state;
    (void)events;
    if (!io->blocked && !io->paused)
        drain(io);
}

/* A slot's socket may have room for replies that wait. */
static void on_room(void *state)
{
    struct slot *slot = state;
    struct datagram_io *io = slot->io;
    if (!io->blocked) {
        send_held(slot);
        end_round(io);
    } else if (send_answers(io)) {
        unblock(io);
        listen_to(io);
    }
}

/* ---- from start to stop ---- */

static int open_slot(struct datagram_io *io, size_t i)
{
    const struct send_socket_set *sockets = &io->options.senders;
    struct slot *slot = &io->slots[i];
    slot->io = io;
    slot->resume = (struct loop_task){.run = on_room, .state = slot};
    interface_reply_queue_init(&slot->held);
    slot->batch = io->answers.replies[i] = batch_new(0);
    if (slot->batch == NULL)
        return -ENOMEM;
    struct send_monitor *watch = io->options.watch;
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

static int open_parts(struct datagram_io *io)
{
    const struct datagram_io_options *options = &io->options;
    struct decided_answers *answers = &io->answers;
    io->received = batch_new(options->max_datagram_bytes + FRAME_ANSWER_HEAD_BYTES);
    answers->on_link.batch = batch_new(0);
    answers->routed.batch = batch_new(0);
    if (io->received == NULL || answers->on_link.batch == NULL || answers->routed.batch == NULL)
        return -ENOMEM;
    if (options->senders.by_interface)
        answers->slots = &io->interfaces;
    size_t slots = options->senders.by_interface ? INTERFACE_SLOTS_ALL : 1;
    for (; io->slot_count < slots; io->slot_count++) {
        int error = open_slot(io, io->slot_count);
        if (error != 0)
            return error;
    }
    if (options->senders.by_interface) {
        int error = reply_queue_open(&io->held, options->held_bytes);
        if (error != 0)
            return error;
    }
    return loop_add(options->loop, &io->handler, options->socket, LOOP_READ, on_ready, io);
}

static void free_endpoint(struct datagram_io *io)
{
    for (size_t i = 0; i < INTERFACE_SLOTS_ALL; i++)
        batch_free(io->slots[i].batch);
    batch_free(io->answers.on_link.batch);
    batch_free(io->answers.routed.batch);
    batch_free(io->received);
    reply_queue_close(&io->held);
    free(io);
}

int datagram_io_open(struct datagram_io **io, const struct datagram_io_options *options)
{
    struct datagram_io *made = memory_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    int error = open_parts(made);
    if (error != 0) {
        free_endpoint(made);
        return error;
    }
    *io = made;
    return 0;
}

/* Sends what waits if there is room now; the rest has failed. */
static void close_slot(struct slot *slot)
{
    struct stats *stats = &slot->io->answers.stats;
    if (batch_queued(slot->batch) > 0) {
        send_socket_send(&slot->replies, slot->batch, &slot->resume);
        batch_fail(slot->batch, EAGAIN);
        count_replies(slot);
    }
    send_held(slot);
    stats->received += slot->held.count;
    stats->reply_failed += slot->held.count;
    reply_queue_remove(&slot->io->held, &slot->held, (int)slot->held.count);
    send_socket_close(&slot->replies);
    send_socket_close(&slot->copies);
    loop_cancel(slot->io->options.loop, &slot->resume);
}

void datagram_io_close(struct datagram_io *io)
{
    if (io == NULL)
        return;
    for (size_t i = 0; i < io->slot_count; i++)
        close_slot(&io->slots[i]);
    end_round(io);
    unblock(io);
    datagram_io_count_drops(io);
    loop_timer_close(&io->retry);
    loop_remove(&io->handler);
    free_endpoint(io);
}

void datagram_io_renew(struct datagram_io *io, int *receiver, struct send_socket_set *senders)
{
    datagram_io_count_drops(io);
    if (loop_replace(&io->handler, *receiver) != 0)
        return;
    *receiver = -1;
    for (size_t i = 0; i < io->slot_count; i++) {
        send_socket_renew(&io->slots[i].replies);
        send_socket_renew(&io->slots[i].copies);
    }
    send_socket_set_replace(&io->options.senders, senders);
    datagram_io_forget_drops(io);
}

size_t datagram_io_copy_slot(struct datagram_io *io, const struct addr *local)
{
    return io->options.senders.by_interface ? interface_slot(&io->interfaces, local->scope) : 0;
}

struct send_socket *datagram_io_copies(struct datagram_io *io, size_t slot)
{
    return &io->slots[slot].copies;
}

void datagram_io_count_drops(struct datagram_io *io)
{
    uint32_t drops = socket_drops(io->options.socket);
    io->options.stats->kernel_drops += drops - io->drops; /* both wrap at 2^32 */
    io->drops = drops;
}

void datagram_io_forget_drops(struct datagram_io *io)
{
    io->drops = socket_drops(io->options.socket);
}
