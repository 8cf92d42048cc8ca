#include "load/send/sender_thread.h"

#include "load/send/reply_receive.h"
#include "load/send/request_send.h"
#include "net/socket/socket_buffer.h"
#include "os/loop/poller.h"
#include "os/loop/thread.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    /* This long before a request is due, sleeping ends and busy-waiting begins, if a processor may
     * be used for that: a sleeping thread wakes up late if its processor has to leave a sleep
     * state. */
    SPIN_NS = 100 * 1000,
    /* Up to this number of sockets, it is cheaper to read each of them in each round than to use
       epoll. */
    DIRECT_MAX = 4,
    /* Requests that were due before the end may be sent up to this long after it. */
    CATCH_UP_NS = 100 * 1000 * 1000,
    /* Duplicates follow their originals closely: when all requests are answered, they are received
       for this long. */
    LINGER_NS = 100 * 1000 * 1000,
    /* A sender that never finds its sockets empty expires its requests at least at this interval.
     */
    EXPIRE_NS = 100 * 1000 * 1000,
};

/* A sender goes through the phases in this order; those of registered clients are for fan-outs. */
enum phase { SENDING, DRAINING, GREETING, REGISTERED, LEAVING, LINGERING, ENDED };
enum command { CONTINUE, STOP, ABORT };

struct sender {
    struct sender_setting setting;
    struct thread *thread;
    struct poller *poller;
    bool direct; /* reads its sockets without the poller */
    struct request_io io;
    struct sender_messages messages;

    enum phase phase;
    bool busy; /* the last round sent or received something */
    bool polls_writable;
    uint64_t linger_end_ns, expired_ns;
    uint64_t cpu_start_ns, cpu_ns, sending_end_ns, unsent;
    bool ended_by_count; /* without a rate, and all requests were sent */
    uint32_t drops_before;

    /* Set by the main thread. */
    atomic_int command;
    atomic_bool report_requested, copies_requested, leave_requested;
    _Atomic(const struct copy_counts_payload *) payload;
};

/* ---- Messages ---- */

static uint32_t read_drops(const struct sender *sender)
{
    uint32_t drops = 0;
    for (uint32_t i = 0; i < sender->io.clients.socket_count; i++)
        drops += socket_receive_drops(sender->io.clients.sockets[i]);
    return drops;
}

/* Reports the counts and resets them. Reading the drops of many sockets takes too long before the
 * last report. */
static void report_counts(struct sender *sender, bool last)
{
    struct request_io *io = &sender->io;

    if (sender->direct || last) {
        uint32_t drops = read_drops(sender);
        io->counts.own_drops = drops - sender->drops_before; /* both wrap at 2^32 */
        sender->drops_before = drops;
    }
    sender_messages_report(&sender->messages, &io->counts, &io->corrected, last);
    io->counts = (struct load_counts){0};
    histogram_init(&io->corrected);
}

static void report_errors(struct sender *sender)
{
    const struct request_io *io = &sender->io;
    if (io->error)
        sender_messages_error(&sender->messages, io->error);
    if (!io->answered && io->first_sent_ns &&
        io->now_ns - io->first_sent_ns >= sender->setting.options->timeout_ns)
        sender_messages_error(&sender->messages, 0);
}

/* ---- Phases ---- */

/* The warm-up ended in this round: excludes its processor time, and its drops if they are cheap to
 * read. */
static void begin_cpu_time(struct sender *sender)
{
    sender->cpu_start_ns = clock_thread_cpu_ns();
    if (sender->direct)
        sender->drops_before = read_drops(sender);
}

static void end_sending(struct sender *sender)
{
    struct request_io *io = &sender->io;
    uint64_t due_ns = request_send_due_ns(io);
    uint64_t most = io->counts.sent / 10 + 1000;

    sender->phase = DRAINING;
    sender->ended_by_count = io->remaining == 0 && !sender->setting.rate;
    /* A load that was sent completely lasted as long as its schedule. */
    sender->sending_end_ns = io->now_ns;
    if (atomic_load(&sender->command) == CONTINUE && due_ns != UINT64_MAX && due_ns > io->now_ns)
        sender->sending_end_ns = due_ns < sender->setting.end_ns ? due_ns : sender->setting.end_ns;
    sender->unsent = request_send_abandon(io, most);
    sender->cpu_ns = clock_thread_cpu_ns() - sender->cpu_start_ns;
}

