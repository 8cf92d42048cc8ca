#include "os/loop/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void on_timer(void *state, unsigned events)
{
    struct loop_timer *timer = state;
    uint64_t expirations;

    (void)events;
    /* There is nothing to read if the timer was set again after this event was fetched. */
    if (read(timer->handler.fd, &expirations, sizeof expirations) == sizeof expirations)
        timer->run(timer->state);
}

int loop_timer_open(struct loop *loop, struct loop_timer *timer, loop_callback *run, void *state)
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

void loop_timer_change_period(struct loop_timer *timer, uint32_t period_ms)
{
    uint64_t period_ns = (uint64_t)period_ms * 1000000u, expirations;
    struct itimerspec set = {.it_value = {0, 0}};

    /* An expiry that was not yet handled would be lost by setting the timer. */
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
