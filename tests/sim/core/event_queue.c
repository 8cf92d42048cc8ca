#include "sim/core/event_queue.h"

#include "sim/core/trace.h"

#include <stddef.h>

enum { EVENTS_MAX = 1 << 16 };

struct event {
    uint64_t time_ns, number;
    event_callback *run;
    void *state;
};

/* A binary heap: the earliest event is the first one. */
static struct event heap[EVENTS_MAX];
static size_t count;
static uint64_t now_ns, last_number;

void event_queue_begin(uint64_t time_ns)
{
    now_ns = time_ns;
    count = 0;
}

uint64_t event_queue_now_ns(void)
{
    return now_ns;
}

void event_queue_advance(uint64_t ns)
{
    now_ns += ns;
}

void event_queue_advance_to(uint64_t time_ns)
{
    if (now_ns < time_ns)
        now_ns = time_ns;
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

/* Finds the place of an event, beginning at a free one, and moves those that are in its way. */
static void place_up(size_t at, struct event event)
{
    for (; at > 0 && is_before(&event, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = event;
}

/* The event was the last one, so its place is near the end: it is not compared on the way there. */
static void place_down(size_t at, struct event event)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_before(&heap[child + 1], &heap[child]);
        heap[at] = heap[child];
    }
    place_up(at, event);
}

void event_queue_add(uint64_t delay_ns, event_callback *run, void *state)
{
    if (count == EVENTS_MAX)
        broken_promise("the simulator itself", "more than %d future events", (int)EVENTS_MAX);
    place_up(count++, (struct event){now_ns + delay_ns, ++last_number, run, state});
}

static void remove_at(size_t at)
{
    struct event last = heap[--count];
    if (at == count)
        return;
    if (at > 0 && is_before(&last, &heap[(at - 1) / 2]))
        place_up(at, last);
    else
        place_down(at, last);
}

void event_queue_remove(const void *state)
{
    for (size_t i = count; i-- > 0;)
        if (heap[i].state == state) {
            remove_at(i);
            i = count;
        }
}

uint64_t event_queue_next_ns(void)
{
    return count > 0 ? heap[0].time_ns : UINT64_MAX;
}

void event_queue_run(void)
{
    while (count > 0 && heap[0].time_ns <= now_ns) {
        struct event event = heap[0];
        remove_at(0);
        event.run(event.state);
    }
}
