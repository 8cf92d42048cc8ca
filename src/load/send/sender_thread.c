/* A thread that sends on time: it waits precisely, and obeys the run. */
#include "load/send/sender_thread.h"

#include "load/send/traffic.h"
#include "net/socket/udp_socket.h"
#include "os/loop/poller.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    /* A sleeping thread wakes some 50 microseconds late if its processor has to leave a sleep
       state; nearer to its time it waits awake, where a processor may be spent on that. */
    SPIN_NS = 100 * 1000,
    /* Sockets that are cheaper to ask directly, each round, than to have epoll tell of. */
    DIRECT_MAX = 4,
    /* What is due before the end and not sent by then is caught up for so long. */
    CATCH_UP_NS = 100 * 1000 * 1000,
    /* Duplicates come right behind what they double: so long they are listened for when all is
       answered. */
    LINGER_NS = 100 * 1000 * 1000,
    /* A sender that never finds its sockets empty gives up its requests at least so often. */
    EXPIRE_NS = 100 * 1000 * 1000,
    /* The clients leave as fast as they came, by such steps of time, and no step begins before the
       server has answered for the last one, so that its buffer never has more of them than of
       requests. An answer may be lost: it is waited for so long, and not at all after so many
       that did not come. */
    LEAVE_STEP_NS = 1000 * 1000,
    LEAVE_ANSWER_NS = 100 * 1000 * 1000,
    LEAVE_SILENCES = 3,
};

enum phase { SENDING, DRAINING, STAYING, LEAVING, LINGERING, ENDED };
enum order { GO_ON, STOP, ABORT };

/* A letter without content. */
struct notice {
    struct mailbox_message mailbox_message;
    struct sender *from;
};

struct sender {
    struct sender_setting is;
    struct thread *thread;
    struct poller *poller;
    bool direct;
    struct traffic traffic;

    enum phase phase;
    bool busy; /* the last round had something to do */
    bool waits_for_room;
    uint64_t linger_end_ns, expired_ns;
    uint64_t leave_due_ns, leave_answer_ns; /* the next step, and until when the last one waits */
    uint32_t leave_step;                    /* frames in one */
    uint32_t leave_silences;                /* answers that did not come, one after the other */
    bool has_left;                          /* all frames are sent */
    uint64_t cpu_began_ns, cpu_ns, sending_end_ns, unsent;
    bool ended_by_count; /* as fast as it goes, and all was sent */
    uint32_t drops_before;

    struct sender_report letters[2];
    int filling;
    struct sender_error silence, failure;
    struct sender_copies copies;
    struct notice staying;

    /* Orders of the run. */
    atomic_int order;
    atomic_bool asked, asked_copies, released;
    _Atomic(const struct copy_counts_payload *) payload;
};

/* ---- Letters ---- */

static void open_letter(struct mailbox_message *mailbox_message)
{
    struct sender_report *letter = (struct sender_report *)mailbox_message;
    letter->from->is.handed(letter->from->is.state, letter);
}

static void open_trouble(struct mailbox_message *mailbox_message)
{
    struct sender_error *trouble = (struct sender_error *)mailbox_message;
    trouble->from->is.trouble(trouble->from->is.state, trouble);
}

static void open_notice(struct mailbox_message *mailbox_message)
{
    struct notice *notice = (struct notice *)mailbox_message;
    notice->from->is.staying(notice->from->is.state);
}

static void open_copies(struct mailbox_message *mailbox_message)
{
    struct sender_copies *copies = (struct sender_copies *)mailbox_message;
    copies->from->is.copied(copies->from->is.state, copies);
}

static uint32_t read_drops(const struct sender *sender)
{
    uint32_t drops = 0;
    for (uint32_t i = 0; i < sender->traffic.clients.socket_count; i++)
        drops += socket_drops(sender->traffic.clients.sockets[i]);
    return drops;
}

/* Hands the counters over and begins anew. The drops of many sockets take too long to read in
 * between. */
static void hand_over(struct sender *sender, bool last)
{
    struct sender_report *letter = &sender->letters[sender->filling];
    struct traffic *traffic = &sender->traffic;

    if (sender->direct || last) {
        uint32_t drops = read_drops(sender);
        traffic->counts.own_drops = drops - sender->drops_before; /* both wrap at 2^32 */
        sender->drops_before = drops;
    }
    letter->counts = traffic->counts;
    letter->corrected = traffic->corrected;
    letter->last = last;
    traffic->counts = (struct load_counts){0};
    histogram_init(&traffic->corrected);
    sender->filling = 1 - sender->filling;
    mailbox_post(sender->is.mailbox, &letter->mailbox_message);
}

