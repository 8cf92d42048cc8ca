/* A listener's socket: receive a batch, have it decided, send the answers, and never let one wait
 * in here while another is received. */
#include "server/endpoint.h"

#include "core/frame.h"
#include "net/clock.h"
#include "net/log.h"
#include "net/memory.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_NS = 10000000, /* behind a receive that failed: a failure that lasts costs no processor */
    MUCH = 16, /* datagrams at once: with so many it pays to have the kernel not watch the socket,
                  which costs it some 250 ns a reply, and two system calls to begin and to end */
};

struct endpoint {
    struct endpoint_options options;
    struct loop_handler handler;
    struct batch *batch;
    struct service_round
        round;    /* of the batch at hand: counted together, when all its answers are sent */
    bool blocked; /* answers wait for the socket; nothing is received meanwhile */
    bool paused;  /* receiving failed a moment ago */
    struct loop_timer retry;    /* ends the pause; opened at the first */
    struct reply *blocked_on;   /* what they point into, held against a reload */
    struct loop_task resume;    /* of one with a voice, whose socket has room again */
    struct loop_task **waiting; /* for the socket to be writable, in no order */
    size_t waiting_count, waiting_room;
    uint32_t drops; /* the kernel's counter when it was last read */
};

static void listen_to(struct endpoint *endpoint)
{
    bool reads = !endpoint->blocked && !endpoint->paused;
    bool writes =
        endpoint->waiting_count > 0 || (endpoint->blocked && endpoint->options.voice == NULL);
    loop_change(&endpoint->handler, (reads ? LOOP_READ : 0) | (writes ? LOOP_WRITE : 0));
}

/* The answers that the kernel took, a bit for each in the order of queueing. */
static uint64_t sent_answers(const struct batch *batch)
{
    int settled = batch_settled(batch);
    uint64_t sent = settled == BATCH_MAX ? UINT64_MAX : (UINT64_C(1) << settled) - 1;
    for (int i = 0; batch_tally(batch).failed > 0 && i < settled; i++)
        if (batch_refused(batch, i))
            sent &= ~(UINT64_C(1) << i);
    return sent;
}

/* The batch at hand is over: its counts become everyone's, all at once, so that they always add up.
 * What the kernel didn't take by now has failed. */
static void settle(struct endpoint *endpoint)
{
    struct batch_tally tally = batch_tally(endpoint->batch);
    struct service_round *round = &endpoint->round;
    if (tally.last_errno != 0)
        *endpoint->options.last_errno = tally.last_errno;
    round->stats.replied += tally.sent;
    round->stats.reply_failed += (uint64_t)batch_queued(endpoint->batch) - tally.sent;
    if ((round->challenges | round->pongs) != 0) {
        uint64_t sent = sent_answers(endpoint->batch);
        uint64_t challenged = (uint64_t)__builtin_popcountll(round->challenges & sent);
        uint64_t ponged = (uint64_t)__builtin_popcountll(round->pongs & sent);
        round->stats.challenged += challenged;
        round->stats.ponged += ponged;
        round->stats.replied -= challenged + ponged;
    }
    stats_add(endpoint->options.stats, &round->stats);
    memset(round, 0, sizeof *round);
    batch_clear(endpoint->batch);
}

/* Sends the answers of the batch at hand; false if some have to wait. */
static bool send_answers(struct endpoint *endpoint)
{
    if (batch_send(endpoint->batch, endpoint_socket(endpoint)) != 0)
        return false;
    settle(endpoint);
    return true;
}

