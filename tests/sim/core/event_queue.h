#ifndef SIM_CORE_EVENT_QUEUE_H
#define SIM_CORE_EVENT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* The virtual clock, and what is due at later times. */

typedef void event_callback(void *state);

/* Sets the clock. */
void event_queue_begin(uint64_t now_ns);
extern uint64_t event_queue_clock_ns; /* for event_queue_now_ns only */
static inline uint64_t event_queue_now_ns(void)
{
    return event_queue_clock_ns;
}
static inline uint64_t event_queue_now_ms(void)
{
    return event_queue_now_ns() / 1000000;
}

/* Moves the clock on, without running anything. */
void event_queue_advance(uint64_t ns);

/* Has the callback called delay_ns from now, in the simulator's own thread. Events of the same time
 * run in the order in which they were added. */
void event_queue_add(uint64_t delay_ns, event_callback *run, void *state);
/* The same for an event that changes nothing a coroutine may wait for: what a client does, and what
 * arrives at one. */
void event_queue_add_outside(uint64_t delay_ns, event_callback *run, void *state);
/* Removes all events of a state. */
void event_queue_remove(const void *state);

/* The time of the next event, UINT64_MAX: there is none. */
uint64_t event_queue_next_ns(void);
/* Runs all events that are due now. Returns whether a coroutine may be able to continue by one. */
bool event_queue_run(void);
/* Moves the clock on to that time, unless it is later already. */
void event_queue_advance_to(uint64_t time_ns);

#endif
