#include "server/events/subscriptions.h"

#include "os/process/clock.h"
#include "server/control/session_eviction.h"
#include "server/events/event_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* Events that are delivered before other events of the loop are handled: about a millisecond,
     * so that a flood of messages does not delay the other operators. */
    DELIVERED_AT_ONCE = 512,
};

/* One subscriber. The workers get a message each when it begins, and again when it ends. Its number
 * is free for another one when all of them have answered that, and the events that they published
 * before are out of the queues. */
struct subscription {
    struct subscriptions *all;
    struct control_session *session;
    struct subscription_owner owner;
    struct event_filter filter;
    unsigned number;
    bool is_observer;
    enum {
        SUBSCRIPTION_STARTING,
        SUBSCRIPTION_ACTIVE,
        SUBSCRIPTION_ENDING,
        SUBSCRIPTION_DRAINING, /* no session any more */
    } state;
    size_t pending; /* workers that have not answered */
    uint64_t lost;  /* lost events that are not yet reported to it */
    struct {
        uint64_t lost; /* event_queue_lost when it was last read */
        uint64_t mark; /* while it drains: the events before this may be its own */
    } * queues;        /* by worker */
    struct subscription_call {
        struct worker_call call; /* first */
        struct subscription *subscription;
    } calls[]; /* by worker */
};

struct subscriptions {
    struct loop *loop;
    struct mailbox *mailbox;
    struct loop_task delivery;
    struct worker *const *workers;
    const struct listeners *listeners;
    const struct client_names *names;
    size_t worker_count;
    struct event_queue **queues;                      /* by worker */
    struct subscription *list[EVENT_SUBSCRIBERS_MAX]; /* by number */
    uint64_t numbers;                                 /* that are in use, a bit each */
    uint64_t lost, published; /* since the start; see subscriptions_add_counts */
    bool stopped;
    char line[EVENT_LINE_BYTES];
};

/* ---- delivery ---- */

static void write_lost(struct subscription *subscription)
{
    if (subscription->lost > 0)
        control_line(subscription->session, "lost", "%" PRIu64, subscription->lost);
    subscription->lost = 0;
}

static bool has_room(const struct subscription *subscription)
{
    return control_unsent_bytes(subscription->session) < SUBSCRIPTION_UNSENT_BYTES;
}

static void deliver(struct subscription *subscription, const char *line, size_t size)
{
    if (subscription->state != SUBSCRIPTION_ACTIVE)
        return;
    if (!has_room(subscription)) {
        subscription->lost++;
        subscription->all->lost++;
        return;
    }
    write_lost(subscription);
    control_bytes(subscription->session, line, size);
}

static bool wants(const struct subscription *subscription, const struct device_name *name)
{
    return subscription->filter.name.size == 0 ||
           device_name_equal(&subscription->filter.name, name);
}

/* Delivers the events of a queue, at most limit. Returns how many there were. */
static size_t deliver_queue(struct subscriptions *all, struct event_queue *queue, size_t limit,
                            struct event_lines *lines)
{
    size_t count = 0;
    const struct event_record *event;
    struct device_name name;
    for (; count < limit && (event = event_queue_front(queue)) != NULL; count++) {
        event_lines_name(event, all->names, &name);
        size_t size = event_lines_format(lines, all->line, event, &name);
        for (uint64_t left = event->subscribers & all->numbers; left != 0; left &= left - 1) {
            struct subscription *subscription = all->list[__builtin_ctzll(left)];
            if (wants(subscription, &name))
                deliver(subscription, all->line, size);
        }
        event_queue_release(queue);
    }
    return count;
}

static void call_owner(void (*callback)(void *state), const struct subscription *subscription)
{
    if (callback != NULL)
        callback(subscription->owner.state);
}

