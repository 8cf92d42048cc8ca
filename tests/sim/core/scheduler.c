#include "sim/core/scheduler.h"

#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined __SANITIZE_ADDRESS__
#define HAS_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK_BYTES = 1 << 20 };

struct coroutine {
    ucontext_t context;
    void *stack, *fake_stack;
    coroutine_main *main;
    void *state;
    coroutine_can_continue *can_continue; /* NULL: at once */
    const void *condition;
    bool ended;
};

static struct coroutine coroutines[COROUTINES_MAX];
static void *stacks[COROUTINES_MAX]; /* are used again after scheduler_reset; NULL: not yet made */
static int count, current = -1;
static ucontext_t base;
static bool abandoned, crashed;
static uint64_t crash_after; /* steps; 0: it does not crash */
static unsigned step_ns = 5000;
#ifdef HAS_ASAN
static void *base_fake_stack;
static const void *base_stack;
static size_t base_stack_bytes;
#endif

/* AddressSanitizer has to know on which stack the program runs. */
static void arrive_in_coroutine(void *saved)
{
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(saved, &base_stack, &base_stack_bytes);
#else
    (void)saved;
#endif
}

static void switch_to_base(struct coroutine *coroutine)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(coroutine->ended ? NULL : &coroutine->fake_stack, base_stack,
                                   base_stack_bytes);
#endif
    swapcontext(&coroutine->context, &base);
    arrive_in_coroutine(coroutine->fake_stack);
}

static void run_main(void)
{
    arrive_in_coroutine(NULL);
    struct coroutine *coroutine = &coroutines[current];
    coroutine->main(coroutine->state);
    coroutine->ended = true;
    switch_to_base(coroutine);
}

static void *stack_of(int number)
{
    if (stacks[number] != NULL) {
#ifdef HAS_ASAN
        __asan_unpoison_memory_region(stacks[number], STACK_BYTES);
#endif
        return stacks[number];
    }
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    return stack == MAP_FAILED ? NULL : (stacks[number] = stack);
}

static void prepare(struct coroutine *coroutine)
{
    getcontext(&coroutine->context);
    coroutine->context.uc_stack.ss_sp = coroutine->stack;
    coroutine->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&coroutine->context, run_main, 0);
}

int scheduler_start(coroutine_main *main, void *state)
{
    if (count == COROUTINES_MAX)
        return -1;
    struct coroutine *coroutine = &coroutines[count];
    *coroutine = (struct coroutine){.stack = stack_of(count), .main = main, .state = state};
    if (coroutine->stack == NULL)
        return -1;
    prepare(coroutine);
    return count++;
}

void scheduler_wait(coroutine_can_continue *can_continue, const void *state)
{
    struct coroutine *coroutine = &coroutines[current];
    coroutine->can_continue = can_continue;
    coroutine->condition = state;
    switch_to_base(coroutine);
}

int scheduler_current(void)
{
    return current;
}

bool scheduler_has_ended(int coroutine)
{
    return coroutines[coroutine].ended;
}

void *scheduler_state(int coroutine)
{
    return coroutines[coroutine].state;
}

int scheduler_count(void)
{
    return count;
}

void scheduler_set_step_ns(unsigned most_ns)
{
    step_ns = most_ns;
}

void scheduler_abandon(void)
{
    abandoned = true;
    coroutines[current].ended = true;
    switch_to_base(&coroutines[current]);
    abort();
}

bool scheduler_was_abandoned(void)
{
    return abandoned;
}

/* Returns one of those that can continue, or -1. */
static int choose(void)
{
    int ready[COROUTINES_MAX], ready_count = 0;
    for (int i = 0; i < count; i++) {
        const struct coroutine *coroutine = &coroutines[i];
        if (!coroutine->ended &&
            (coroutine->can_continue == NULL || coroutine->can_continue(coroutine->condition)))
            ready[ready_count++] = i;
    }
    if (ready_count == 0)
        return -1;
    return ready[draw_below(DRAW_SCHEDULE, (uint64_t)ready_count)];
}

static void step(int chosen)
{
    struct coroutine *coroutine = &coroutines[chosen];
    trace(TRACE_RUN, (uint64_t)chosen, 0, 0, 0);
    current = chosen;
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&base_fake_stack, coroutine->stack, STACK_BYTES);
#endif
    swapcontext(&base, &coroutine->context);
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(base_fake_stack, NULL, NULL);
#endif
    current = -1;
    event_queue_advance(draw_range(DRAW_SCHEDULE, 500, step_ns));
}

void scheduler_reset(void)
{
    for (int i = 0; i < count; i++)
        if (!coroutines[i].ended)
            broken_promise("every thread has ended before the server has", "thread %d has not", i);
    count = 0;
    crashed = abandoned = false;
    crash_after = 0;
}

void scheduler_crash_after(uint64_t steps)
{
    crash_after = steps;
}

bool scheduler_has_crashed(void)
{
    return crashed;
}

void scheduler_forget(void)
{
    count = 0;
}

void scheduler_sleep(uint64_t ns)
{
    uint64_t end_ns = event_queue_now_ns() + ns;
    while (event_queue_next_ns() <= end_ns) {
        event_queue_advance_to(event_queue_next_ns());
        event_queue_run();
    }
    event_queue_advance_to(end_ns);
}

void scheduler_run(scheduler_after_step *after_step, scheduler_on_idle *on_idle)
{
    while (!coroutines[0].ended && !abandoned && !crashed) {
        event_queue_run();
        int chosen = choose();
        if (chosen >= 0) {
            step(chosen);
            after_step(chosen);
            crashed = crash_after > 0 && --crash_after == 0 && !coroutines[0].ended;
            continue;
        }
        on_idle();
        uint64_t next_ns = event_queue_next_ns();
        if (next_ns == UINT64_MAX)
            broken_promise("the server always waits for something",
                           "no thread can run, and nothing is due");
        event_queue_advance_to(next_ns);
    }
}