/* Without a rate, requests are paced by their replies: the run lasted until the last reply. Without
 * any reply, a run that is limited by a count lasted until all requests were lost. */
static void end_draining(struct sender *sender)
{
    const struct request_io *io = &sender->io;
    bool took_no_time = sender->sending_end_ns <= io->measuring_ns;
    uint64_t end_ns = io->last_reply_ns;
    if (!end_ns && (sender->ended_by_count || took_no_time))
        end_ns = io->now_ns;
    if (sender->setting.rate || end_ns <= sender->sending_end_ns)
        return;
    sender->sending_end_ns = end_ns;
    sender->cpu_ns = clock_thread_cpu_ns() - sender->cpu_start_ns;
}

static bool has_sent_all(const struct sender *sender)
{
    const struct request_io *io = &sender->io;
    return atomic_load(&sender->command) != CONTINUE || !request_send_has_more(io) ||
           ((sender->setting.rate || io->measuring) && sender->setting.end_ns != UINT64_MAX &&
            io->now_ns >= sender->setting.end_ns + CATCH_UP_NS);
}

static void begin_linger(struct sender *sender)
{
    uint64_t timeout_ns = sender->setting.options->timeout_ns;
    sender->phase = LINGERING;
    sender->linger_end_ns = sender->io.now_ns + (timeout_ns < LINGER_NS ? timeout_ns : LINGER_NS);
}

static void begin_leave(struct sender *sender)
{
    struct request_io *io = &sender->io;
    sender->phase = LEAVING;
    reply_receive_leave(io, sender->sending_end_ns - io->measuring_ns + 1);
}

/* All clients have their reply or are lost: those of a fan-out stay registered. */
static void begin_registered(struct sender *sender)
{
    sender->phase = REGISTERED;
    sender_messages_registered(&sender->messages);
}

static void begin_greeting(struct sender *sender)
{
    sender->phase = GREETING;
    hello_frames_start(sender->io.hello, sender->io.now_ns, sender->io.max_open);
}

/* A run that is stopped early waits for no more answers. */
static bool continue_greeting(const struct sender *sender)
{
    const struct request_io *io = &sender->io;
    return atomic_load(&sender->command) == CONTINUE &&
           hello_frames_step(io->hello, io->copies, io->confirming, io->now_ns);
}

/* A late reply is recognized for one more timeout after its request was lost. A run that is stopped
 * early does not wait for it. */
static bool awaits_late(const struct sender *sender)
{
    return atomic_load(&sender->command) == CONTINUE &&
           reply_match_deadline_ns(sender->io.match) != UINT64_MAX;
}

static void advance_phase(struct sender *sender)
{
    const struct request_io *io = &sender->io;
    if (atomic_load(&sender->command) == ABORT)
        sender->phase = ENDED;
    if (sender->phase == SENDING && has_sent_all(sender))
        end_sending(sender);
    if (sender->phase == DRAINING && reply_match_open(io->match) == 0) {
        end_draining(sender);
        if (!sender->setting.stays_registered)
            begin_linger(sender);
        else if (io->hello == NULL)
            begin_registered(sender);
        else
            begin_greeting(sender);
    }
    if (sender->phase == GREETING && !continue_greeting(sender))
        begin_registered(sender);
    if (sender->phase == REGISTERED && atomic_load(&sender->leave_requested))
        begin_leave(sender);
    if (sender->phase == LEAVING && !leave_frames_step(io->leave, io->copies, io->now_ns))
        begin_linger(sender);
    if (sender->phase == LINGERING && io->now_ns >= sender->linger_end_ns && !awaits_late(sender))
        sender->phase = ENDED;
}

