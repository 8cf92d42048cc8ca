#ifndef SERVER_EVENTS_SUBSCRIPTIONS_H
#define SERVER_EVENTS_SUBSCRIPTIONS_H

#include "base/handover.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "server/control/control_sessions.h"
#include "server/events/event_publisher.h"
#include "server/listen/listeners.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* The subscribers, and the delivery of events to them: operators' sessions that get a line for each
 * message or event that they asked for, until they end. Used by the main thread.
 *
 * A subscriber that does not read costs SUBSCRIPTION_UNSENT_BYTES of memory and nothing else. What
 * does not fit there, or in the queue from a worker, is lost to it: the newest, since what was
 * written already cannot be taken back. The number of lost events is sent to it as a line
 * "lost N" as soon as it reads again, so that for each subscriber
 * events = delivered + lost. */
struct subscriptions;
struct subscription;

/* What else a session does than to get events. Each may be NULL. */
struct subscription_owner {
    void (*started)(void *state); /* "ok" is written */
    void (*drained)(void *state); /* output may have been sent: called after each delivery, too */
    void (*closed)(void *state); /* the peer has closed the session, which must not be used again */
    void *state;
};

enum {
    /* Output that waits for one subscriber: some 10,000 messages, a fifth of a second of the load
     * that the tests measure (50,000 messages a second). */
    SUBSCRIPTION_UNSENT_BYTES = 1 << 20,
};

/* Makes the queues of worker_count workers, for messages of at most max_message_bytes. mailbox is
 * the main thread's. Returns 0 or -ENOMEM. */
int subscriptions_open(struct subscriptions **subscriptions, struct loop *loop,
                       struct mailbox *mailbox, size_t worker_count, uint32_t max_message_bytes);

/* Returns the queues, by worker. */
struct event_queue *const *subscriptions_queues(const struct subscriptions *subscriptions);

/* Sets the workers, the listeners, and the table of names, NULL without one. Call it before the
 * first subscription. */
void subscriptions_set_workers(struct subscriptions *subscriptions, struct worker *const *workers,
                               const struct listeners *listeners, const struct client_names *names);

/* Begins a subscription for the session of a running command, and answers it: "ok" when all workers
 * publish to it, then a line for each event, until the peer closes the session. It refuses the
 * command if too many sessions of its socket wait or subscribe already, if the server is stopping,
 * or if memory is short, and returns NULL then. verb is the command, for messages. owner may be
 * NULL; it is copied. */
struct subscription *subscriptions_add(struct subscriptions *subscriptions,
                                       struct control_session *session, const char *verb,
                                       const struct event_filter *filter,
                                       const struct subscription_owner *owner);

/* Ends a subscription that has started and is not closed, and the command of its session. */
void subscriptions_end(struct subscription *subscription);

/* Publishes an event of the server: the rest of its line after "event TIME KIND ". Selectors do not
 * apply to it. */
void subscriptions_publish(struct subscriptions *subscriptions, enum event_kind kind,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds the counts of this thread to those of the workers: the events of the server, and what was
 * lost because subscribers did not read. What was lost in a worker's queue is in its own counter.
 */
void subscriptions_add_counts(const struct subscriptions *subscriptions, struct stats *sum);

/* In an upgrade, write these counts into the record, and continue with them.
 * subscriptions_take_over returns 0 or -EPROTO. */
void subscriptions_hand_over(const struct subscriptions *subscriptions,
                             struct handover_writer *writer);
int subscriptions_take_over(struct subscriptions *subscriptions, struct handover_reader *reader);
/* Returns how many subscribers there are. */
size_t subscriptions_count(const struct subscriptions *subscriptions);

/* Accepts no more subscriptions, and posts no more messages to the workers. */
void subscriptions_stop(struct subscriptions *subscriptions);

/* Delivers what the workers have published. Call it when they have ended. */
void subscriptions_flush(struct subscriptions *subscriptions);

/* Call it when no worker runs, and after the sessions and the mailbox are closed. */
void subscriptions_free(struct subscriptions *subscriptions);

#endif
