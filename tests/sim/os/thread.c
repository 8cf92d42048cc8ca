/* os/loop/thread: threads as coroutines. */
#include "os/loop/thread.h"

#include "sim/core/scheduler.h"
#include "sim/world/faults.h"
#include "sim/world/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct thread {
    int coroutine;
};

static bool has_ended(const void *state)
{
    return scheduler_has_ended(((const struct thread *)state)->coroutine);
}

struct thread *thread_start(const char *name, thread_main *main, void *state)
{
    int worker = MAIN_THREAD;
    sscanf(name, "worker-%d", &worker);
    /* After an upgrade, and after one that has failed, no process could go on without its threads.
     */
    bool is_refused = !plan_was_ready() && faults_refuse_memory();
    struct thread *thread = is_refused ? NULL : calloc(1, sizeof *thread);
    if (thread != NULL && (thread->coroutine = scheduler_start(worker, main, state)) < 0) {
        free(thread);
        thread = NULL;
    }
    if (thread == NULL)
        errno = EAGAIN;
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
    if (!has_ended(thread))
        scheduler_wait(has_ended, thread);
    scheduler_release(thread->coroutine);
    free(thread);
}
