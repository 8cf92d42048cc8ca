/* os/loop/signals: signals that the simulated operator sends. */
#include "os/loop/signals.h"

#include "sim/core/descriptors.h"
#include "sim/core/trace.h"
#include "sim/os/processes.h"
#include "sim/os/signals.h"

#include <stdlib.h>

static uint64_t pending[PROCESSES_MAX]; /* a bit for each signal */
static void *servers[PROCESSES_MAX];

struct signals_object {
    struct object object;
    uint64_t caught;
    int process;
};

static unsigned has_pending(const struct object *object)
{
    const struct signals_object *signals = (const struct signals_object *)object;
    return pending[signals->process] & signals->caught ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    free(object);
}

void simulated_signal_to(int process, int signal)
{
    trace(TRACE_SIGNAL, (uint64_t)signal, (uint64_t)process, 0, 0);
    pending[process] |= UINT64_C(1) << signal;
}

void simulated_signal(int signal)
{
    int process = processes_signalled();
    if (process >= 0)
        simulated_signal_to(process, signal);
}

void *simulated_signals_state(int process)
{
    return servers[process];
}

void simulated_signals_reset(int process)
{
    pending[process] = 0;
    servers[process] = NULL;
}

static void on_signal(void *state, unsigned events)
{
    struct loop *loop = state;
    struct loop_signals *signals = loop_signals_of(loop);
    uint64_t *own = &pending[scheduler_process()];
    (void)events;
    for (int i = 1; i < 64 && !loop_is_stopping(loop); i++) {
        if (!(*own >> i & 1))
            continue;
        *own &= ~(UINT64_C(1) << i);
        signals->caught(signals->state, i);
    }
}

int loop_signals_start(struct loop *loop, const int *signals, loop_signal_callback *caught,
                       void *state)
{
    struct loop_signals *own = loop_signals_of(loop);
    struct signals_object *made = calloc(1, sizeof *made);
    made->object =
        (struct object){.kind = OBJECT_SIGNALS, .ready = has_pending, .destroy = destroy};
    for (; *signals != 0; signals++)
        made->caught |= UINT64_C(1) << *signals;
    made->process = scheduler_process();
    own->caught = caught;
    own->state = servers[made->process] = state;
    int fd = descriptor_open(&made->object);
    if (fd < 0)
        return fd;
    int error = loop_add(loop, &own->handler, fd, LOOP_READ, on_signal, loop);
    if (error != 0)
        descriptor_close(fd);
    return error;
}

void loop_signals_block(const int *signals)
{
    (void)signals;
}

bool loop_signals_are_pending(const int *signals)
{
    for (; *signals != 0; signals++)
        if (pending[scheduler_process()] >> *signals & 1)
            return true;
    return false;
}

void loop_signals_unignore(int signal)
{
    (void)signal;
}
