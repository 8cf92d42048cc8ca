#include "server/datagram/datagram_io.h"

#include "net/socket/socket_buffer.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/memory.h"
#include "server/datagram/datagram_io_state.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_NS = 10000000, /* 10 ms, after a receive that failed: a lasting failure must not take the
                            whole processor */
    /* When this number of datagrams arrives at once, the socket is taken out of epoll until it is
     * empty, which costs two system calls and saves about 250 ns a reply (docs/performance.md,
     * "What epoll costs a UDP socket"). */
    BUSY_DATAGRAMS = 16,
    RECEIVE_ATTEMPTS = 8, /* that fail, of a socket that is to be closed */
};

static void watch_socket(struct datagram_io *io)
{
    bool receives = !io->blocked && !io->paused;
    loop_change(&io->handler, receives ? LOOP_READ : 0);
}

/* ---- challenges, pongs and nameds ---- */

/* Returns a bit for each queued datagram that the kernel took, by position. */
static uint64_t sent_bits(const struct batch *batch)
{
    uint64_t sent = 0;
    for (int i = 0; i < batch_done(batch); i++)
        if (!batch_is_refused(batch, i))
            sent |= UINT64_C(1) << i;
    return sent;
}

/* Sends a queue of challenges, pongs and nameds, counts them, and empties it. Returns how many
 * failed: they do not wait for space. */
static uint32_t send_challenges(struct datagram_io *io, struct challenge_queue *queue, int socket)
{
    struct stats *stats = &io->answers.stats;
    batch_send_or_fail(queue->batch, socket);
    uint64_t sent = sent_bits(queue->batch);
    stats->challenged += (uint64_t)__builtin_popcountll(sent & ~queue->pongs & ~queue->nameds);
    stats->ponged += (uint64_t)__builtin_popcountll(sent & queue->pongs);
    stats->named += (uint64_t)__builtin_popcountll(sent & queue->nameds);
    uint32_t failed = batch_counts(queue->batch).failed;
    stats->challenge_failed += failed;
    queue->pongs = queue->nameds = 0;
    batch_clear(queue->batch);
    return failed;
}

static void send_all_challenges(struct datagram_io *io)
{
    const struct send_socket_set *sockets = &io->options.senders;
    struct challenge_queue *on_link = &io->answers.on_link, *routed = &io->answers.routed;
    /* The socket may be full of datagrams to neighbours that no longer answer. */
    if (batch_queued(routed->batch) > 0 && send_challenges(io, routed, sockets->routed) > 0)
        io->options.on_challenge_failed(io->options.on_link_state);
    if (batch_queued(on_link->batch) == 0)
        return;
    /* If they share the send buffer, they may fill only a part of it. */
    if (sockets->on_link < 0 &&
        socket_send_buffer_used(sockets->routed) > SEND_SOCKET_SET_ON_LINK_BYTES)
        batch_fail_rest(on_link->batch, EAGAIN);
    int socket = sockets->on_link < 0 ? sockets->routed : sockets->on_link;
    if (send_challenges(io, on_link, socket) > 0)
        io->options.on_challenge_failed(io->options.on_link_state);
}

/* ---- replies ---- */

/* Counts the replies in a slot's batch as sent or failed, and empties it. */
static void count_replies(struct datagram_io_slot *slot)
{
    struct stats *stats = &slot->io->answers.stats;
    struct batch_counts tally = batch_counts(slot->batch);
    if (tally.last_errno != 0)
        *slot->io->options.last_errno = tally.last_errno;
    stats->replied += tally.sent;
    stats->reply_failed += tally.failed;
    batch_clear(slot->batch);
}

/* Queues copies of the replies that a slot's batch could not send; if the queue is full they count
 * as failed. Their requests are counted as received only when the replies are sent or have failed,
 * so that the counters always add up. */
