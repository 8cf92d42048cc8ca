#ifndef OS_LOOP_THREAD_H
#define OS_LOOP_THREAD_H

#include <stdint.h>

/* Threads: starting them with all signals blocked, pinning them to a processor, and joining them.
 * One thread at a time calls these functions for a thread.
 *
 * A thread can be made before it has anything to run, so that running it later cannot fail. */
struct thread;

typedef void thread_main(void *state);

/* Makes a thread under a name, of which the kernel keeps at most 15 characters. It waits. Returns
 * NULL with errno set. */
struct thread *thread_open(const char *name);
/* Has a thread that waits call main once; then it waits again. */
void thread_run(struct thread *thread, thread_main *main, void *state);
/* Waits until the thread waits: main has returned, if it was run. */
void thread_await(struct thread *thread);
/* Both thread_open and thread_run. Returns NULL with errno set. */
struct thread *thread_start(const char *name, thread_main *main, void *state);
/* Restricts the thread to that processor. Returns 0 or -errno (-EINVAL: it may not run there). */
int thread_pin(struct thread *thread, uint32_t processor);

/* Waits until main has returned, if it was run; ends the thread, and frees it. NULL is ignored. */
void thread_join(struct thread *thread);

/* Sets the timer slack of the calling thread to 1 ns. By default the kernel may wake a thread up to
 * 50 us late, to wake several at once: prctl(2), PR_SET_TIMERSLACK. */
void thread_minimize_timer_slack(void);

#endif
