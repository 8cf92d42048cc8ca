/* The event loop of one thread, over epoll, timerfd and signalfd. */
#include "os/loop/event_loop.h"

#include "os/process/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Events fetched by one epoll_wait: enough that a busy loop rarely has to ask twice, few enough
 * that loop_remove can afford to look through them. */
enum { EVENTS_MAX = 64 };

/* How long the loop waits at most while the kernel refuses to watch a descriptor. */
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
    struct queue at_hand; /* of this round, not yet run */
    struct queue refused; /* descriptors that the kernel does not watch, by their again */
    struct loop_handler signals;
    loop_on_signal *caught;
    void *caught_state;
    sigset_t unblocked; /* the mask before them */
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

/* Moves all of from behind all of to. */
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
    struct loop *loop = memory_lines(sizeof *loop);

    if (loop == NULL)
        return NULL;
    queue_clear(&loop->queued);
    queue_clear(&loop->at_hand);
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
    if (loop->signals.loop != NULL)
        close(loop->signals.fd);
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

/* Queued before the call, since afterwards the handler may be gone. */
static void call_again(void *state)
{
    struct loop_handler *handler = state;
    loop_defer(handler->loop, &handler->again);
    handler->ready(handler->state, LOOP_READ);
}

static void look_again(void *state);

static bool is_refused(const struct loop_handler *handler)
{
    return handler->again.queued && handler->again.run == look_again;
}

/* Has the loop look at the descriptor itself, since the kernel does not watch it. */
static void refuse(struct loop_handler *handler)
{
    loop_cancel(handler->loop, &handler->again);
    handler->again.run = look_again;
    queue_append(&handler->loop->refused, &handler->again);
}

/* What epoll would report now. */
static unsigned poll_events(const struct loop_handler *handler)
{
    struct pollfd look = {.fd = handler->fd};
    if (handler->events & LOOP_READ)
        look.events |= POLLIN;
    if (handler->events & LOOP_WRITE)
        look.events |= POLLOUT;
    if (poll(&look, 1, 0) <= 0)
        return 0;
    return (look.revents & POLLIN ? LOOP_READ : 0u) | (look.revents & POLLOUT ? LOOP_WRITE : 0u) |
           (look.revents & (POLLHUP | POLLERR) ? LOOP_HANGUP : 0u);
}

/* Tries once more to have the kernel watch, and as long as it refuses does its work. */
static void look_again(void *state)
{
    struct loop_handler *handler = state;
    if (epoll_control(handler, EPOLL_CTL_ADD) == 0)
        return;
    refuse(handler);
    unsigned events = poll_events(handler);
    if (events != 0)
        handler->ready(handler->state, events);
}

int loop_add(struct loop *loop, struct loop_handler *handler, int fd, unsigned events,
             loop_ready *ready, void *state)
{
    *handler = (struct loop_handler){
        .loop = loop,
        .ready = ready,
        .state = state,
        .fd = fd,
        .events = events,
        .again = {.run = call_again, .state = handler},
    };
    int error = epoll_control(handler, EPOLL_CTL_ADD);
    if (error)
        handler->loop = NULL;
    return error;
}

void loop_change(struct loop_handler *handler, unsigned events)
{
    handler->events = events;
    if (!handler->again.queued) {
        if (epoll_control(handler, EPOLL_CTL_MOD) == 0)
            return;
        epoll_control(handler, EPOLL_CTL_DEL);
        refuse(handler);
    } else if (!is_refused(handler) && events != LOOP_READ) {
        loop_idle(handler);
    }
}

void loop_busy(struct loop_handler *handler)
{
    if (handler->events != LOOP_READ)
        return;
    if (is_refused(handler))
        loop_cancel(handler->loop, &handler->again);
    else if (handler->again.queued || epoll_control(handler, EPOLL_CTL_DEL) != 0)
        return;
    handler->again.run = call_again;
    loop_defer(handler->loop, &handler->again);
}

void loop_idle(struct loop_handler *handler)
{
    if (!handler->again.queued || is_refused(handler))
        return;
    loop_cancel(handler->loop, &handler->again);
    /* A kernel that is short of memory, or of watches for this user, may refuse. */
    if (epoll_control(handler, EPOLL_CTL_ADD) != 0)
        refuse(handler);
}

int loop_replace(struct loop_handler *handler, int fd)
{
    bool watched = !handler->again.queued;

    if (watched)
        epoll_control(handler, EPOLL_CTL_DEL);
    int error = dup3(fd, handler->fd, O_CLOEXEC) < 0 ? -errno : 0;
    if (error == 0)
        close(fd);
    if (watched && epoll_control(handler, EPOLL_CTL_ADD) != 0)
        refuse(handler);
    return error;
}

void loop_remove(struct loop_handler *handler)
{
    struct loop *loop = handler->loop;

    if (loop == NULL)
        return;
    epoll_control(handler, EPOLL_CTL_DEL);
    loop_cancel(loop, &handler->again);
    for (int i = loop->next_event; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == handler)
            loop->events[i].data.ptr = NULL;
    handler->loop = NULL;
}

/* ---- Timers ---- */

static void on_timer(void *state, unsigned events)
{
    struct loop_timer *timer = state;
    uint64_t expirations;

    (void)events;
    /* Nothing to read: the timer was set anew after this event was fetched. */
    if (read(timer->handler.fd, &expirations, sizeof expirations) == sizeof expirations)
        timer->run(timer->state);
}