static void queue_unsent(struct datagram_io_slot *slot)
{
    struct datagram_io *io = slot->io;
    const struct datagram *datagrams = batch_datagrams(io->received);
    struct stats *stats = &io->answers.stats;
    for (int k = batch_done(slot->batch); k < batch_queued(slot->batch); k++) {
        const void *bytes;
        size_t size;
        const struct datagram *request = &datagrams[batch_get_reply(slot->batch, k, &bytes, &size)];
        if (reply_queue_add(&io->queued, &slot->queue, &request->source, &request->local, bytes,
                            size)) {
            stats->received--;
        } else {
            stats->reply_failed++;
            *io->options.last_errno = EAGAIN;
        }
    }
    count_replies(slot);
}

/* Sends the queued replies of a slot. */
static void send_queued(struct datagram_io_slot *slot)
{
    struct stats *stats = &slot->io->answers.stats;
    bool has_space = true;
    while (slot->queue.count > 0 && has_space) {
        reply_queue_fill(&slot->queue, slot->batch);
        has_space = send_socket_send(&slot->replies, slot->batch, &slot->resume) == 0;
        int settled = batch_done(slot->batch);
        stats->received += (uint64_t)settled;
        count_replies(slot);
        reply_queue_remove(&slot->io->queued, &slot->queue, settled);
    }
}

/* Sends the replies in a slot's batch. Returns false if they have to wait in it. */
static bool send_replies(struct datagram_io_slot *slot)
{
    if (slot->queue.count > 0) {
        queue_unsent(slot);
        return true;
    }
    if (send_socket_send(&slot->replies, slot->batch, &slot->resume) == 0) {
        count_replies(slot);
        return true;
    }
    if (slot->io->queued.memory == NULL)
        return false;
    queue_unsent(slot);
    return true;
}

/* Ends the current batch: adds its counts to the worker's counters at once, so that these always
 * add up. */
static void end_batch(struct datagram_io *io)
{
    struct stats *stats = &io->answers.stats;
    stats_add(io->options.stats, stats);
    memset(stats, 0, sizeof *stats);
    batch_clear(io->received);
}

/* Sends the replies to the current batch. Returns false if some have to wait in their batches. */
static bool send_all_replies(struct datagram_io *io)
{
    bool all_sent = true;
    for (size_t i = 0; i < io->slot_count; i++)
        if (batch_queued(io->slots[i].batch) > 0 && !send_replies(&io->slots[i]))
            all_sent = false;
    if (all_sent)
        end_batch(io);
    return all_sent;
}

/* ---- reception ---- */

/* This is the only state in which a batch is not yet done when a handler returns. So a worker whose
 * loop is stopped between two handlers has, for each listener, either this batch or replies in the
 * queues, or nothing that was received and not answered (server/datagram/datagram_io_handover). */
static void block(struct datagram_io *io)
{
    io->blocked = true;
    io->blocked_on = reply_rotation_retain(io->options.datagram_decider->reply);
    watch_socket(io);
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
    watch_socket(io);
}

/* Without a pause, epoll would report the socket again at once, as long as receiving fails for lack
 * of memory. */
static void pause_receiving(struct datagram_io *io, int error)
{
    struct loop_timer *retry = &io->retry;
    log_limited(LOG_KIND_RECEIVE_FAILED, clock_now_ms(), "cannot receive", "reason",
                strerror(-error), "advice", "free some memory; it is tried again every 10 ms",
                NULL);
    /* Without a timer, retrying at once is better than never. */
    if (retry->handler.loop == NULL && loop_timer_open(io->options.loop, retry, end_pause, io) != 0)
        return;
    io->paused = true;
    loop_timer_once(retry, RETRY_NS);
    watch_socket(io);
}

/* Answers a batch that was received. Returns false if its replies have to wait. */
static inline bool answer(struct datagram_io *io, int count)
{
    datagram_decide(io->options.datagram_decider, io->options.listener, io->received, count,
                    clock_now_ms(), &io->answers);
    send_all_challenges(io);
    if (send_all_replies(io))
        return true;
    block(io);
    return false;
}

