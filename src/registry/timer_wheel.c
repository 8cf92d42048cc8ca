#include "registry/timer_wheel.h"

#include <errno.h>

/* Doubly linked lists of slots. A reference is 0 for none, or the slot number + 1, so that zero
 * bytes are an empty wheel. The first link of a list refers back to the list's head, with the top
 * bit set. */
struct timer_wheel_link {
    uint32_t next, previous;
    uint32_t tick; /* of its bucket: the low bits, which are enough to compare two in a lap */
};

#define HEAD (UINT32_C(1) << 31)
enum {
    /* The list of the slots of the current bucket that timer_wheel_take has yet to return. */
    TAKEN = TIMER_WHEEL_BUCKETS,
    HEADS
};

size_t timer_wheel_bytes(uint32_t slots)
{
    return HEADS * sizeof(uint32_t) + slots * sizeof(struct timer_wheel_link);
}

void timer_wheel_init(struct timer_wheel *wheel, void *memory, uint64_t now_ms)
{
    wheel->heads = memory;
    wheel->links = (struct timer_wheel_link *)(void *)(wheel->heads + HEADS);
    wheel->tick = now_ms / TIMER_WHEEL_TICK_MS;
    wheel->pass_started = false;
}

/* Makes the referenced slot the first of a list; a reference of 0 makes the list empty. */
static void set_head(struct timer_wheel *wheel, uint32_t head, uint32_t reference)
{
    wheel->heads[head] = reference;
    if (reference != 0)
        wheel->links[reference - 1].previous = HEAD | head;
}

static void push(struct timer_wheel *wheel, uint32_t head, uint32_t slot)
{
    uint32_t first = wheel->heads[head];
    wheel->links[slot].next = first;
    if (first != 0)
        wheel->links[first - 1].previous = slot + 1;
    set_head(wheel, head, slot + 1);
}

/* The tick whose bucket a slot with this deadline belongs to. */
static uint64_t tick_of(const struct timer_wheel *wheel, uint64_t deadline_ms)
{
    uint64_t tick = deadline_ms / TIMER_WHEEL_TICK_MS;
    if (tick < wheel->tick)
        return wheel->tick;
    /* A deadline beyond a lap is put into the last bucket, and added again when that is reached. */
    if (tick > wheel->tick + TIMER_WHEEL_BUCKETS - 1)
        return wheel->tick + TIMER_WHEEL_BUCKETS - 1;
    return tick;
}

void timer_wheel_add(struct timer_wheel *wheel, uint32_t slot, uint64_t deadline_ms)
{
    uint64_t tick = tick_of(wheel, deadline_ms);
    wheel->links[slot].tick = (uint32_t)tick;
    push(wheel, (uint32_t)(tick % TIMER_WHEEL_BUCKETS), slot);
}

void timer_wheel_remove(struct timer_wheel *wheel, uint32_t slot)
{
    struct timer_wheel_link link = wheel->links[slot];
    if (link.previous & HEAD) {
        set_head(wheel, link.previous & ~HEAD, link.next);
        return;
    }
    wheel->links[link.previous - 1].next = link.next;
    if (link.next != 0)
        wheel->links[link.next - 1].previous = link.previous;
}

void timer_wheel_move_earlier(struct timer_wheel *wheel, uint32_t slot, uint64_t deadline_ms)
{
    uint32_t later = wheel->links[slot].tick - (uint32_t)tick_of(wheel, deadline_ms);
    if (later == 0 || later > INT32_MAX)
        return;
    timer_wheel_remove(wheel, slot);
    timer_wheel_add(wheel, slot, deadline_ms);
}

static void take_bucket(struct timer_wheel *wheel)
{
    uint32_t bucket = (uint32_t)(wheel->tick % TIMER_WHEEL_BUCKETS);
    set_head(wheel, TAKEN, wheel->heads[bucket]);
    wheel->heads[bucket] = 0;
}

static void begin_pass(struct timer_wheel *wheel, uint64_t now_ms)
{
    wheel->pass_started = true;
    wheel->last = now_ms / TIMER_WHEEL_TICK_MS;
    /* If the clock jumps by more than a lap, one lap visits every bucket. */
    if (wheel->last >= TIMER_WHEEL_BUCKETS && wheel->tick < wheel->last - TIMER_WHEEL_BUCKETS + 1)
        wheel->tick = wheel->last - TIMER_WHEEL_BUCKETS + 1;
    take_bucket(wheel);
}

uint32_t timer_wheel_take(struct timer_wheel *wheel, uint64_t now_ms)
{
    if (!wheel->pass_started)
        begin_pass(wheel, now_ms);
    for (;;) {
        uint32_t first = wheel->heads[TAKEN];
        if (first != 0) {
            set_head(wheel, TAKEN, wheel->links[first - 1].next);
            return first - 1;
        }
        /* The last tick is not over: the next pass begins with its bucket again. */
        if (wheel->tick >= wheel->last) {
            wheel->pass_started = false;
            return TIMER_WHEEL_NONE;
        }
        wheel->tick++;
        take_bucket(wheel);
    }
}

uint32_t timer_wheel_peek(const struct timer_wheel *wheel)
{
    uint32_t first = wheel->heads[TAKEN];
    return first != 0 ? first - 1 : TIMER_WHEEL_NONE;
}

void timer_wheel_put_back(struct timer_wheel *wheel, uint32_t slot)
{
    push(wheel, TAKEN, slot);
}

void timer_wheel_hand_over(const struct timer_wheel *wheel, struct handover_writer *writer)
{
    handover_put64(writer, wheel->tick);
    handover_put64(writer, wheel->last);
    handover_put8(writer, wheel->pass_started);
}

int timer_wheel_take_over(struct timer_wheel *wheel, struct handover_reader *reader)
{
    uint64_t tick = handover_get64(reader), last = handover_get64(reader);
    uint8_t pass_started = handover_get8(reader);
    if (reader->failed || pass_started > 1)
        return -EPROTO;
    wheel->tick = tick;
    wheel->last = last;
    wheel->pass_started = pass_started;
    return 0;
}
