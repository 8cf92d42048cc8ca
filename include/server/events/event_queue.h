#ifndef SERVER_EVENTS_EVENT_QUEUE_H
#define SERVER_EVENTS_EVENT_QUEUE_H

#include "base/spsc_ring.h"
#include "os/loop/mailbox.h"
#include "server/events/event.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The queue of events from one worker to the main thread.
 *
 * It is a ring of fixed size, since a worker must never wait for a subscriber, and a message that a
 * subscriber cannot take must cost no memory. An event for which there is no room is lost: the
 * worker counts it for each subscriber that should have got it. A mailbox message for each event,
 * as for relayed messages, would need a lock for each datagram; here the mailbox only wakes the
 * main thread, once for all events until it has looked.
 *
 * The main thread owns the queue. It frees it when no worker runs, and after its own mailbox, in
 * which the wake-up may still be. */
struct event_queue {
    struct mailbox_message wake; /* first; its handle is set by the main thread */
    struct mailbox *mailbox;     /* of the main thread */
    void *owner;                 /* for the handle */
    _Atomic bool is_woken; /* the wake-up was posted, and the main thread has not looked yet */
    struct spsc_ring ring;
    void *memory;
    size_t memory_bytes;
    _Atomic uint64_t lost[EVENT_SUBSCRIBERS_MAX]; /* by subscriber; written by the worker */
};

enum {
    /* For each worker: 29,000 messages of 64 bytes, which at 50,000 messages a second bridge a
     * pause of the main thread of half a second. The kernel commits the memory when it is used. */
    EVENT_QUEUE_BYTES = 4 << 20,
};

/* Reserves the memory, enough for at least eight messages of max_message_bytes. handle is called in
 * the thread of the mailbox when there are events. Returns 0 or -ENOMEM. */
int event_queue_open(struct event_queue **queue, uint32_t max_message_bytes,
                     struct mailbox *mailbox, void (*handle)(struct mailbox_message *wake),
                     void *owner);
void event_queue_free(struct event_queue *queue);

/* For the worker. event_queue_reserve returns the memory of an event with a message of size bytes,
 * or NULL if there is no room; event_queue_commit hands it over. event_queue_lose counts an event
 * as lost by those subscribers, a bit each. */
struct event_record *event_queue_reserve(struct event_queue *queue, size_t size);
void event_queue_commit(struct event_queue *queue);
void event_queue_lose(struct event_queue *queue, uint64_t subscribers);

/* For the main thread. It calls event_queue_acknowledge when it handles the wake-up, before it
 * looks for events: events that come later wake it again. event_queue_front returns the oldest
 * event, or NULL, and event_queue_release frees that. event_queue_lost returns how many events a
 * subscriber has lost here since the start. */
void event_queue_acknowledge(struct event_queue *queue);
const struct event_record *event_queue_front(struct event_queue *queue);
void event_queue_release(struct event_queue *queue);
uint64_t event_queue_lost(const struct event_queue *queue, unsigned subscriber);

/* What was published so far, for both threads; for the main thread, whether all of that is
 * released.
 */
uint64_t event_queue_mark(const struct event_queue *queue);
bool event_queue_has_passed(const struct event_queue *queue, uint64_t mark);

#endif
