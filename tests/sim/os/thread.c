/* os/loop/thread: threads as coroutines. */
#include "os/loop/thread.h"

#include "sim/core/scheduler.h"
#include "sim/world/faults.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_COROUTINE = -1 };

struct thread {
    int worker;
    int coroutine; /* NO_COROUTINE: it waits */
};

static bool has_ended(const void *state)
{
    return scheduler_has_ended(((const struct thread *)state)->coroutine);
}

struct thread *thread_open(const char *name)
{
    int worker = MAIN_THREAD;
    bool is_worker = sscanf(name, "worker-%d", &worker) == 1;
    bool is_refused = faults_refuse_memory() || (is_worker && upgrades_refuse_worker_thread());
    struct thread *thread = is_refused ? NULL : calloc(1, sizeof *thread);
    if (thread == NULL) {
        errno = EAGAIN;
        return NULL;
    }
    *thread = (struct thread){.worker = worker, .coroutine = NO_COROUTINE};
    return thread;
}

void thread_run(struct thread *thread, thread_main *main, void *state)
{
    thread->coroutine = scheduler_start(thread->worker, main, state);
    if (thread->coroutine < 0)
        abort(); /* COROUTINES_MAX is too small */
}

void thread_await(struct thread *thread)
{
    if (thread->coroutine == NO_COROUTINE)
        return;
    if (!has_ended(thread))
        scheduler_wait(has_ended, thread);
    scheduler_release(thread->coroutine);
    thread->coroutine = NO_COROUTINE;
}

struct thread *thread_start(const char *name, thread_main *main, void *state)
{
    struct thread *thread = thread_open(name);
    if (thread != NULL)
        thread_run(thread, main, state);
    return thread;
}

int thread_pin(struct thread *thread, uint32_t processor)
{
    (void)thread;
    (void)processor;
    return faults_refuse_pin();
}

void thread_join(struct thread *thread)
{
    if (thread == NULL)
        return;
    thread_await(thread);
    free(thread);
}