/* Adds what a subscriber has lost in the queues, and sends what was written to it. */
static void settle(struct subscription *subscription)
{
    const struct subscriptions *all = subscription->all;
    for (size_t i = 0; i < all->worker_count; i++) {
        uint64_t lost = event_queue_lost(all->queues[i], subscription->number);
        subscription->lost += lost - subscription->queues[i].lost;
        subscription->queues[i].lost = lost;
    }
    if (subscription->state != SUBSCRIPTION_ACTIVE)
        return;
    if (has_room(subscription))
        write_lost(subscription);
    control_send(subscription->session);
    call_owner(subscription->owner.drained, subscription);
}

static void free_subscription(struct subscription *subscription)
{
    subscription->all->numbers &= ~(UINT64_C(1) << subscription->number);
    free(subscription->queues);
    free(subscription);
}

static bool has_drained(const struct subscription *subscription)
{
    const struct subscriptions *all = subscription->all;
    for (size_t i = 0; i < all->worker_count; i++)
        if (!event_queue_has_passed(all->queues[i], subscription->queues[i].mark))
            return false;
    return true;
}

/* Settles all subscriptions, and frees those that have drained. */
static void settle_all(struct subscriptions *all)
{
    for (uint64_t left = all->numbers; left != 0; left &= left - 1) {
        struct subscription *subscription = all->list[__builtin_ctzll(left)];
        if (subscription->state != SUBSCRIPTION_DRAINING)
            settle(subscription);
        else if (has_drained(subscription))
            free_subscription(subscription);
    }
}

static void run_delivery(void *state)
{
    struct subscriptions *all = state;
    struct event_lines lines;
    event_lines_init(&lines, all->listeners, clock_wall_ms() - clock_now_ms());
    bool has_more = false;
    for (size_t i = 0; i < all->worker_count; i++)
        if (deliver_queue(all, all->queues[i], DELIVERED_AT_ONCE, &lines) == DELIVERED_AT_ONCE)
            has_more = true;
    settle_all(all);
    if (has_more)
        loop_defer(all->loop, &all->delivery);
}

/* A queue's wake-up. */
static void on_events(struct mailbox_message *wake)
{
    struct event_queue *queue = (struct event_queue *)wake;
    struct subscriptions *all = queue->owner;
    event_queue_acknowledge(queue);
    loop_defer(all->loop, &all->delivery);
}

void subscriptions_flush(struct subscriptions *subscriptions)
{
    struct event_lines lines;
    event_lines_init(&lines, subscriptions->listeners, clock_wall_ms() - clock_now_ms());
    for (size_t i = 0; i < subscriptions->worker_count; i++)
        deliver_queue(subscriptions, subscriptions->queues[i], SIZE_MAX, &lines);
    settle_all(subscriptions);
}

void subscriptions_publish(struct subscriptions *subscriptions, enum event_kind kind,
                           const char *format, ...)
{
    char *line = subscriptions->line;
    va_list arguments;
    int head = snprintf(line, EVENT_LINE_BYTES, "event %" PRIu64 " %s ", clock_wall_ms(),
                        event_kind_name(kind));
    va_start(arguments, format);
    int tail = vsnprintf(line + head, EVENT_LINE_BYTES - (size_t)head, format, arguments);
    va_end(arguments);
    size_t size = (size_t)head + (size_t)tail;
    bool is_wanted = false;
    line[size++] = '\n';
    for (uint64_t left = subscriptions->numbers; left != 0; left &= left - 1) {
        struct subscription *subscription = subscriptions->list[__builtin_ctzll(left)];
        if ((subscription->filter.kinds >> kind & 1) == 0)
            continue;
        is_wanted = true;
        deliver(subscription, line, size);
        settle(subscription);
    }
    subscriptions->published += is_wanted;
}

void subscriptions_add_counts(const struct subscriptions *subscriptions, struct stats *sum)
{
    sum->listen_lost += subscriptions->lost;
    sum->listen_events += subscriptions->published;
}

void subscriptions_hand_over(const struct subscriptions *subscriptions,
                             struct handover_writer *writer)
{
    handover_put64(writer, subscriptions->lost);
    handover_put64(writer, subscriptions->published);
}

int subscriptions_take_over(struct subscriptions *subscriptions, struct handover_reader *reader)
{
    uint64_t lost = handover_get64(reader), published = handover_get64(reader);
    if (reader->failed)
        return -EPROTO;
    subscriptions->lost = lost;
    subscriptions->published = published;
    return 0;
}

