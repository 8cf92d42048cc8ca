#include "os/loop/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum stage {
    WAITING, /* for something to run */
    RUNNING,
    ENDING,
};

struct thread {
    pthread_t id;
    char name[16]; /* the length that the kernel keeps: pthread_setname_np(3) */
    pthread_mutex_t mutex;
    pthread_cond_t has_changed; /* the stage */
    enum stage stage;
    thread_main *main;
    void *state;
};

static void set_stage(struct thread *thread, enum stage stage)
{
    pthread_mutex_lock(&thread->mutex);
    thread->stage = stage;
    pthread_cond_broadcast(&thread->has_changed);
    pthread_mutex_unlock(&thread->mutex);
}

/* Waits until the stage is another one, and returns that. */
static enum stage await_other(struct thread *thread, enum stage than)
{
    pthread_mutex_lock(&thread->mutex);
    while (thread->stage == than)
        pthread_cond_wait(&thread->has_changed, &thread->mutex);
    enum stage stage = thread->stage;
    pthread_mutex_unlock(&thread->mutex);
    return stage;
}

static void *start(void *state)
{
    struct thread *thread = state;

    pthread_setname_np(pthread_self(), thread->name);
    while (await_other(thread, WAITING) == RUNNING) {
        thread->main(thread->state);
        set_stage(thread, WAITING);
    }
    return NULL;
}

struct thread *thread_open(const char *name)
{
    struct thread *thread = malloc(sizeof *thread);
    sigset_t all, before;

    if (thread == NULL)
        return NULL;
    *thread = (struct thread){.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .has_changed = PTHREAD_COND_INITIALIZER,
                              .stage = WAITING};
    snprintf(thread->name, sizeof thread->name, "%s", name);
    /* A new thread inherits the mask, so that it never has a signal unblocked. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread->id, NULL, start, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(thread);
        errno = error;
        return NULL;
    }
    return thread;
}

void thread_run(struct thread *thread, thread_main *main, void *state)
{
    thread->main = main;
    thread->state = state;
    set_stage(thread, RUNNING);
}

void thread_await(struct thread *thread)
{
    await_other(thread, RUNNING);
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
    size_t bytes = CPU_ALLOC_SIZE(processor + 1);
    cpu_set_t *mask = CPU_ALLOC(processor + 1);

    if (mask == NULL)
        return -ENOMEM;
    CPU_ZERO_S(bytes, mask);
    CPU_SET_S(processor, bytes, mask);
    int error = -pthread_setaffinity_np(thread->id, bytes, mask);
    CPU_FREE(mask);
    return error;
}

void thread_join(struct thread *thread)
{
    if (thread == NULL)
        return;
    thread_await(thread);
    set_stage(thread, ENDING);
    pthread_join(thread->id, NULL);
    free(thread);
}

void thread_minimize_timer_slack(void)
{
    prctl(PR_SET_TIMERSLACK, 1UL);
}
