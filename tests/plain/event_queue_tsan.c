/* Event queues under ThreadSanitizer: one thread publishes 300,000 events of different sizes as
 * fast as it can, and the loop of another takes them. Prints one line; exits with 0 if the events
 * came in order and undamaged, and those that are missing are as many as were counted as lost. */
#include "os/loop/mailbox.h"
#include "os/loop/thread.h"
#include "server/events/event_queue.h"

#include <stdio.h>
#include <string.h>

enum { EVENTS = 300000, SUBSCRIBER = 3, SIZES = 97 };

struct receiver {
    struct loop *loop;
    struct event_queue *queue;
    uint64_t received, damaged, out_of_order, last;
};

/* Event n has n % SIZES bytes of value n. */
static void publish_all(void *state)
{
    struct event_queue *queue = state;
    for (uint64_t n = 1; n <= EVENTS; n++) {
        size_t size = n % SIZES;
        struct event_record *record = event_queue_reserve(queue, size);
        if (record == NULL) {
            event_queue_lose(queue, UINT64_C(1) << SUBSCRIBER);
            continue;
        }
        *record = (struct event_record){.time_ms = n, .size = (uint32_t)size};
        memset(record->bytes, (int)(n & 0xff), size);
        event_queue_commit(queue);
    }
}

static void check(struct receiver *receiver, const struct event_record *record)
{
    receiver->received++;
    receiver->out_of_order += record->time_ms <= receiver->last;
    receiver->last = record->time_ms;
    bool damaged = record->size != record->time_ms % SIZES;
    for (size_t i = 0; i < record->size; i++)
        damaged |= record->bytes[i] != (uint8_t)record->time_ms;
    receiver->damaged += damaged;
}

static void on_events(struct mailbox_message *wake)
{
    struct event_queue *queue = (struct event_queue *)wake;
    struct receiver *receiver = queue->owner;
    event_queue_acknowledge(queue);
    for (const struct event_record *record; (record = event_queue_front(queue)) != NULL;) {
        check(receiver, record);
        event_queue_release(queue);
    }
    if (receiver->received + event_queue_lost(queue, SUBSCRIBER) == EVENTS)
        loop_stop(receiver->loop);
}

int main(void)
{
    struct receiver receiver = {.loop = loop_new()};
    struct mailbox *mailbox = mailbox_new(receiver.loop);
    int error = event_queue_open(&receiver.queue, SIZES, mailbox, on_events, &receiver);
    if (error != 0)
        return 1;
    struct thread *publisher = thread_start("publisher", publish_all, receiver.queue);
    error = loop_run_until_stopped(receiver.loop);
    thread_join(publisher);
    mailbox_free(mailbox);
    uint64_t lost = event_queue_lost(receiver.queue, SUBSCRIBER);
    bool good = error == 0 && receiver.received + lost == EVENTS && receiver.damaged == 0 &&
                receiver.out_of_order == 0;
    printf("event queue: %llu events received, %llu lost, %llu damaged, %llu out of order: %s\n",
           (unsigned long long)receiver.received, (unsigned long long)lost,
           (unsigned long long)receiver.damaged, (unsigned long long)receiver.out_of_order,
           good ? "good" : "BAD");
    event_queue_free(receiver.queue);
    loop_free(receiver.loop);
    return good ? 0 : 1;
}
