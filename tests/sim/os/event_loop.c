/* os/loop/event_loop over the descriptors of the simulator. */
#include "os/loop/event_loop.h"

#include "sim/check/observe.h"
#include "sim/core/descriptors.h"
#include "sim/core/draw.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>

enum { HANDLERS_MAX = 2048, EVENTS_MAX = 64 };

struct queue {
    struct loop_task *first, **end;
};

struct loop {
    bool stopped, running;
    struct queue queued, current;
    struct loop_handler *handlers[HANDLERS_MAX];
    size_t handler_count;
    struct loop_handler *fetched[EVENTS_MAX]; /* NULL: removed since */
    unsigned events[EVENTS_MAX];
    size_t fetched_count, next;
    struct loop_signals signals;
};

/* ---- tasks ---- */

static void queue_clear(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_append(struct queue *queue, struct loop_task *task)
{
    task->queued = true;
    task->next = NULL;
    *queue->end = task;
    queue->end = &task->next;
}

static bool queue_remove(struct queue *queue, const struct loop_task *task)
{
    for (struct loop_task **at = &queue->first; *at != NULL; at = &(*at)->next)
        if (*at == task) {
            *at = task->next;
            if (*at == NULL)
                queue->end = at;
            return true;
        }
    return false;
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        queue_append(&loop->queued, task);
}

void loop_cancel(struct loop *loop, struct loop_task *task)
{
    if (task->queued && !queue_remove(&loop->current, task))
        queue_remove(&loop->queued, task);
    task->queued = false;
}

/* ---- handlers ---- */

struct loop *loop_new(void)
{
    struct loop *loop = faults_refuse_memory() ? NULL : calloc(1, sizeof *loop);
    if (loop == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    queue_clear(&loop->queued);
    queue_clear(&loop->current);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->signals.handler.loop != NULL) {
        descriptor_close(loop->signals.handler.fd);
        loop_remove(&loop->signals.handler);
    }
    if (loop->handler_count > 0)
        broken_promise("every handler is removed before its loop is freed", "%zu are left",
                       loop->handler_count);
    free(loop);
}

struct loop_signals *loop_signals_of(struct loop *loop)
{
    return &loop->signals;
}

static void watch(struct loop_handler *handler)
{
    struct loop *loop = handler->loop;
    if (loop->handler_count == HANDLERS_MAX)
        broken_promise("the number of handlers is bounded", "more than %d", (int)HANDLERS_MAX);
    loop->handlers[loop->handler_count++] = handler;
}

static void unwatch(struct loop_handler *handler)
{
    struct loop *loop = handler->loop;
    for (size_t i = 0; i < loop->handler_count; i++)
        if (loop->handlers[i] == handler) {
            loop->handlers[i] = loop->handlers[--loop->handler_count];
            return;
        }
}

static void run_busy_poll(void *state)
{
    struct loop_handler *handler = state;
    loop_defer(handler->loop, &handler->own_poll);
    handler->ready(handler->state, LOOP_READ);
}

int loop_add(struct loop *loop, struct loop_handler *handler, int fd, unsigned events,
             loop_event_callback *ready, void *state)
{
    *handler = (struct loop_handler){.loop = loop,
                                     .ready = ready,
                                     .state = state,
                                     .fd = fd,
                                     .events = events,
                                     .own_poll = {.run = run_busy_poll, .state = handler}};
    if (descriptor_any(fd) == NULL)
        broken_promise("only open descriptors are watched", "descriptor %d is not open", fd);
    int error = faults_refuse_watch();
    if (error != 0) {
        handler->loop = NULL;
        observe_not_watched(fd);
        return error;
    }
    watch(handler);
    return 0;
}

void loop_change(struct loop_handler *handler, unsigned events)
{
    handler->events = events;
    if (handler->own_poll.queued && events != LOOP_READ)
        loop_stop_busy_poll(handler);
}

void loop_start_busy_poll(struct loop_handler *handler)
{
    if (handler->events != LOOP_READ || handler->own_poll.queued)
        return;
    unwatch(handler);
    loop_defer(handler->loop, &handler->own_poll);
}

void loop_stop_busy_poll(struct loop_handler *handler)
{
    if (!handler->own_poll.queued)
        return;
    loop_cancel(handler->loop, &handler->own_poll);
    watch(handler);
}

int loop_replace(struct loop_handler *handler, int fd)
{
    descriptor_replace(handler->fd, fd);
    descriptor_close(fd);
    return 0;
}

void loop_remove(struct loop_handler *handler)
{
    struct loop *loop = handler->loop;
    if (loop == NULL)
        return;
    unwatch(handler);
    loop_cancel(loop, &handler->own_poll);
    for (size_t i = loop->next; i < loop->fetched_count; i++)
        if (loop->fetched[i] == handler)
            loop->fetched[i] = NULL;
    handler->loop = NULL;
}

/* ---- the run ---- */

static unsigned events_of(const struct loop_handler *handler, const struct object *object)
{
    return object->ready(object) & (handler->events | LOOP_HANGUP);
}

static bool is_ready(const void *state)
{
    const struct loop *loop = state;
    if (loop->stopped || loop->queued.first != NULL || loop->current.first != NULL)
        return true;
    for (size_t i = 0; i < loop->handler_count; i++) {
        const struct loop_handler *handler = loop->handlers[i];
        const struct object *object = descriptor_any(handler->fd);
        /* One that is closed is found by fetch. */
        if (object == NULL || events_of(handler, object) != 0)
            return true;
    }
    return false;
}

/* Fetches the events that are ready, in drawn order. */
static void fetch(struct loop *loop)
{
    size_t begin = loop->handler_count > 0 ? draw_below(DRAW_SCHEDULE, loop->handler_count) : 0;
    loop->fetched_count = loop->next = 0;
    for (size_t i = 0; i < loop->handler_count && loop->fetched_count < EVENTS_MAX; i++) {
        struct loop_handler *handler = loop->handlers[(begin + i) % loop->handler_count];
        const struct object *object = descriptor_any(handler->fd);
        if (object == NULL)
            broken_promise("a handler is removed before its descriptor is closed", "descriptor %d",
                           handler->fd);
        unsigned events = events_of(handler, object);
        if (events == 0)
            continue;
        loop->fetched[loop->fetched_count] = handler;
        loop->events[loop->fetched_count++] = events;
    }
}

static void dispatch(struct loop *loop)
{
    while (loop->next < loop->fetched_count && !loop->stopped) {
        size_t i = loop->next++;
        struct loop_handler *handler = loop->fetched[i];
        if (handler != NULL)
            handler->ready(handler->state, loop->events[i]);
    }
    loop->fetched_count = loop->next = 0;
}

static void run_tasks(struct loop *loop)
{
    while (loop->current.first != NULL && !loop->stopped) {
        struct loop_task *task = loop->current.first;
        queue_remove(&loop->current, task);
        task->queued = false;
        task->run(task->state);
    }
}

static void take_tasks(struct loop *loop)
{
    struct loop_task *task;
    while ((task = loop->queued.first) != NULL) {
        queue_remove(&loop->queued, task);
        queue_append(&loop->current, task);
    }
}

int loop_run_until_stopped(struct loop *loop)
{
    if (loop->running)
        broken_promise("a loop runs once at a time", "it runs already");
    loop->running = true;
    while (!loop->stopped) {
        take_tasks(loop);
        scheduler_wait(is_ready, loop);
        fetch(loop);
        dispatch(loop);
        run_tasks(loop);
    }
    loop->stopped = loop->running = false;
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

bool loop_is_stopping(const struct loop *loop)
{
    return loop->stopped;
}