static void block(struct endpoint *endpoint)
{
    endpoint->blocked = true;
    endpoint->blocked_on = reply_hold(endpoint->options.service->reply);
    if (endpoint->options.voice != NULL)
        endpoint_when_writable(endpoint, &endpoint->resume);
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
        int count = batch_receive(endpoint->batch, endpoint->options.socket);
        if (count < 0)
            pause_receiving(endpoint, count);
        if (count <= 0) {
            loop_idle(&endpoint->handler);
            return;
        }
        if (count >= MUCH)
            loop_busy(&endpoint->handler);
        service_decide(endpoint->options.service, endpoint->options.listener, endpoint->batch,
                       count, clock_now_ms(), &endpoint->round);
        if (!send_answers(endpoint)) {
            block(endpoint);
            listen_to(endpoint);
            return;
        }
    }
}

/* The socket by which answers leave has room. */
static void go_on(struct endpoint *endpoint)
{
    if (endpoint->blocked && !send_answers(endpoint)) {
        if (endpoint->options.voice != NULL)
            endpoint_when_writable(endpoint, &endpoint->resume);
        return;
    }
    unblock(endpoint);
    while (endpoint->waiting_count > 0)
        loop_defer(endpoint->options.loop, endpoint->waiting[--endpoint->waiting_count]);
    listen_to(endpoint);
}

static void on_ready(void *state, unsigned events)
{
    struct endpoint *endpoint = state;
    if (events & LOOP_WRITE)
        go_on(endpoint);
    if (!endpoint->blocked && !endpoint->paused)
        drain(endpoint);
}

static void on_voice_ready(void *state)
{
    struct endpoint *endpoint = state;
    if (endpoint->blocked)
        go_on(endpoint);
}

/* Makes room for one more task that may wait. */
static int expect_waiter(struct endpoint *endpoint)
{
    size_t room = endpoint->waiting_room + 1;
    struct loop_task **grown = reallocarray(endpoint->waiting, room, sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    endpoint->waiting = grown;
    endpoint->waiting_room = room;
    return 0;
}

int endpoint_open(struct endpoint **endpoint, const struct endpoint_options *options)
{
    struct endpoint *made = memory_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->resume = (struct loop_task){.run = on_voice_ready, .state = made};
    made->batch = batch_new(options->max_datagram_bytes + FRAME_ANSWER_HEAD_BYTES);
    int error = made->batch == NULL ? -ENOMEM : expect_waiter(made);
    if (error == 0 && options->voice != NULL)
        error = expect_waiter(options->voice);
    if (error == 0)
        error = loop_add(options->loop, &made->handler, options->socket, LOOP_READ, on_ready, made);
    if (error != 0) {
        batch_free(made->batch);
        free(made->waiting);
        free(made);
        return error;
    }
    *endpoint = made;
    return 0;
}

/* Has a task wait no longer. */
static void forget_waiter(struct endpoint *endpoint, const struct loop_task *task)
{
    for (size_t i = 0; i < endpoint->waiting_count; i++)
        if (endpoint->waiting[i] == task)
            endpoint->waiting[i--] = endpoint->waiting[--endpoint->waiting_count];
}

void endpoint_close(struct endpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    if (endpoint->blocked && !send_answers(endpoint))
        settle(endpoint);
    unblock(endpoint);
    endpoint_count_drops(endpoint);
    loop_timer_close(&endpoint->retry);
    loop_remove(&endpoint->handler);
    loop_cancel(endpoint->options.loop, &endpoint->resume);
    if (endpoint->options.voice != NULL)
        forget_waiter(endpoint->options.voice, &endpoint->resume);
    batch_free(endpoint->batch);
    free(endpoint->waiting);
    free(endpoint);
}

int endpoint_socket(const struct endpoint *endpoint)
{
    const struct endpoint *voice = endpoint->options.voice;
    return voice != NULL ? voice->options.socket : endpoint->options.socket;
}

void endpoint_when_writable(struct endpoint *endpoint, struct loop_task *task)
{
    if (endpoint->options.voice != NULL)
        endpoint = endpoint->options.voice;
    for (size_t i = 0; i < endpoint->waiting_count; i++)
        if (endpoint->waiting[i] == task)
            return;
    endpoint->waiting[endpoint->waiting_count++] = task;
    listen_to(endpoint);
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
