#ifndef OS_LOOP_EVENT_LOOP_H
#define OS_LOOP_EVENT_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The event loop of one thread, over epoll: readiness of descriptors, and deferred tasks. Timers
 * are in os/loop/timer, signals in os/loop/signals.
 *
 * All functions except loop_new are called in the loop's own thread. A handler is a callback and
 * its state, embedded in the structure of the caller. After loop_remove a handler gets no more
 * events, not even one that was already fetched from the kernel. */
struct loop;

enum loop_events {
    LOOP_READ = 1,  /* readable, or at its end */
    LOOP_WRITE = 2, /* writable */
    LOOP_HANGUP = 4 /* closed or failed; always reported, and repeated as long as it lasts */
};

typedef void loop_event_callback(void *state, unsigned events);
typedef void loop_callback(void *state);

/* A deferred task: once queued, it runs once in the next round, after the events that are ready
 * then. While tasks are queued the loop does not wait. A task may queue itself again. Queueing a
 * task that is queued already changes nothing. */
struct loop_task {
    struct loop_task *next;
    loop_callback *run;
    void *state;
    bool queued;
};

struct loop_handler {
    struct loop *loop; /* NULL while not added */
    loop_event_callback *ready;
    void *state;
    int fd;
    unsigned events;           /* that the caller asked for */
    struct loop_task own_poll; /* queued while epoll does not watch the descriptor */
};

/* Returns NULL with errno set. */
struct loop *loop_new(void);
/* Frees the loop. Remove every handler before; tasks that are still queued do not run. */
void loop_free(struct loop *loop);

/* Watches fd, level-triggered, for events. The caller keeps the descriptor and closes it after
 * loop_remove. Returns 0 or -errno. */
int loop_add(struct loop *loop, struct loop_handler *handler, int fd, unsigned events,
             loop_event_callback *ready, void *state);
/* Watches the descriptor for other events. If epoll refuses it (no memory,
 * fs.epoll.max_user_watches), the loop polls the descriptor itself, at least every 10 ms, until
 * epoll accepts it. */
void loop_change(struct loop_handler *handler, unsigned events);
/* For a descriptor with steady input: removes it from epoll and calls the handler with LOOP_READ in
 * each round, whether there is input or not. A watched descriptor costs something for each event on
 * it: for a UDP socket about 250 ns of the 5,860 ns of a reply, since each datagram that leaves its
 * send buffer is an event (docs/performance.md, "What epoll costs a UDP socket"). Does nothing if
 * the handler asks for more than LOOP_READ. */
void loop_start_busy_poll(struct loop_handler *handler);
/* For a descriptor that has no input any more: epoll watches it again, as loop_change describes.
 * Asking for other events ends the busy poll, too. */
void loop_stop_busy_poll(struct loop_handler *handler);
/* Replaces the handler's descriptor by fd under the same number (dup3), closes fd, and watches the
 * new file. Returns 0, or -errno; then nothing has changed and fd is still the caller's. */
int loop_replace(struct loop_handler *handler, int fd);
/* May be called from any handler, also for itself; then the handler's memory may be freed. Does
 * nothing if the handler is not added. */
void loop_remove(struct loop_handler *handler);

/* loop_defer queues a task; loop_cancel removes it from the queue, if it is queued. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_cancel(struct loop *loop, struct loop_task *task);

/* Runs until loop_stop. loop_stop returns at once and ends the run after the current handler or
 * task; called before the run, it ends the run before the first wait. What was ready or queued by
 * then stays for another run. Returns 0, or -errno if waiting failed. */
int loop_run_until_stopped(struct loop *loop);
void loop_stop(struct loop *loop);
bool loop_is_stopping(const struct loop *loop);

/* The state that os/loop/signals keeps for a loop; only that module uses it. */
struct loop_signals {
    struct loop_handler handler;
    void (*caught)(void *state, int signal);
    void *state;
    sigset_t mask_before; /* the thread's signal mask before loop_signals_start */
};
struct loop_signals *loop_signals_of(struct loop *loop);

#endif
