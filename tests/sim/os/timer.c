/* os/loop/timer on the virtual clock. */
#include "os/loop/timer.h"

#include "sim/core/broken.h"
#include "sim/core/descriptors.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>

struct timer {
    struct object object;
    uint64_t due_ns; /* 0: it is not set */
    uint64_t period_ns;
};

static unsigned is_due(const struct object *object)
{
    const struct timer *timer = (const struct timer *)object;
    if (broken_is("sweep") && timer->period_ns > 0)
        return 0;
    return timer->due_ns != 0 && event_queue_now_ns() >= timer->due_ns ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    free(object);
}

/* Only has the clock stop at that time. */
static void wake_up(void *state)
{
    (void)state;
}

static void set(struct timer *timer, uint64_t first_ns, uint64_t period_ns)
{
    timer->period_ns = period_ns;
    timer->due_ns = first_ns == 0 ? 0 : event_queue_now_ns() + first_ns;
    if (first_ns != 0)
        event_queue_add(first_ns, wake_up, NULL);
}

/* Takes an expiry that was not yet handled. Several missed ticks count as one. */
static bool take_expiry(struct timer *timer)
{
    uint64_t now_ns = event_queue_now_ns();
    if (timer->due_ns == 0 || now_ns < timer->due_ns)
        return false;
    if (timer->period_ns == 0) {
        timer->due_ns = 0;
        return true;
    }
    timer->due_ns += ((now_ns - timer->due_ns) / timer->period_ns + 1) * timer->period_ns;
    event_queue_add(timer->due_ns - now_ns, wake_up, NULL);
    return true;
}

static struct timer *timer_of(const struct loop_timer *timer)
{
    return (struct timer *)descriptor_object(timer->handler.fd, OBJECT_TIMER);
}

static void on_timer(void *state, unsigned events)
{
    struct loop_timer *timer = state;
    (void)events;
    trace(TRACE_TIMER, (uint64_t)timer->handler.fd, 0, 0, 0);
    if (take_expiry(timer_of(timer)))
        timer->run(timer->state);
}

int loop_timer_open(struct loop *loop, struct loop_timer *timer, loop_callback *run, void *state)
{
    *timer = (struct loop_timer){.run = run, .state = state};
    struct timer *made = faults_refuse_memory() ? NULL : calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->object = (struct object){.kind = OBJECT_TIMER, .ready = is_due, .destroy = destroy};
    int fd = descriptor_open(&made->object);
    if (fd < 0)
        return fd;
    int error = loop_add(loop, &timer->handler, fd, LOOP_READ, on_timer, timer);
    if (error != 0)
        descriptor_close(fd);
    return error;
}

void loop_timer_close(struct loop_timer *timer)
{
    if (timer->handler.loop == NULL)
        return;
    int fd = timer->handler.fd;
    loop_remove(&timer->handler);
    descriptor_close(fd);
}

void loop_timer_every(struct loop_timer *timer, uint32_t period_ms)
{
    uint64_t period_ns = (uint64_t)period_ms * 1000000;
    set(timer_of(timer), period_ns, period_ns);
}

void loop_timer_once(struct loop_timer *timer, uint64_t delay_ns)
{
    set(timer_of(timer), delay_ns, 0);
}

void loop_timer_change_period(struct loop_timer *timer, uint32_t period_ms)
{
    struct timer *changed = timer_of(timer);
    uint64_t period_ns = (uint64_t)period_ms * 1000000, now_ns = event_queue_now_ns();
    uint64_t last_ns = changed->due_ns - changed->period_ns;
    bool is_overdue = changed->due_ns == 0 || now_ns >= changed->due_ns;
    uint64_t passed_ns = is_overdue ? period_ns : now_ns - last_ns;
    set(changed, passed_ns < period_ns ? period_ns - passed_ns : 1, period_ns);
}
