#include "os/loop/event_loop.h"

#include "os/process/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Events fetched by one epoll_wait: enough that a busy loop rarely needs a second call, few enough
 * that loop_remove can search them. */
enum { EVENTS_MAX = 64 };

/* The longest wait of the loop while epoll refuses to watch a descriptor. */
enum { REFUSED_RETRY_MS = 10 };

struct queue {
    struct loop_task *first;
    struct loop_task **end;
};

struct loop {
    int epoll;
    bool stopped;
    int next_event;
    int event_count;
    struct epoll_event events[EVENTS_MAX];
    struct queue queued;  /* for the next round */
    struct queue current; /* of this round, not yet run */
    struct queue refused; /* the own_poll of handlers that epoll refused to watch */
    struct loop_signals signals;
};

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

/* Appends all tasks of from to the end of to. */
static void queue_move(struct queue *to, struct queue *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    queue_clear(from);
}

static bool queue_remove(struct queue *queue, const struct loop_task *task)
{
    for (struct loop_task **at = &queue->first; *at != NULL; at = &(*at)->next) {
        if (*at != task)
            continue;
        *at = task->next;
        if (queue->end == &task->next)
            queue->end = at;
        return true;
    }
    return false;
}

struct loop *loop_new(void)
{
    struct loop *loop = memory_cache_lines(sizeof *loop);

    if (loop == NULL)
        return NULL;
    queue_clear(&loop->queued);
    queue_clear(&loop->current);
    queue_clear(&loop->refused);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->signals.handler.loop != NULL)
        close(loop->signals.handler.fd);
    close(loop->epoll);
    free(loop);
}

/* ---- Descriptors ---- */

static int epoll_control(struct loop_handler *handler, int operation)
{
    struct epoll_event event = {.data.ptr = handler};

    if (handler->events & LOOP_READ)
        event.events |= EPOLLIN;
    if (handler->events & LOOP_WRITE)
        event.events |= EPOLLOUT;
    return epoll_ctl(handler->loop->epoll, operation, handler->fd, &event) == 0 ? 0 : -errno;
}

/* Queues the next call before this one, since the handler may be freed by it. */
static void run_busy_poll(void *state)
{
    struct loop_handler *handler = state;
    loop_defer(handler->loop, &handler->own_poll);
    handler->ready(handler->state, LOOP_READ);
}

static void run_own_poll(void *state);

static bool is_refused(const struct loop_handler *handler)
{
    return handler->own_poll.queued && handler->own_poll.run == run_own_poll;
}

/* Makes the loop poll the descriptor itself, since epoll does not watch it. */
static void poll_ourselves(struct loop_handler *handler)
{
    loop_cancel(handler->loop, &handler->own_poll);
    handler->own_poll.run = run_own_poll;
    queue_append(&handler->loop->refused, &handler->own_poll);
}

/* Returns what epoll would report now. */
static unsigned poll_events(const struct loop_handler *handler)
{
    struct pollfd wait = {.fd = handler->fd};
    if (handler->events & LOOP_READ)
        wait.events |= POLLIN;
    if (handler->events & LOOP_WRITE)
        wait.events |= POLLOUT;
    if (poll(&wait, 1, 0) <= 0)
        return 0;
    return (wait.revents & POLLIN ? LOOP_READ : 0u) | (wait.revents & POLLOUT ? LOOP_WRITE : 0u) |
           (wait.revents & (POLLHUP | POLLERR) ? LOOP_HANGUP : 0u);
}

/* Tries again to add the descriptor to epoll; if epoll still refuses, polls it here. */
static void run_own_poll(void *state)
{
    struct loop_handler *handler = state;
    if (epoll_control(handler, EPOLL_CTL_ADD) == 0)
        return;
    poll_ourselves(handler);
    unsigned events = poll_events(handler);
    if (events != 0)
        handler->ready(handler->state, events);
}

int loop_add(struct loop *loop, struct loop_handler *handler, int fd, unsigned events,
             loop_event_callback *ready, void *state)
{
    *handler = (struct loop_handler){
        .loop = loop,
        .ready = ready,
        .state = state,
        .fd = fd,
        .events = events,
        .own_poll = {.run = run_busy_poll, .state = handler},
    };
    int error = epoll_control(handler, EPOLL_CTL_ADD);
    if (error)
        handler->loop = NULL;
    return error;
}