static void print_error(struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    if (traffic->error && !sender->failure.error) {
        sender->failure.error = traffic->error;
        mailbox_post(sender->is.mailbox, &sender->failure.mailbox_message);
    }
    bool silent = !traffic->answered && traffic->first_ns &&
                  traffic->now_ns - traffic->first_ns >= sender->is.options->timeout_ns;
    if (silent && !sender->silence.from) {
        sender->silence.from = sender;
        mailbox_post(sender->is.mailbox, &sender->silence.mailbox_message);
    }
}

/* ---- Phases ---- */

/* The warm-up ended in this round: its own work isn't counted, as far as that is cheap to know. */
static void note_beginning(struct sender *sender)
{
    sender->cpu_began_ns = clock_thread_cpu_ns();
    if (sender->direct)
        sender->drops_before = read_drops(sender);
}

static void end_sending(struct sender *sender)
{
    struct traffic *traffic = &sender->traffic;
    uint64_t due_ns = traffic_due_ns(traffic);
    uint64_t most = traffic->counts.sent / 10 + 1000;

    sender->phase = DRAINING;
    sender->ended_by_count = traffic->left == 0 && !sender->is.rate;
    /* A load that was sent in full has lasted as long as its schedule. */
    sender->sending_end_ns = traffic->now_ns;
    if (atomic_load(&sender->order) == GO_ON && due_ns != UINT64_MAX && due_ns > traffic->now_ns)
        sender->sending_end_ns = due_ns < sender->is.end_ns ? due_ns : sender->is.end_ns;
    sender->unsent = traffic_give_up(traffic, most);
    sender->cpu_ns = clock_thread_cpu_ns() - sender->cpu_began_ns;
}

/* As fast as it goes, a request takes as long as its answer: the run has lasted until the last
 * answer came. Where none ever did, a number of requests has lasted until all were lost. */
static void end_draining(struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    bool took_no_time = sender->sending_end_ns <= traffic->began_ns;
    uint64_t end_ns = traffic->replied_ns;
    if (!end_ns && (sender->ended_by_count || took_no_time))
        end_ns = traffic->now_ns;
    if (sender->is.rate || end_ns <= sender->sending_end_ns)
        return;
    sender->sending_end_ns = end_ns;
    sender->cpu_ns = clock_thread_cpu_ns() - sender->cpu_began_ns;
}

static bool has_sent_all(const struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    return atomic_load(&sender->order) != GO_ON || !traffic_is_due_more(traffic) ||
           ((sender->is.rate || traffic->measuring) && sender->is.end_ns != UINT64_MAX &&
            traffic->now_ns >= sender->is.end_ns + CATCH_UP_NS);
}

static void begin_linger(struct sender *sender)
{
    uint64_t timeout_ns = sender->is.options->timeout_ns;
    sender->phase = LINGERING;
    sender->linger_end_ns =
        sender->traffic.now_ns + (timeout_ns < LINGER_NS ? timeout_ns : LINGER_NS);
}

static void begin_leave(struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    uint64_t took_ns = sender->sending_end_ns - traffic->began_ns + 1;
    uint64_t step = (uint64_t)traffic->clients.count * LEAVE_STEP_NS / took_ns;
    step = step < traffic->limit ? step : traffic->limit;
    sender->phase = LEAVING;
    sender->leave_step = step > 0 ? (uint32_t)step : 1;
    sender->leave_due_ns = traffic->now_ns;
}

/* When the next step is due. */
static uint64_t leave_until_ns(const struct sender *sender)
{
    bool waits = sender->traffic.leave_asked && sender->leave_silences < LEAVE_SILENCES;
    return waits ? sender->leave_answer_ns : sender->leave_due_ns;
}

