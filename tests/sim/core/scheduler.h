#ifndef SIM_CORE_SCHEDULER_H
#define SIM_CORE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The threads of the server as coroutines of one thread. A coroutine runs until it waits; then one
 * of those that can go on is drawn. While none can, the virtual clock moves to the next event. */

typedef void coroutine_main(void *state);
typedef bool coroutine_can_continue(const void *state);
/* Called by the simulator after each step of a coroutine, with its number. */
typedef void scheduler_after_step(int coroutine);
/* Called while none can continue, before the clock moves on. */
typedef void scheduler_on_idle(void);

enum { COROUTINES_MAX = 64 };

/* Starts a coroutine; the first one has the number 0. Returns its number, or -1: too many. */
int scheduler_start(coroutine_main *main, void *state);

/* Called by a coroutine: waits until the condition holds, at least for one step. */
void scheduler_wait(coroutine_can_continue *can_continue, const void *state);

/* The number of the coroutine that runs, -1: the simulator itself. */
int scheduler_current(void);
bool scheduler_has_ended(int coroutine);
/* The state that the coroutine was started with. */
void *scheduler_state(int coroutine);
int scheduler_count(void);

/* Runs all until the first one has ended. */
void scheduler_run(scheduler_after_step *after_step, scheduler_on_idle *on_idle);

/* After the first one has ended: forgets all, so that others can be started. That one has not ended
 * is a broken promise. */
void scheduler_reset(void);

/* The process crashes after so many further steps: scheduler_run returns, and nothing runs any
 * more. scheduler_forget then forgets all coroutines, wherever they are. */
void scheduler_crash_after(uint64_t steps);
bool scheduler_has_crashed(void);
void scheduler_forget(void);

/* Lets time pass while there are no coroutines. */
void scheduler_sleep(uint64_t ns);

/* Has each step take up to so many nanoseconds. */
void scheduler_set_step_ns(unsigned most_ns);

/* Ends the run from within a coroutine, as exit_immediately would the process. */
_Noreturn void scheduler_abandon(void);
bool scheduler_was_abandoned(void);

#endif