/* ---- the end of a subscription ---- */

static void run_remove(struct worker_call *call)
{
    const struct subscription *subscription = ((struct subscription_call *)call)->subscription;
    worker_events_remove(call->worker, subscription->number);
}

/* All workers have stopped publishing to the subscriber. What they published before is still in the
 * queues, and another subscriber must not get it. It is delivered to others in its turn: at once, a
 * busy worker could keep this thread here for ever. */
static void on_removed(struct worker_call *call)
{
    struct subscription *subscription = ((struct subscription_call *)call)->subscription;
    struct subscriptions *all = subscription->all;
    if (--subscription->pending > 0)
        return;
    for (size_t i = 0; i < all->worker_count; i++)
        subscription->queues[i].mark = event_queue_mark(all->queues[i]);
    subscription->state = SUBSCRIPTION_DRAINING;
    loop_defer(all->loop, &all->delivery);
    control_end(subscription->session);
}

static void post_to_workers(struct subscription *subscription,
                            void (*run)(struct worker_call *call),
                            void (*done)(struct worker_call *call))
{
    const struct subscriptions *all = subscription->all;
    subscription->pending = all->worker_count;
    for (size_t i = 0; i < all->worker_count; i++) {
        struct subscription_call *call = &subscription->calls[i];
        call->subscription = subscription;
        call->call.run = run;
        call->call.done = done;
        worker_post(all->workers[i], &call->call, all->mailbox);
    }
}

void subscriptions_end(struct subscription *subscription)
{
    subscription->state = SUBSCRIPTION_ENDING;
    control_call_later(subscription->session, NULL, NULL);
    if (!subscription->all->stopped) {
        post_to_workers(subscription, run_remove, on_removed);
        return;
    }
    struct control_session *session = subscription->session;
    free_subscription(subscription);
    control_end(session);
}

static void on_peer_closed(struct subscription *subscription)
{
    call_owner(subscription->owner.closed, subscription);
    subscriptions_end(subscription);
}

/* Called when the output of the session has drained, and when the peer has closed it. */
static void on_session(void *state)
{
    struct subscription *subscription = state;
    if (control_peer_has_closed(subscription->session)) {
        on_peer_closed(subscription);
        return;
    }
    control_call_later(subscription->session, on_session, subscription);
    settle(subscription);
}

/* ---- the beginning ---- */

static void run_add(struct worker_call *call)
{
    const struct subscription *subscription = ((struct subscription_call *)call)->subscription;
    worker_events_add(call->worker, subscription->number, &subscription->filter);
}

static void on_added(struct worker_call *call)
{
    struct subscription *subscription = ((struct subscription_call *)call)->subscription;
    if (--subscription->pending > 0)
        return;
    if (control_peer_has_closed(subscription->session)) {
        on_peer_closed(subscription);
        return;
    }
    /* What was lost until now came before the answer. */
    settle(subscription);
    subscription->lost = 0;
    subscription->state = SUBSCRIPTION_ACTIVE;
    control_ok(subscription->session);
    control_call_later(subscription->session, on_session, subscription);
    settle(subscription);
    call_owner(subscription->owner.started, subscription);
}

static struct subscription *new_subscription(struct subscriptions *all,
                                             const struct event_filter *filter)
{
    struct subscription *made = calloc(1, sizeof *made + all->worker_count * sizeof made->calls[0]);
    if (made == NULL)
        return NULL;
    made->queues = calloc(all->worker_count, sizeof made->queues[0]);
    if (made->queues == NULL) {
        free(made);
        return NULL;
    }
    made->all = all;
    made->number = (unsigned)__builtin_ctzll(~all->numbers);
    made->filter = *filter;
    for (size_t i = 0; i < all->worker_count; i++)
        made->queues[i].lost = event_queue_lost(all->queues[i], made->number);
    return made;
}

/* Whether no more subscribers of that kind are accepted: observers leave the places of operators
 * free, whose sessions are limited already. */