static void answer_requests(struct sender *sender)
{
    if (atomic_load_explicit(&sender->report_requested, memory_order_relaxed) &&
        atomic_exchange(&sender->report_requested, false))
        report_counts(sender, false);
    if (atomic_load_explicit(&sender->copies_requested, memory_order_relaxed) &&
        atomic_exchange(&sender->copies_requested, false))
        sender_messages_copies(&sender->messages, sender->io.copies, sender->io.confirming);
}

/* ---- Rounds ---- */

/* Returns until when there is nothing to do unless a socket is ready; 0: something is to be done.
 */
static uint64_t idle_until_ns(const struct sender *sender)
{
    const struct request_io *io = &sender->io;
    uint64_t until_ns = reply_match_deadline_ns(io->match);

    if (sender->busy)
        return 0;
    if (sender->phase == LINGERING && sender->linger_end_ns > io->now_ns &&
        sender->linger_end_ns < until_ns)
        until_ns = sender->linger_end_ns;
    if (sender->phase == LEAVING && leave_frames_next_ns(io->leave) < until_ns)
        until_ns = leave_frames_next_ns(io->leave);
    if (sender->phase == GREETING && hello_frames_next_ns(io->hello) < until_ns)
        until_ns = hello_frames_next_ns(io->hello);
    if (sender->phase == REGISTERED && io->confirming != NULL &&
        confirming_clients_next_ns(io->confirming) < until_ns)
        until_ns = confirming_clients_next_ns(io->confirming);
    if (sender->phase != SENDING)
        return until_ns;
    if (sender->setting.end_ns < until_ns)
        until_ns = io->blocked ? sender->setting.end_ns + CATCH_UP_NS : sender->setting.end_ns;
    uint64_t due_ns = request_send_due_ns(io);
    if (due_ns < until_ns)
        until_ns = sender->setting.spins ? due_ns - SPIN_NS : due_ns;
    return until_ns;
}

/* Polls the blocked socket for space in its send buffer, or stops that. */
static void update_polling(struct sender *sender)
{
    const struct request_io *io = &sender->io;
    if (io->blocked == sender->polls_writable)
        return;
    sender->polls_writable = io->blocked;
    poller_want_write(sender->poller, io->clients.sockets[io->out_socket], io->out_socket,
                      io->blocked);
}

/* Receives a batch from each socket that may have one. Returns whether no socket had more. */
static bool receive(struct sender *sender, const uint32_t *ready, int count)
{
    const struct copy_counts_payload *payload =
        atomic_load_explicit(&sender->payload, memory_order_acquire);
    bool drained = true;
    if (sender->direct)
        count = (int)sender->io.clients.socket_count;
    for (int i = 0; i < count; i++) {
        uint32_t socket = sender->direct ? (uint32_t)i : ready[i];
        int received = reply_receive_batch(&sender->io, socket, payload);
        sender->busy |= received > 0;
        drained &= received < BATCH_MAX;
    }
    return drained;
}

/* Sends the confirmations of the current broadcast that are due. */
static void confirm(struct sender *sender)
{
    const struct request_io *io = &sender->io;
    const struct copy_counts_payload *payload =
        atomic_load_explicit(&sender->payload, memory_order_acquire);
    if (sender->phase == REGISTERED && io->confirming != NULL && payload != NULL)
        sender->busy |= confirming_clients_send(io->confirming, payload->start_ns, io->now_ns);
}

/* A reply that waits in a receive buffer arrived in time, even if it is read late: requests expire
 * only when the sockets are empty. */
static void expire(struct sender *sender, bool drained)
{
    struct request_io *io = &sender->io;
    if (!drained && io->now_ns - sender->expired_ns < EXPIRE_NS)
        return;
    sender->expired_ns = io->now_ns;
    reply_receive_expire(io);
}

static void run_round(struct sender *sender)
{
    struct request_io *io = &sender->io;
    uint32_t ready[POLLER_READY_MAX];
    uint64_t until_ns = idle_until_ns(sender);
    bool was_measuring = io->measuring;
    int count = 0;

    if (!sender->direct || until_ns > io->now_ns)
        count = poller_wait(sender->poller, until_ns, ready);
    answer_requests(sender);
    io->now_ns = clock_now_ns();
    sender->busy = false;
    if (sender->phase == SENDING)
        sender->busy = request_send_batch(io);
    if (io->measuring && !was_measuring)
        begin_cpu_time(sender);
    update_polling(sender);
    expire(sender, receive(sender, ready, count));
    confirm(sender);
    report_errors(sender);
    advance_phase(sender);
}

