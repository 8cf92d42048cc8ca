#ifndef OS_LOOP_EVENT_LOOP_H
#define OS_LOOP_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* An event loop of one thread: descriptors, timers, signals, and tasks to be gone on with.
 * Everything but loop_new runs in the loop's own thread. A handler is a callback and a state,
 * embedded where the caller keeps that state; once removed, it gets no event any more, not even one
 * that was already fetched. */
struct loop;

enum loop_events {
    LOOP_READ = 1,  /* readable, or at its end */
    LOOP_WRITE = 2, /* writable */
    LOOP_HANGUP = 4 /* closed or failed; reported as long as it lasts, without being asked for */
};

typedef void loop_ready(void *state, unsigned events);
typedef void loop_run(void *state);

/* A task that is to be gone on with: queued, it runs once in the next round, behind the events that
 * are ready then; while tasks are queued the loop never waits. A task may queue itself again.
 * Queueing twice is queueing once. */
struct loop_task {
    struct loop_task *next;
    loop_run *run;
    void *state;
    bool queued;
};

struct loop_handler {
    struct loop *loop; /* NULL while not added */
    loop_ready *ready;
    void *state;
    int fd;
    unsigned events;        /* asked for */
    struct loop_task again; /* queued while the kernel does not watch it: it is busy, or refused */
};

/* NULL with errno set. */
struct loop *loop_new(void);
/* Frees the loop, once every handler is removed; tasks still queued are forgotten. */
void loop_free(struct loop *loop);

/* Watches fd, level-triggered, for events; the caller keeps the descriptor and closes it behind
 * loop_remove. 0 or -errno. */
int loop_add(struct loop *loop, struct loop_handler *handler, int fd, unsigned events,
             loop_ready *ready, void *state);
/* Watches it for other events. Where the kernel refuses to (memory, fs.epoll.max_user_watches), the
 * loop looks at the descriptor itself, at least every 10 ms, until the kernel takes it. */
void loop_change(struct loop_handler *handler, unsigned events);
/* Much comes: from now on the handler is called in each round, with LOOP_READ, whether there is
 * anything or not, and the kernel has nothing to look after. A descriptor that is watched costs
 * something for all that happens to it: a UDP socket a twentieth of a datagram's price for each one
 * sent, since all that leaves its buffer is an event. Nothing happens to a handler that asks for
 * more than LOOP_READ. */
void loop_busy(struct loop_handler *handler);
/* Nothing is there any more: the loop waits for it again, as loop_change says. Asking for other
 * events does so, too. */
void loop_idle(struct loop_handler *handler);
/* Has the handler's descriptor refer to what fd does, which is closed, and watches that in place of
 * what was there. 0 or -errno, and then nothing has changed but that fd is still the caller's. */
int loop_replace(struct loop_handler *handler, int fd);
/* From any handler, for itself too, after which the handler's memory may go. Nothing happens to one
 * that is not added. */
void loop_remove(struct loop_handler *handler);

/* A timer of CLOCK_BOOTTIME. */
struct loop_timer {
    struct loop_handler handler;
    loop_run *run;
    void *state;
};

/* Makes a timer that is not yet set. 0 or -errno. */
int loop_timer_open(struct loop *loop, struct loop_timer *timer, loop_run *run, void *state);
void loop_timer_close(struct loop_timer *timer);

/* Runs every period_ms, first after one period; ticks that were missed are one. Or once, after
 * delay_ns. Zero unsets. */
void loop_timer_every(struct loop_timer *timer, uint32_t period_ms);
void loop_timer_once(struct loop_timer *timer, uint64_t delay_ns);

/* Gives a timer that runs every so often another period, in milliseconds from 1 on. The time since
 * its last tick counts, so that a timer whose period is changed again and again, more often than it
 * ticks, ticks nevertheless. */
void loop_timer_change(struct loop_timer *timer, uint32_t period_ms);

/* Queues a task, or takes it out. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_cancel(struct loop *loop, struct loop_task *task);

/* Signals, blocked from loop_signals on in this thread and in those that it starts later, and
 * handed to caught one by one. signals ends in 0. One set a loop. A SIGINT or SIGHUP that is
 * ignored, as in the background of a script or under nohup(1), stays ignored. 0 or -errno. */
typedef void loop_on_signal(void *state, int signal);
int loop_signals(struct loop *loop, const int *signals, loop_on_signal *caught, void *state);

/* Blocks them already, long before the loop is there: one that comes meanwhile is caught then. */
void loop_signals_hold(const int *signals);
/* Whether one of signals, which ends in 0, has come and was not yet caught: for what takes long in
 * the loop's thread. */
bool loop_signals_wait(const int *signals);

/* Before either: has a signal caught even if it was ignored, since here it means something
 * else than the end of a session. It waits until then. */
void loop_unignore_signal(int signal);

/* Gives them back: this thread's signals are blocked as they were before. One that has come and was
 * not yet caught does what it does elsewhere. Nothing happens without loop_signals. */
void loop_signals_release(struct loop *loop);

/* A write to a pipe or socket whose reader is gone is an error (EPIPE) from then on, in the whole
 * process, and no longer its death: a daemon outlives the reader of its log. */
void loop_ignore_broken_pipes(void);

/* A terminal that goes away ends nothing from then on, in the whole process. */
void loop_ignore_hangups(void);

/* Runs until loop_stop, which returns at once and ends the run behind the handler or task at hand
 * (or, called before the run, lets it end before it waits). What was ready or queued by then stays
 * for another run. 0 or -errno of a wait that failed for good. */
int loop_run_until_stopped(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