static void go_on_leaving(struct sender *sender)
{
    struct traffic *traffic = &sender->traffic;
    if (traffic->now_ns < leave_until_ns(sender))
        return;
    if (sender->has_left) {
        begin_linger(sender);
        return;
    }
    sender->leave_silences = traffic->leave_asked ? sender->leave_silences + 1 : 0;
    sender->leave_due_ns = traffic->now_ns + LEAVE_STEP_NS;
    sender->leave_answer_ns = traffic->now_ns + LEAVE_ANSWER_NS;
    sender->has_left = !traffic_leave(traffic, sender->leave_step);
}

/* What was lost in the end may still come late, which is known of it for one more timeout; a run
 * that is broken off doesn't wait so long. */
static bool awaits_late(const struct sender *sender)
{
    return atomic_load(&sender->order) == GO_ON &&
           reply_match_deadline_ns(sender->traffic.match) != UINT64_MAX;
}

static void go_on(struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    if (atomic_load(&sender->order) == ABORT)
        sender->phase = ENDED;
    if (sender->phase == SENDING && has_sent_all(sender))
        end_sending(sender);
    if (sender->phase == DRAINING && reply_match_open(traffic->match) == 0) {
        end_draining(sender);
        if (sender->is.stays) {
            sender->phase = STAYING;
            mailbox_post(sender->is.mailbox, &sender->staying.mailbox_message);
        } else {
            begin_linger(sender);
        }
    }
    if (sender->phase == STAYING && atomic_load(&sender->released))
        begin_leave(sender);
    if (sender->phase == LEAVING)
        go_on_leaving(sender);
    if (sender->phase == LINGERING && traffic->now_ns >= sender->linger_end_ns &&
        !awaits_late(sender))
        sender->phase = ENDED;
}

static void obey(struct sender *sender)
{
    if (atomic_load_explicit(&sender->asked, memory_order_relaxed) &&
        atomic_exchange(&sender->asked, false))
        hand_over(sender, false);
    if (atomic_load_explicit(&sender->asked_copies, memory_order_relaxed) &&
        atomic_exchange(&sender->asked_copies, false)) {
        copy_counts_tell(sender->traffic.copies, &sender->copies.tally);
        mailbox_post(sender->is.mailbox, &sender->copies.mailbox_message);
    }
}

/* ---- Rounds ---- */

/* Until when there is nothing to do unless a socket is ready; 0: there is. */
static uint64_t idle_until_ns(const struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    uint64_t until_ns = reply_match_deadline_ns(traffic->match);

    if (sender->busy)
        return 0;
    if (sender->phase == LINGERING && sender->linger_end_ns > traffic->now_ns &&
        sender->linger_end_ns < until_ns)
        until_ns = sender->linger_end_ns;
    if (sender->phase == LEAVING && leave_until_ns(sender) < until_ns)
        until_ns = leave_until_ns(sender);
    if (sender->phase != SENDING)
        return until_ns;
    if (sender->is.end_ns < until_ns)
        until_ns = traffic->blocked ? sender->is.end_ns + CATCH_UP_NS : sender->is.end_ns;
    uint64_t due_ns = traffic_due_ns(traffic);
    if (due_ns < until_ns)
        until_ns = sender->is.spins ? due_ns - SPIN_NS : due_ns;
    return until_ns;
}

/* Has the poller tell when the socket that has no room has some again, or stops that. */
static void watch_room(struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    if (traffic->blocked == sender->waits_for_room)
        return;
    sender->waits_for_room = traffic->blocked;
    poller_want_write(sender->poller, traffic->clients.sockets[traffic->out_socket],
                      traffic->out_socket, traffic->blocked);
}

/* Receives a batch from each socket that may have one. Whether none had more than that. */
static bool receive(struct sender *sender, const uint32_t *ready, int count)
{
    const struct copy_counts_payload *payload =
        atomic_load_explicit(&sender->payload, memory_order_acquire);
    bool drained = true;
    if (sender->direct)
        count = (int)sender->traffic.clients.socket_count;
    for (int i = 0; i < count; i++) {
        uint32_t socket = sender->direct ? (uint32_t)i : ready[i];
        int received = traffic_receive(&sender->traffic, socket, payload);
        sender->busy |= received > 0;
        drained &= received < BATCH_MAX;
    }
    return drained;
}

/* What stands in a socket was in time, however late we read it: what waits is given up when the
 * sockets are empty. */
