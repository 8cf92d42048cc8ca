#include "os/loop/standard_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void polled(void *state, unsigned events)
{
    (void)events;
    struct standard_input *input = state;
    input->ready(input->state);
}

static void deferred(void *state)
{
    struct standard_input *input = state;
    /* Queued before the callback, which may pause the input. */
    loop_defer(input->loop, &input->task);
    input->ready(input->state);
}

void standard_input_open(struct standard_input *input, struct loop *loop, int fd,
                         loop_callback *ready, void *state)
{
    *input = (struct standard_input){.loop = loop, .ready = ready, .state = state, .fd = fd};
    input->task = (struct loop_task){.run = deferred, .state = input};
}

int standard_input_resume(struct standard_input *input)
{
    if (input->wanted)
        return 0;
    int error = loop_add(input->loop, &input->handler, input->fd, LOOP_READ, polled, input);
    if (error && error != -EPERM)
        return error;
    if (error)
        loop_defer(input->loop, &input->task);
    input->wanted = true;
    return 0;
}

void standard_input_pause(struct standard_input *input)
{
    if (!input->wanted)
        return;
    /* Asking for no events is not enough: a hangup is always reported. */
    if (input->handler.loop)
        loop_remove(&input->handler);
    loop_cancel(input->loop, &input->task);
    input->wanted = false;
}

ssize_t standard_input_read(const struct standard_input *input, void *bytes, size_t capacity)
{
    ssize_t size;
    do
        size = read(input->fd, bytes, capacity);
    while (size < 0 && errno == EINTR);
    return size < 0 ? -errno : size;
}

bool standard_input_has_bytes(const struct standard_input *input)
{
    int waiting;
    return ioctl(input->fd, FIONREAD, &waiting) == 0 && waiting > 0;
}
