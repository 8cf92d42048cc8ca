#ifndef SIM_CORE_SCHEDULER_H
#define SIM_CORE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The threads of all simulated processes as coroutines of one thread. A coroutine runs until it
 * waits; then one of those that can go on is drawn. While none can, the virtual clock moves to the
 * next event. What a process is, os/processes knows; here it is a number. */

typedef void coroutine_main(void *state);
typedef bool coroutine_can_continue(const void *state);
/* Called by the simulator after each step of a coroutine, with its number. */
typedef void scheduler_after_step(int coroutine);
/* Called while none can continue, before the clock moves on. Returns whether one may be able to
 * continue by what it has done. */
typedef bool scheduler_on_idle(void);

/* A process has ended: its main coroutine has returned, or has ended it at once (`at_once`). */
typedef void scheduler_on_end(int process, bool at_once, int status);

enum {
    COROUTINES_MAX = 64,
    PROCESSES_MAX = 8, /* that exist at a time: their numbers are below that */
    MAIN_THREAD = -1,  /* in place of the number of a worker */
};

/* Starts the main coroutine of a process, whose coroutines before must all have ended. Returns its
 * number, or -1: too many. */
int scheduler_start_process(int process, coroutine_main *main, void *state);
/* Starts a coroutine of the current process: of that worker. Returns its number, or -1: too many.
 */
int scheduler_start(int worker, coroutine_main *main, void *state);
/* The number of a coroutine that has ended, and is not asked for any more, may be given again. */
void scheduler_release(int coroutine);

/* Called by a coroutine: waits until the condition holds, at least for one step. */
void scheduler_wait(coroutine_can_continue *can_continue, const void *state);

/* The number of the coroutine that runs, -1: the simulator itself. */
int scheduler_current(void);
bool scheduler_has_ended(int coroutine);
/* The process of a coroutine, and the number of its worker or MAIN_THREAD. */
int scheduler_process_of(int coroutine);
int scheduler_worker_of(int coroutine);
/* The process of the coroutine that runs; -1: the simulator itself. */
int scheduler_process(void);
/* How many coroutines of a process have not ended. */
int scheduler_count(int process);

/* Runs all until all processes have ended. on_end is called after the step in which one ends,
 * before after_step. */
void scheduler_run(scheduler_after_step *after_step, scheduler_on_idle *on_idle,
                   scheduler_on_end *on_end);

/* Nothing of the process runs any more, wherever its coroutines are; not for the current one. */
void scheduler_forget(int process);
/* Nothing of the process runs until then. */
void scheduler_freeze(int process, uint64_t until_ns);

/* After so many further steps of any process, `run` is called, between two steps. */
void scheduler_call_after(uint64_t steps, void (*run)(void));

/* Lets time pass while there are no coroutines. */
void scheduler_sleep(uint64_t ns);

/* Has each step take up to so many nanoseconds. */
void scheduler_set_step_ns(unsigned most_ns);

/* What the main coroutine of the current process is about to return. */
void scheduler_set_status(int status);
/* Ends the current process from within a coroutine. */
_Noreturn void scheduler_exit(int status);

#endif
