/* With it, _longjmp(3) refuses to go on in another stack. */
#undef _FORTIFY_SOURCE

#include "sim/core/scheduler.h"

#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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

/* Where a stack goes on. */
struct context {
    ucontext_t first; /* before it has run */
    jmp_buf next;
    bool has_run;
};

struct coroutine {
    struct context context;
    void *stack, *fake_stack;
    coroutine_main *main;
    void *state;
    coroutine_can_continue *can_continue; /* NULL: at once */
    const void *condition;
    int process, worker;
    bool ended;
    bool released; /* its place may be used again */
};

static struct coroutine coroutines[COROUTINES_MAX];
static void *stacks[COROUTINES_MAX]; /* are used again; NULL: not yet made */
static int count, current = -1;
static struct context base;
static struct {
    bool exists, has_returned, has_exited;
    int main, status;
    uint64_t frozen_until_ns;
} processes[PROCESSES_MAX];
static struct {
    uint64_t steps; /* 0: nothing is to be called */
    void (*run)(void);
} call_after;
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

/* swapcontext(3) makes two system calls for the signal mask, which takes a tenth of a run.
 * AddressSanitizer does not know jumps between stacks. */
static void switch_context(struct context *from, struct context *to)
{
#ifdef HAS_ASAN
    swapcontext(&from->first, &to->first);
#else
    from->has_run = true;
    if (_setjmp(from->next) != 0)
        return;
    if (to->has_run)
        _longjmp(to->next, 1);
    setcontext(&to->first);
#endif
}

static void switch_to_base(struct coroutine *coroutine)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(coroutine->ended ? NULL : &coroutine->fake_stack, base_stack,
                                   base_stack_bytes);
#endif
    switch_context(&coroutine->context, &base);
    arrive_in_coroutine(coroutine->fake_stack);
}

static void run_main(void)
{
    arrive_in_coroutine(NULL);
    struct coroutine *coroutine = &coroutines[current];
    coroutine->main(coroutine->state);
    coroutine->ended = true;
    if (processes[coroutine->process].main == current)
        processes[coroutine->process].has_returned = true;
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
    ucontext_t *first = &coroutine->context.first;
    coroutine->context.has_run = false;
    getcontext(first);
    first->uc_stack.ss_sp = coroutine->stack;
    first->uc_stack.ss_size = STACK_BYTES;
    makecontext(first, run_main, 0);
}

static int start(int process, int worker, coroutine_main *main, void *state)
{
    int number = 0;
    while (number < count && !coroutines[number].released)
        number++;
    if (number == COROUTINES_MAX)
        return -1;
    struct coroutine *coroutine = &coroutines[number];
    *coroutine = (struct coroutine){.stack = stack_of(number),
                                    .main = main,
                                    .state = state,
                                    .process = process,
                                    .worker = worker};
    if (coroutine->stack == NULL) {
        coroutine->ended = coroutine->released = true;
        return -1;
    }
    count += number == count;
    prepare(coroutine);
    return number;
}

int scheduler_start_process(int process, coroutine_main *main, void *state)
{
    int number = start(process, MAIN_THREAD, main, state);
    if (number < 0)
        return -1;
    memset(&processes[process], 0, sizeof processes[process]);
    processes[process].exists = true;
    processes[process].main = number;
    return number;
}

int scheduler_start(int worker, coroutine_main *main, void *state)
{
    return start(coroutines[current].process, worker, main, state);
}

void scheduler_release(int coroutine)
{
    coroutines[coroutine].released = true;
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

int scheduler_process_of(int coroutine)
{
    return coroutines[coroutine].process;
}

int scheduler_worker_of(int coroutine)
{
    return coroutines[coroutine].worker;
}

int scheduler_process(void)
{
    return current >= 0 ? coroutines[current].process : -1;
}

int scheduler_count(int process)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += !coroutines[i].ended && coroutines[i].process == process;
    return found;
}

void scheduler_set_step_ns(unsigned most_ns)
{
    step_ns = most_ns;
}

void scheduler_set_status(int status)
{
    processes[coroutines[current].process].status = status;
}

void scheduler_exit(int status)
{
    struct coroutine *coroutine = &coroutines[current];
    processes[coroutine->process].has_exited = true;
    processes[coroutine->process].status = status;
    coroutine->ended = true;
    switch_to_base(coroutine);
    abort();
}

void scheduler_freeze(int process, uint64_t until_ns)
{
    processes[process].frozen_until_ns = until_ns;
}

static bool is_frozen(int process)
{
    return processes[process].frozen_until_ns > event_queue_now_ns();
}

/* Returns one of those that can continue, or -1. */
static int choose(void)
{
    int ready[COROUTINES_MAX], ready_count = 0;
    for (int i = 0; i < count; i++) {
        const struct coroutine *coroutine = &coroutines[i];
        if (!coroutine->ended && !is_frozen(coroutine->process) &&
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
    switch_context(&base, &coroutine->context);
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(base_fake_stack, NULL, NULL);
#endif
    current = -1;
    event_queue_advance(draw_range(DRAW_SCHEDULE, 500, step_ns));
}

void scheduler_call_after(uint64_t steps, void (*run)(void))
{
    call_after.steps = steps;
    call_after.run = run;
}

void scheduler_forget(int process)
{
    for (int i = 0; i < count; i++)
        if (coroutines[i].process == process)
            coroutines[i].ended = coroutines[i].released = true;
    processes[process].exists = false;
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

static bool any_exists(void)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].exists)
            return true;
    return false;
}

/* Reports the end of the process that has run. */
static void notice_end(int process, scheduler_on_end *on_end)
{
    bool at_once = processes[process].has_exited;
    if (!at_once && !processes[process].has_returned)
        return;
    for (int i = 0; i < count && !at_once; i++)
        if (coroutines[i].process == process && !coroutines[i].ended)
            broken_promise("every thread has ended before the server has", "thread %d has not", i);
    scheduler_forget(process);
    on_end(process, at_once, processes[process].status);
}

/* Checks that no coroutine can continue, also if none was looked for since nothing has woken one.
 * Only with AddressSanitizer: it takes the time that not looking saves. */
static void check_choice(void)
{
#ifdef HAS_ASAN
    if (choose() >= 0)
        broken_promise("the simulator itself", "an event from outside has woken a thread");
#endif
}

void scheduler_run(scheduler_after_step *after_step, scheduler_on_idle *on_idle,
                   scheduler_on_end *on_end)
{
    bool may_continue = true; /* something has happened since none could */
    while (any_exists()) {
        may_continue |= event_queue_run();
        int chosen = may_continue ? choose() : -1;
        if (chosen >= 0) {
            step(chosen);
            notice_end(coroutines[chosen].process, on_end);
            after_step(chosen);
            if (call_after.steps > 0 && --call_after.steps == 0)
                call_after.run();
            continue;
        }
        check_choice();
        may_continue = on_idle();
        uint64_t next_ns = event_queue_next_ns();
        if (next_ns == UINT64_MAX)
            broken_promise("the server always waits for something",
                           "no thread can run, and nothing is due");
        event_queue_advance_to(next_ns);
    }
    count = 0;
}