static void run(void *state)
{
    struct sender *sender = state;
    thread_minimize_timer_slack();
    sender->io.now_ns = clock_now_ns();
    sender->busy = true; /* nothing is sent yet whose reply could end a wait */
    while (sender->phase != ENDED)
        run_round(sender);
    report_counts(sender, true);
}

/* ---- Creation and orders ---- */

static int watch_sockets(struct sender *sender, const struct simulated_clients *clients)
{
    int error = 0;
    for (uint32_t i = 0; i < clients->socket_count && !error; i++)
        error = poller_add(sender->poller, clients->sockets[i], i);
    return error;
}

struct sender *sender_new(const struct sender_setting *setting,
                          const struct simulated_clients *clients)
{
    const struct request_io_setting io = {
        .options = setting->options,
        .rate = setting->rate,
        .share = setting->number,
        .shares = setting->senders,
        .start_ns = setting->start_ns,
        .measure_ns = setting->measure_ns,
        .end_ns = setting->end_ns,
        .counts_copies = setting->stays_registered,
    };
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return NULL;
    sender->setting = *setting;
    sender->direct = clients->socket_count <= DIRECT_MAX;
    sender_messages_init(&sender->messages, setting->mailbox, &setting->callbacks, setting->number);
    sender->poller = poller_new();
    if (!sender->poller || watch_sockets(sender, clients) != 0 ||
        request_io_open(&sender->io, &io, clients) != 0) {
        poller_free(sender->poller);
        free(sender);
        return NULL;
    }
    return sender;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    request_io_close(&sender->io);
    poller_free(sender->poller);
    free(sender);
}

int sender_start(struct sender *sender)
{
    sender->thread = thread_start("sender", run, sender);
    return sender->thread ? 0 : -errno;
}

void sender_join(struct sender *sender)
{
    thread_join(sender->thread);
    sender->thread = NULL;
}

void sender_request_report(struct sender *sender)
{
    atomic_store(&sender->report_requested, true);
    poller_wake(sender->poller);
}

static void set_command(struct sender *sender, enum command command)
{
    atomic_store(&sender->command, command);
    poller_wake(sender->poller);
}

void sender_stop(struct sender *sender)
{
    set_command(sender, STOP);
}

void sender_abort(struct sender *sender)
{
    set_command(sender, ABORT);
}

void sender_expect_copies(struct sender *sender, const struct copy_counts_payload *payload)
{
    atomic_store_explicit(&sender->payload, payload, memory_order_release);
}

void sender_count_copies(struct sender *sender)
{
    atomic_store(&sender->copies_requested, true);
    poller_wake(sender->poller);
}

void sender_leave(struct sender *sender)
{
    atomic_store(&sender->leave_requested, true);
    poller_wake(sender->poller);
}

/* Returns the duration of the measured part. A schedule begins at its planned time, not when its
 * first request was sent. */
static uint64_t sending_time_ns(const struct sender *sender)
{
    const struct request_io *io = &sender->io;
    uint64_t begin_ns = sender->setting.rate ? sender->setting.measure_ns : io->measuring_ns;
    return io->measuring && sender->sending_end_ns > begin_ns ? sender->sending_end_ns - begin_ns
                                                              : 0;
}

struct sender_summary sender_summary(const struct sender *sender)
{
    const struct request_io *io = &sender->io;
    return (struct sender_summary){
        .raw = &io->raw,
        .lag = &io->lag,
        .replies = io->replies,
        .sending_ns = sending_time_ns(sender),
        .cpu_ns = sender->cpu_ns,
        .unsent = sender->unsent,
        .open_before = io->open_at_warmup,
        .exact = reply_match_is_exact(io->match),
    };
}
