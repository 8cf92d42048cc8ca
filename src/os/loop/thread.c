#include "os/loop/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

struct thread {
    pthread_t id;
    char name[16]; /* the length that the kernel keeps: pthread_setname_np(3) */
    thread_main *main;
    void *state;
};

static void *start(void *state)
{
    struct thread *thread = state;

    pthread_setname_np(pthread_self(), thread->name);
    thread->main(thread->state);
    return NULL;
}

struct thread *thread_start(const char *name, thread_main *main, void *state)
{
    struct thread *thread = malloc(sizeof *thread);
    sigset_t all, before;

    if (thread == NULL)
        return NULL;
    thread->main = main;
    thread->state = state;
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
    pthread_join(thread->id, NULL);
    free(thread);
}

void thread_minimize_timer_slack(void)
{
    prctl(PR_SET_TIMERSLACK, 1UL);
}