void loop_change(struct loop_handler *handler, unsigned events)
{
    handler->events = events;
    if (!handler->own_poll.queued) {
        if (epoll_control(handler, EPOLL_CTL_MOD) == 0)
            return;
        epoll_control(handler, EPOLL_CTL_DEL);
        poll_ourselves(handler);
    } else if (!is_refused(handler) && events != LOOP_READ) {
        loop_stop_busy_poll(handler);
    }
}

void loop_start_busy_poll(struct loop_handler *handler)
{
    if (handler->events != LOOP_READ)
        return;
    if (is_refused(handler))
        loop_cancel(handler->loop, &handler->own_poll);
    else if (handler->own_poll.queued || epoll_control(handler, EPOLL_CTL_DEL) != 0)
        return;
    handler->own_poll.run = run_busy_poll;
    loop_defer(handler->loop, &handler->own_poll);
}

void loop_stop_busy_poll(struct loop_handler *handler)
{
    if (!handler->own_poll.queued || is_refused(handler))
        return;
    loop_cancel(handler->loop, &handler->own_poll);
    /* epoll may refuse: no memory, or too many watches of this user. */
    if (epoll_control(handler, EPOLL_CTL_ADD) != 0)
        poll_ourselves(handler);
}

int loop_replace(struct loop_handler *handler, int fd)
{
    bool watched = !handler->own_poll.queued;

    if (watched)
        epoll_control(handler, EPOLL_CTL_DEL);
    int error = dup3(fd, handler->fd, O_CLOEXEC) < 0 ? -errno : 0;
    if (error == 0)
        close(fd);
    if (watched && epoll_control(handler, EPOLL_CTL_ADD) != 0)
        poll_ourselves(handler);
    return error;
}

void loop_remove(struct loop_handler *handler)
{
    struct loop *loop = handler->loop;

    if (loop == NULL)
        return;
    epoll_control(handler, EPOLL_CTL_DEL);
    loop_cancel(loop, &handler->own_poll);
    for (int i = loop->next_event; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == handler)
            loop->events[i].data.ptr = NULL;
    handler->loop = NULL;
}

/* ---- Tasks ---- */

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        queue_append(&loop->queued, task);
}

void loop_cancel(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        return;
    if (!queue_remove(&loop->current, task) && !queue_remove(&loop->queued, task))
        queue_remove(&loop->refused, task);
    task->queued = false;
}

/* ---- The run ---- */

static void dispatch(const struct epoll_event *event)
{
    struct loop_handler *handler = event->data.ptr;
    unsigned events = 0;

    if (handler == NULL)
        return;
    if (event->events & EPOLLIN)
        events |= LOOP_READ;
    if (event->events & EPOLLOUT)
        events |= LOOP_WRITE;
    if (event->events & (EPOLLHUP | EPOLLERR))
        events |= LOOP_HANGUP;
    handler->ready(handler->state, events);
}

static int run_events(struct loop *loop)
{
    int idle = loop->refused.first != NULL ? REFUSED_RETRY_MS : -1;
    int timeout = loop->current.first != NULL ? 0 : idle;
    int count = epoll_wait(loop->epoll, loop->events, EVENTS_MAX, timeout);

    if (count < 0 && errno != EINTR)
        return -errno;
    loop->event_count = count > 0 ? count : 0;
    loop->next_event = 0;
    while (loop->next_event < loop->event_count && !loop->stopped)
        dispatch(&loop->events[loop->next_event++]);
    /* Events that a stop left are level-triggered: epoll reports them again in another run. */
    loop->event_count = 0;
    return 0;
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

int loop_run_until_stopped(struct loop *loop)
{
    int error = 0;

    while (!loop->stopped && !error) {
        queue_move(&loop->current, &loop->queued);
        error = run_events(loop);
        queue_move(&loop->current, &loop->refused);
        if (!error)
            run_tasks(loop);
    }
    loop->stopped = false;
    return error;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

bool loop_is_stopping(const struct loop *loop)
{
    return loop->stopped;
}

struct loop_signals *loop_signals_of(struct loop *loop)
{
    return &loop->signals;
}
