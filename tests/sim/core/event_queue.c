#include "sim/core/event_queue.h"

#include "sim/core/trace.h"

#include <stddef.h>

enum { EVENTS_MAX = 1 << 16, NEAR_NS = 50000000 };

struct event {
    uint64_t time_ns, number;
    event_callback *run;
    void *state;
    bool is_outside;
};

/* A binary heap: its earliest event is the first one. */
struct heap {
    struct event events[EVENTS_MAX];
    size_t count;
};

/* What is due within NEAR_NS when it is added, and the rest. Most events are soon due, and most of
 * those that wait are not, such as the next turn of each client: in one heap, each of the former
 * would pass all levels of the latter. */
static struct heap near, far;
static uint64_t last_number;
uint64_t event_queue_clock_ns;

void event_queue_begin(uint64_t time_ns)
{
    event_queue_clock_ns = time_ns;
    near.count = far.count = 0;
}

void event_queue_advance(uint64_t ns)
{
    event_queue_clock_ns += ns;
}

void event_queue_advance_to(uint64_t time_ns)
{
    if (event_queue_clock_ns < time_ns)
        event_queue_clock_ns = time_ns;
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

/* Finds the place of an event, beginning at a free one, and moves those that are in its way. */
static void place_up(struct event *events, size_t at, const struct event *event)
{
    for (; at > 0 && is_before(event, &events[(at - 1) / 2]); at = (at - 1) / 2)
        events[at] = events[(at - 1) / 2];
    events[at] = *event;
}

/* The event was the last one, so its place is near the end: it is not compared on the way there. */
static void place_down(struct heap *heap, size_t at, const struct event *event)
{
    struct event *events = heap->events;
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        child += child + 1 < heap->count && is_before(&events[child + 1], &events[child]);
        events[at] = events[child];
    }
    place_up(events, at, event);
}

static void add(uint64_t delay_ns, const struct event *event)
{
    struct heap *heap = delay_ns <= NEAR_NS ? &near : &far;
    if (heap->count == EVENTS_MAX)
        broken_promise("the simulator itself", "more than %d future events", (int)EVENTS_MAX);
    place_up(heap->events, heap->count++, event);
}

void event_queue_add(uint64_t delay_ns, event_callback *run, void *state)
{
    add(delay_ns,
        &(struct event){event_queue_clock_ns + delay_ns, ++last_number, run, state, false});
}

void event_queue_add_outside(uint64_t delay_ns, event_callback *run, void *state)
{
    add(delay_ns,
        &(struct event){event_queue_clock_ns + delay_ns, ++last_number, run, state, true});
}

static void remove_at(struct heap *heap, size_t at)
{
    struct event last = heap->events[--heap->count];
    if (at == heap->count)
        return;
    if (at > 0 && is_before(&last, &heap->events[(at - 1) / 2]))
        place_up(heap->events, at, &last);
    else
        place_down(heap, at, &last);
}

/* What takes the place of a removed one is compared, too; those after it are known. */
static void remove_from(struct heap *heap, const void *state)
{
    for (size_t i = heap->count; i > 0;)
        if (heap->events[i - 1].state != state) {
            i--;
        } else {
            remove_at(heap, i - 1);
            i = i < heap->count ? i : heap->count;
        }
}

void event_queue_remove(const void *state)
{
    remove_from(&near, state);
    remove_from(&far, state);
}

/* The heap of the next event; NULL: there is none. */
static struct heap *first(void)
{
    if (near.count == 0)
        return far.count > 0 ? &far : NULL;
    return far.count > 0 && is_before(&far.events[0], &near.events[0]) ? &far : &near;
}

uint64_t event_queue_next_ns(void)
{
    const struct heap *heap = first();
    return heap != NULL ? heap->events[0].time_ns : UINT64_MAX;
}

bool event_queue_run(void)
{
    bool has_changed = false;
    struct heap *heap;
    while ((heap = first()) != NULL && heap->events[0].time_ns <= event_queue_clock_ns) {
        struct event event = heap->events[0];
        remove_at(heap, 0);
        has_changed |= !event.is_outside;
        event.run(event.state);
    }
    return has_changed;
}