/* Receives and answers batches until the socket is empty, at most drain_batches. Continues after a
 * batch that was not full, since more may have arrived meanwhile, and trying costs one system call,
 * as waiting in epoll_wait would. */
static void receive_and_answer(struct datagram_io *io)
{
    for (int batches = 0; batches < io->options.drain_batches; batches++) {
        int count = batch_receive(io->received, io->options.socket);
        if (count < 0)
            pause_receiving(io, count);
        if (count == 0)
            datagram_decider_note_empty(io->options.datagram_decider, io->options.listener);
        if (count <= 0) {
            loop_stop_busy_poll(&io->handler);
            return;
        }
        if (count >= BUSY_DATAGRAMS)
            loop_start_busy_poll(&io->handler);
        if (!answer(io, count))
            return;
    }
}

static void on_ready(void *state, unsigned events)
{
    struct datagram_io *io = state;
    (void)events;
    if (!io->blocked && !io->paused)
        receive_and_answer(io);
}

/* A listener with a single send socket has sent the replies that another process had received the
 * requests for. From now on its replies wait in their batch. */
static void end_taken_over(struct datagram_io *io)
{
    reply_queue_close(&io->queued);
    unblock(io);
    watch_socket(io);
}

/* A slot's send socket may have space again. */
static void on_space(void *state)
{
    struct datagram_io_slot *slot = state;
    struct datagram_io *io = slot->io;
    if (slot->queue.count > 0 || !io->blocked) {
        send_queued(slot);
        end_batch(io);
        if (io->blocked && slot->queue.count == 0)
            end_taken_over(io);
    } else if (send_all_replies(io)) {
        unblock(io);
        watch_socket(io);
    }
}

/* ---- from start to stop ---- */

static int open_slot(struct datagram_io *io, size_t i)
{
    const struct send_socket_set *sockets = &io->options.senders;
    struct datagram_io_slot *slot = &io->slots[i];
    slot->io = io;
    slot->resume = (struct loop_task){.run = on_space, .state = slot};
    interface_reply_queue_init(&slot->queue);
    slot->batch = io->answers.replies[i] = batch_new(0);
    if (slot->batch == NULL)
        return -ENOMEM;
    struct send_monitor *monitor = io->options.send_monitor;
    if (sockets->single || i == SEND_SOCKET_SLOT_UNKNOWN) {
        /* The kernel doubles the size that it is asked for, for its own bookkeeping: socket(7). */
        uint32_t space_bytes = 2 * sockets->buffer_bytes;
        send_socket_open_limited(&slot->replies, monitor, sockets->replies[i], space_bytes);
        send_socket_open_limited(&slot->copies, monitor, sockets->copies[i], space_bytes);
    } else {
        send_socket_open(&slot->replies, monitor, sockets->replies[i], sockets->reply_reserve);
        send_socket_open(&slot->copies, monitor, sockets->copies[i], sockets->copy_reserve);
    }
    return 0;
}

static int open_resources(struct datagram_io *io)
{
    const struct datagram_io_options *options = &io->options;
    struct datagram_answers *answers = &io->answers;
    io->received = batch_new(datagram_bytes_max(options->max_datagram_bytes));
    answers->on_link.batch = batch_new(0);
    answers->routed.batch = batch_new(0);
    if (io->received == NULL || answers->on_link.batch == NULL || answers->routed.batch == NULL)
        return -ENOMEM;
    if (options->senders.by_interface)
        answers->slots = &io->interfaces;
    size_t slots = options->senders.by_interface ? SEND_SOCKET_SLOTS_COUNT : 1;
    for (; io->slot_count < slots; io->slot_count++) {
        int error = open_slot(io, io->slot_count);
        if (error != 0)
            return error;
    }
    if (options->senders.by_interface) {
        int error = reply_queue_open(&io->queued, options->reply_queue_bytes);
        if (error != 0)
            return error;
    }
    return loop_add(options->loop, &io->handler, options->socket, LOOP_READ, on_ready, io);
}

