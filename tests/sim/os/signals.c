/* os/loop/signals: signals that the simulated operator sends. */
#include "os/loop/signals.h"

#include "sim/core/descriptors.h"
#include "sim/core/trace.h"
#include "sim/os/signals.h"

#include <stdlib.h>

static uint64_t pending; /* a bit for each signal */
static void *server;

struct signals_object {
    struct object object;
    uint64_t caught;
};

static unsigned has_pending(const struct object *object)
{
    return pending & ((const struct signals_object *)object)->caught ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    free(object);
}

void simulated_signal(int signal)
{
    trace(TRACE_SIGNAL, (uint64_t)signal, 0, 0, 0);
    pending |= UINT64_C(1) << signal;
}

void *simulated_signals_state(void)
{
    return server;
}

void simulated_signals_reset(void)
{
    pending = 0;
    server = NULL;
}

static void on_signal(void *state, unsigned events)
{
    struct loop *loop = state;
    struct loop_signals *signals = loop_signals_of(loop);
    (void)events;
    for (int i = 1; i < 64 && !loop_is_stopping(loop); i++) {
        if (!(pending >> i & 1))
            continue;
        pending &= ~(UINT64_C(1) << i);
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
    own->caught = caught;
    own->state = server = state;
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
        if (pending >> *signals & 1)
            return true;
    return false;
}

void loop_signals_unignore(int signal)
{
    (void)signal;
}