static void expire(struct sender *sender, bool drained)
{
    struct traffic *traffic = &sender->traffic;
    if (!drained && traffic->now_ns - sender->expired_ns < EXPIRE_NS)
        return;
    sender->expired_ns = traffic->now_ns;
    traffic_expire(traffic);
}

static void go_round(struct sender *sender)
{
    struct traffic *traffic = &sender->traffic;
    uint32_t ready[POLLER_READY_MAX];
    uint64_t until_ns = idle_until_ns(sender);
    bool was_measuring = traffic->measuring;
    int count = 0;

    if (!sender->direct || until_ns > traffic->now_ns)
        count = poller_wait(sender->poller, until_ns, ready);
    obey(sender);
    traffic->now_ns = clock_now_ns();
    sender->busy = false;
    if (sender->phase == SENDING)
        sender->busy = traffic_send(traffic);
    if (traffic->measuring && !was_measuring)
        note_beginning(sender);
    watch_room(sender);
    expire(sender, receive(sender, ready, count));
    print_error(sender);
    go_on(sender);
}

static void run(void *state)
{
    struct sender *sender = state;
    thread_be_punctual();
    sender->traffic.now_ns = clock_now_ns();
    sender->busy = true; /* nothing has been sent yet that a wait could end by */
    while (sender->phase != ENDED)
        go_round(sender);
    hand_over(sender, true);
}

/* ---- Made, started, ordered ---- */

/* The letters know their way before anything is sent. */
static void address_letters(struct sender *sender)
{
    for (int i = 0; i < 2; i++) {
        sender->letters[i].mailbox_message.open = open_letter;
        sender->letters[i].from = sender;
    }
    sender->silence.mailbox_message.open = open_trouble;
    sender->failure.mailbox_message.open = open_trouble;
    sender->failure.from = sender;
    sender->copies.mailbox_message.open = open_copies;
    sender->copies.from = sender;
    sender->staying = (struct notice){.mailbox_message.open = open_notice, .from = sender};
}

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
    const struct traffic_setting traffic = {
        .options = setting->options,
        .rate = setting->rate,
        .share = setting->number,
        .shares = setting->senders,
        .start_ns = setting->start_ns,
        .measure_ns = setting->measure_ns,
        .end_ns = setting->end_ns,
        .registers = setting->stays,
    };
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return NULL;
    sender->is = *setting;
    sender->direct = clients->socket_count <= DIRECT_MAX;
    address_letters(sender);
    sender->poller = poller_new();
    if (!sender->poller || watch_sockets(sender, clients) != 0 ||
        traffic_open(&sender->traffic, &traffic, clients) != 0) {
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
    traffic_close(&sender->traffic);
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

void sender_ask(struct sender *sender)
{
    atomic_store(&sender->asked, true);
    poller_wake(sender->poller);
}

static void give_order(struct sender *sender, enum order order)
{
    atomic_store(&sender->order, order);
    poller_wake(sender->poller);
}

void sender_stop(struct sender *sender)
{
    give_order(sender, STOP);
}

void sender_abort(struct sender *sender)
{
    give_order(sender, ABORT);
}

void sender_expect_copies(struct sender *sender, const struct copy_counts_payload *payload)
{
    atomic_store_explicit(&sender->payload, payload, memory_order_release);
}

void sender_count_copies(struct sender *sender)
{
    atomic_store(&sender->asked_copies, true);
    poller_wake(sender->poller);
}

void sender_release(struct sender *sender)
{
    atomic_store(&sender->released, true);
    poller_wake(sender->poller);
}

/* How long the measured part took: a schedule begins when it should, not when its first request
 * went out. */
static uint64_t sending_time_ns(const struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    uint64_t begin_ns = sender->is.rate ? sender->is.measure_ns : traffic->began_ns;
    return traffic->measuring && sender->sending_end_ns > begin_ns
               ? sender->sending_end_ns - begin_ns
               : 0;
}

struct sender_summary sender_summary(const struct sender *sender)
{
    const struct traffic *traffic = &sender->traffic;
    return (struct sender_summary){
        .raw = &traffic->raw,
        .lag = &traffic->lag,
        .replies = traffic->replies,
        .sending_ns = sending_time_ns(sender),
        .cpu_ns = sender->cpu_ns,
        .unsent = sender->unsent,
        .open_before = traffic->open_then,
        .exact = reply_match_is_exact(traffic->match),
    };
}