static bool is_full(const struct subscriptions *all, bool is_observer)
{
    unsigned observers = 0;
    for (uint64_t left = all->numbers; left != 0; left &= left - 1)
        observers += all->list[__builtin_ctzll(left)]->is_observer;
    return ~all->numbers == 0 || (is_observer && observers >= EVENT_OBSERVERS_MAX);
}

/* Returns a new subscription with a number, or NULL after it has refused the command. */
static struct subscription *accept_subscription(struct subscriptions *all,
                                                struct control_session *session, const char *verb,
                                                const struct event_filter *filter)
{
    bool is_observer = control_is_observer(session);
    struct subscription *subscription = NULL;
    if (all->stopped)
        control_refuse(session, "cannot %s: the server is stopping; try again when it is running",
                       verb);
    else if (control_is_busy(session) || is_full(all, is_observer))
        control_refuse(session, "cannot %s: too many sessions wait or subscribe; end one first",
                       verb);
    else if ((subscription = new_subscription(all, filter)) == NULL)
        control_refuse(session, "cannot %s: out of memory; try again", verb);
    else
        subscription->is_observer = is_observer;
    return subscription;
}

struct subscription *subscriptions_add(struct subscriptions *subscriptions,
                                       struct control_session *session, const char *verb,
                                       const struct event_filter *filter,
                                       const struct subscription_owner *owner)
{
    struct subscription *subscription = accept_subscription(subscriptions, session, verb, filter);
    if (subscription == NULL)
        return NULL;
    subscription->session = session;
    if (owner != NULL)
        subscription->owner = *owner;
    subscriptions->list[subscription->number] = subscription;
    subscriptions->numbers |= UINT64_C(1) << subscription->number;
    post_to_workers(subscription, run_add, on_added);
    return subscription;
}

/* ---- start and stop ---- */

int subscriptions_open(struct subscriptions **subscriptions, struct loop *loop,
                       struct mailbox *mailbox, size_t worker_count, uint32_t max_message_bytes)
{
    struct subscriptions *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->loop = loop;
    made->mailbox = mailbox;
    made->delivery = (struct loop_task){.run = run_delivery, .state = made};
    made->queues = calloc(worker_count, sizeof made->queues[0]);
    int error = made->queues == NULL ? -ENOMEM : 0;
    for (; made->worker_count < worker_count && error == 0; made->worker_count += error == 0) {
        struct event_queue **queue = &made->queues[made->worker_count];
        error = event_queue_open(queue, max_message_bytes, mailbox, on_events, made);
    }
    if (error != 0)
        subscriptions_free(made);
    else
        *subscriptions = made;
    return error;
}

struct event_queue *const *subscriptions_queues(const struct subscriptions *subscriptions)
{
    return subscriptions->queues;
}

void subscriptions_set_workers(struct subscriptions *subscriptions, struct worker *const *workers,
                               const struct listeners *listeners, const struct client_names *names)
{
    subscriptions->names = names;
    subscriptions->workers = workers;
    subscriptions->listeners = listeners;
}

size_t subscriptions_count(const struct subscriptions *subscriptions)
{
    size_t count = 0;
    for (uint64_t left = subscriptions->numbers; left != 0; left &= left - 1)
        count += subscriptions->list[__builtin_ctzll(left)]->state == SUBSCRIPTION_ACTIVE;
    return count;
}

void subscriptions_stop(struct subscriptions *subscriptions)
{
    subscriptions->stopped = true;
}

void subscriptions_free(struct subscriptions *subscriptions)
{
    if (subscriptions == NULL)
        return;
    loop_cancel(subscriptions->loop, &subscriptions->delivery);
    for (uint64_t left = subscriptions->numbers; left != 0; left &= left - 1)
        free_subscription(subscriptions->list[__builtin_ctzll(left)]); /* those that drained */
    for (size_t i = 0; i < subscriptions->worker_count; i++)
        event_queue_free(subscriptions->queues[i]);
    free(subscriptions->queues);
    free(subscriptions);
}
