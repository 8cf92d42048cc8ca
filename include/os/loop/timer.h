#ifndef OS_LOOP_TIMER_H
#define OS_LOOP_TIMER_H

#include "os/loop/event_loop.h"

#include <stdint.h>

/* Timers of an event loop, one timerfd of CLOCK_BOOTTIME each. */
struct loop_timer {
    struct loop_handler handler;
    loop_callback *run;
    void *state;
};

/* Makes a timer that is not yet set. Returns 0 or -errno. */
int loop_timer_open(struct loop *loop, struct loop_timer *timer, loop_callback *run, void *state);
/* Does nothing if the timer is not open. */
void loop_timer_close(struct loop_timer *timer);

/* loop_timer_every runs the callback every period_ms, first after one period; several missed ticks
 * count as one. loop_timer_once runs it once, after delay_ns. 0 unsets the timer. */
void loop_timer_every(struct loop_timer *timer, uint32_t period_ms);
void loop_timer_once(struct loop_timer *timer, uint64_t delay_ns);

/* Changes the period of a periodic timer; period_ms is at least 1. The time since its last tick
 * counts, so that a timer still ticks if its period is changed more often than it ticks. */
void loop_timer_change_period(struct loop_timer *timer, uint32_t period_ms);

#endif