int loop_timer_open(struct loop *loop, struct loop_timer *timer, loop_run *run, void *state)
{
    *timer = (struct loop_timer){.run = run, .state = state};
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = loop_add(loop, &timer->handler, fd, LOOP_READ, on_timer, timer);
    if (error)
        close(fd);
    return error;
}

void loop_timer_close(struct loop_timer *timer)
{
    if (timer->handler.loop == NULL)
        return;
    loop_remove(&timer->handler);
    close(timer->handler.fd);
}

static void set_timer(struct loop_timer *timer, uint64_t first_ns, uint64_t period_ns)
{
    struct itimerspec when = {
        .it_value = {(time_t)(first_ns / 1000000000u), (long)(first_ns % 1000000000u)},
        .it_interval = {(time_t)(period_ns / 1000000000u), (long)(period_ns % 1000000000u)},
    };
    timerfd_settime(timer->handler.fd, 0, &when, NULL);
}

void loop_timer_every(struct loop_timer *timer, uint32_t period_ms)
{
    uint64_t period_ns = (uint64_t)period_ms * 1000000u;
    set_timer(timer, period_ns, period_ns);
}

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

void loop_timer_change(struct loop_timer *timer, uint32_t period_ms)
{
    uint64_t period_ns = (uint64_t)period_ms * 1000000u, expirations;
    struct itimerspec set = {.it_value = {0, 0}};

    /* A tick that has come and was not yet run would be lost by the setting. */
    if (read(timer->handler.fd, &expirations, sizeof expirations) == sizeof expirations) {
        set_timer(timer, 1, period_ns);
        return;
    }
    timerfd_gettime(timer->handler.fd, &set);
    uint64_t passed_ns = nanoseconds(&set.it_interval) - nanoseconds(&set.it_value);
    set_timer(timer, passed_ns < period_ns ? period_ns - passed_ns : 1, period_ns);
}

void loop_timer_once(struct loop_timer *timer, uint64_t delay_ns)
{
    set_timer(timer, delay_ns, 0);
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
    if (!queue_remove(&loop->at_hand, task) && !queue_remove(&loop->queued, task))
        queue_remove(&loop->refused, task);
    task->queued = false;
}

/* ---- Signals ---- */

static void on_signal(void *state, unsigned events)
{
    struct loop *loop = state;
    struct signalfd_siginfo info;

    (void)events;
    while (!loop->stopped && read(loop->signals.fd, &info, sizeof info) == sizeof info)
        loop->caught(loop->caught_state, (int)info.ssi_signo);
}

/* What was ignored when the process began is ignored on purpose; a signal that is blocked would be
 * handed out all the same (signal(7)). */
static bool is_ignored(int signal)
{
    struct sigaction action;
    if (signal != SIGINT && signal != SIGHUP)
        return false;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void loop_unignore_signal(int signal)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t set;
    if (!is_ignored(signal))
        return;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(signal, &usual, NULL);
}

static sigset_t set_of(const int *signals)
{
    sigset_t set;

    sigemptyset(&set);
    for (; *signals != 0; signals++)
        if (!is_ignored(*signals))
            sigaddset(&set, *signals);
    return set;
}

void loop_signals_hold(const int *signals)
{
    sigset_t set = set_of(signals);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int loop_signals(struct loop *loop, const int *signals, loop_on_signal *caught, void *state)
{
    sigset_t set = set_of(signals);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    loop->caught = caught;
    loop->caught_state = state;
    int error = loop_add(loop, &loop->signals, fd, LOOP_READ, on_signal, loop);
    if (!error)
        error = -pthread_sigmask(SIG_BLOCK, &set, &loop->unblocked);
    if (error) {
        loop_remove(&loop->signals);
        close(fd);
    }
    return error;
}

bool loop_signals_wait(const int *signals)
{
    sigset_t pending;

    if (sigpending(&pending) != 0)
        return false;
    for (; *signals != 0; signals++)
        if (sigismember(&pending, *signals) == 1)
            return true;
    return false;
}

void loop_signals_release(struct loop *loop)
{
    if (loop->signals.loop == NULL)
        return;
    int fd = loop->signals.fd;
    loop_remove(&loop->signals);
    close(fd);
    pthread_sigmask(SIG_SETMASK, &loop->unblocked, NULL);
}

void loop_ignore_broken_pipes(void)
{
    signal(SIGPIPE, SIG_IGN);
}

void loop_ignore_hangups(void)
{
    signal(SIGHUP, SIG_IGN);
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
    int timeout = loop->at_hand.first != NULL ? 0 : idle;
    int count = epoll_wait(loop->epoll, loop->events, EVENTS_MAX, timeout);

    if (count < 0 && errno != EINTR)
        return -errno;
    loop->event_count = count > 0 ? count : 0;
    loop->next_event = 0;
    while (loop->next_event < loop->event_count && !loop->stopped)
        dispatch(&loop->events[loop->next_event++]);
    /* What a stop leaves is level-triggered: it comes again if the loop is run again. */
    loop->event_count = 0;
    return 0;
}

static void run_tasks(struct loop *loop)
{
    while (loop->at_hand.first != NULL && !loop->stopped) {
        struct loop_task *task = loop->at_hand.first;
        queue_remove(&loop->at_hand, task);
        task->queued = false;
        task->run(task->state);
    }
}

int loop_run_until_stopped(struct loop *loop)
{
    int error = 0;

    while (!loop->stopped && !error) {
        queue_move(&loop->at_hand, &loop->queued);
        error = run_events(loop);
        queue_move(&loop->at_hand, &loop->refused);
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