static void free_io(struct datagram_io *io)
{
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++)
        batch_free(io->slots[i].batch);
    batch_free(io->answers.on_link.batch);
    batch_free(io->answers.routed.batch);
    batch_free(io->received);
    reply_queue_close(&io->queued);
    free(io);
}

int datagram_io_open(struct datagram_io **io, const struct datagram_io_options *options)
{
    struct datagram_io *made = memory_cache_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    int error = open_resources(made);
    if (error != 0) {
        free_io(made);
        return error;
    }
    *io = made;
    return 0;
}

/* Sends the waiting replies as far as the socket has space; the rest is counted as failed. */
static void close_slot(struct datagram_io_slot *slot)
{
    struct stats *stats = &slot->io->answers.stats;
    if (batch_queued(slot->batch) > 0) {
        send_socket_send(&slot->replies, slot->batch, &slot->resume);
        batch_fail_rest(slot->batch, EAGAIN);
        count_replies(slot);
    }
    send_queued(slot);
    stats->received += slot->queue.count;
    stats->reply_failed += slot->queue.count;
    reply_queue_remove(&slot->io->queued, &slot->queue, (int)slot->queue.count);
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
    end_batch(io);
    unblock(io);
    datagram_io_count_drops(io);
    loop_timer_close(&io->retry);
    loop_remove(&io->handler);
    free_io(io);
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
    return io->options.senders.by_interface ? send_socket_slot(&io->interfaces, local->scope) : 0;
}

struct send_socket *datagram_io_copies(struct datagram_io *io, size_t slot)
{
    return &io->slots[slot].copies;
}

struct send_socket *datagram_io_replies(struct datagram_io *io, size_t slot)
{
    return &io->slots[slot].replies;
}

void datagram_io_count_drops(struct datagram_io *io)
{
    uint32_t drops = socket_receive_drops(io->options.socket);
    io->options.stats->kernel_drops += drops - io->drops; /* both wrap at 2^32 */
    io->drops = drops;
}

void datagram_io_resized(struct datagram_io *io)
{
    for (size_t i = 0; i < io->slot_count; i++) {
        send_socket_resized(&io->slots[i].replies);
        send_socket_resized(&io->slots[i].copies);
    }
}

void datagram_io_start_counting_drops(struct datagram_io *io)
{
    if (!io->counts_drops)
        datagram_io_forget_drops(io);
    io->counts_drops = true;
}

void datagram_io_forget_drops(struct datagram_io *io)
{
    io->drops = socket_receive_drops(io->options.socket);
}

/* ---- other sockets of the listener ---- */

/* The kernel gives such a socket nothing more, so this ends. A call that fails is repeated, since
 * the socket is closed afterwards. */
void datagram_io_answer_waiting(struct datagram_io *io, int socket)
{
    int count = 1, failures = 0;
    while (!io->blocked && count != 0 && failures < RECEIVE_ATTEMPTS) {
        count = batch_receive(io->received, socket);
        if (count > 0)
            answer(io, count);
        failures += count < 0;
    }
}

void datagram_io_answer_strays(struct datagram_io *io)
{
    const struct send_socket_set *senders = &io->options.senders;
    if (senders->single)
        return;
    datagram_io_answer_waiting(io, senders->on_link);
    datagram_io_answer_waiting(io, senders->reply_reserve);
    datagram_io_answer_waiting(io, senders->copy_reserve);
    for (size_t i = 0; i < (senders->by_interface ? SEND_SOCKET_SLOTS_MAX : 1); i++) {
        datagram_io_answer_waiting(io, senders->replies[i]);
        datagram_io_answer_waiting(io, senders->copies[i]);
    }
}
