#include "os/loop/standard_output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM_BYTES = 16 << 10 /* at first; it doubles */ };

static void on_ready(void *state, unsigned events);

void standard_output_open(struct standard_output *output, struct loop *loop, int fd,
                          loop_callback *written, void *state)
{
    *output = (struct standard_output){.loop = loop, .written = written, .state = state, .fd = fd};
}

size_t standard_output_waiting_bytes(const struct standard_output *output)
{
    return output->end - output->begin;
}

static void fail(struct standard_output *output, int error)
{
    if (output->error == 0)
        output->error = error;
    output->begin = output->end = 0;
}

/* Writes once, at most size bytes. */
static void write_some(struct standard_output *output, size_t size)
{
    ssize_t written = write(output->fd, output->bytes + output->begin, size);
    if (written >= 0)
        output->begin += (size_t)written;
    else if (errno != EINTR && errno != EAGAIN)
        fail(output, -errno);
}

/* Waits until all is written, also if another process has made the descriptor non-blocking. */
static void write_all(struct standard_output *output)
{
    struct pollfd wait = {.fd = output->fd, .events = POLLOUT};
    while (standard_output_waiting_bytes(output) > 0) {
        poll(&wait, 1, -1);
        write_some(output, standard_output_waiting_bytes(output));
    }
}

/* Watches the descriptor while bytes wait. */
static void watch(struct standard_output *output)
{
    bool waits = standard_output_waiting_bytes(output) > 0;
    if (!waits && output->handler.loop != NULL)
        loop_remove(&output->handler);
    if (!waits || output->handler.loop != NULL)
        return;
    int error = loop_add(output->loop, &output->handler, output->fd, LOOP_WRITE, on_ready, output);
    output->is_always_ready = error == -EPERM;
    if (output->is_always_ready)
        write_all(output);
    else if (error != 0)
        fail(output, error);
}

static void on_ready(void *state, unsigned events)
{
    struct standard_output *output = state;
    size_t waiting = standard_output_waiting_bytes(output);
    (void)events;
    write_some(output, waiting < PIPE_BUF ? waiting : PIPE_BUF);
    watch(output);
    output->written(output->state);
}

/* Returns whether there is room for size more bytes. */
static bool make_room(struct standard_output *output, size_t size)
{
    size_t waiting = standard_output_waiting_bytes(output);
    size_t room = output->room > 0 ? output->room : ROOM_BYTES;
    if (size <= output->room - output->end)
        return true;
    if (waiting > 0 && output->begin > 0)
        memmove(output->bytes, output->bytes + output->begin, waiting);
    output->begin = 0;
    output->end = waiting;
    while (room - waiting < size)
        room *= 2;
    if (room == output->room)
        return true;
    char *bytes = realloc(output->bytes, room);
    if (bytes == NULL)
        return false;
    output->bytes = bytes;
    output->room = room;
    return true;
}

static ssize_t put(void *cookie, const char *bytes, size_t size)
{
    struct standard_output *output = cookie;
    if (output->error == 0 && !make_room(output, size))
        fail(output, -ENOMEM);
    if (output->error != 0)
        return 0;
    memcpy(output->bytes + output->end, bytes, size);
    output->end += size;
    if (output->is_always_ready)
        write_all(output);
    else
        watch(output);
    return (ssize_t)size;
}

FILE *standard_output_stream(struct standard_output *output)
{
    return fopencookie(output, "w", (cookie_io_functions_t){.write = put});
}

int standard_output_close(struct standard_output *output)
{
    if (output->handler.loop != NULL)
        loop_remove(&output->handler);
    write_all(output);
    free(output->bytes);
    output->bytes = NULL;
    return output->error;
}
