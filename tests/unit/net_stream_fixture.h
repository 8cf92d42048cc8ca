/* A stream in a loop, its owner, and the peer's end of it. */
#ifndef UNIT_NET_STREAM_FIXTURE_H
#define UNIT_NET_STREAM_FIXTURE_H

#include "net/stream.h"
#include "net/stream_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The owner of a stream in a loop, and the peer's end of it, which blocks. */
struct owner {
    struct loop *loop;
    struct stream *stream;
    int peer;
    char heard[256]; /* the lines, each in brackets */
    size_t last_size;
    int lines, drains, closes;
    int error;
    int stop_at; /* lines */
    bool stop_when_drained;
    bool discard_when_closed;
    void (*on_line)(struct owner *owner, char *line, size_t size);
};

static inline void hear_line(void *state, char *line, size_t size)
{
    struct owner *owner = state;
    size_t used = strlen(owner->heard);
    cr_assert_eq(line[size], '\0');
    snprintf(owner->heard + used, sizeof owner->heard - used, "[%s]", line);
    owner->last_size = size;
    if (++owner->lines == owner->stop_at)
        loop_stop(owner->loop);
    if (owner->on_line)
        owner->on_line(owner, line, size);
}

static inline void hear_drained(void *state)
{
    struct owner *owner = state;
    owner->drains++;
    if (owner->stop_when_drained)
        loop_stop(owner->loop);
}

static inline void hear_closed(void *state, int error)
{
    struct owner *owner = state;
    owner->closes++;
    owner->error = error;
    if (owner->discard_when_closed)
        stream_discard(owner->stream);
    loop_stop(owner->loop);
}

static const struct stream_callbacks callbacks = {hear_line, hear_drained, hear_closed};

static inline void open_owner(struct owner *owner, size_t max_line_bytes)
{
    int fds[2];
    *owner = (struct owner){.loop = loop_new()};
    cr_assert_neq(owner->loop, NULL);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    cr_assert_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    owner->peer = fds[1];
    owner->stream = stream_new(owner->loop, fds[0], max_line_bytes, &callbacks, owner);
    cr_assert_neq(owner->stream, NULL);
}

static inline void close_owner(struct owner *owner)
{
    stream_free(owner->stream);
    if (owner->peer >= 0)
        close(owner->peer);
    loop_free(owner->loop);
}

static inline void say(struct owner *owner, const char *text)
{
    cr_assert_eq(stream_write_all(owner->peer, text, strlen(text)), 0);
}

static inline void run(struct owner *owner)
{
    cr_assert_eq(loop_run_until_stopped(owner->loop), 0);
}

static inline void stop(void *state)
{
    loop_stop(state);
}

/* One round of whatever is ready. */
static inline void run_round(struct owner *owner)
{
    struct loop_task task = {.run = stop, .state = owner->loop};
    loop_defer(owner->loop, &task);
    run(owner);
    loop_cancel(owner->loop, &task); /* a callback may have stopped the loop before */
}

/* Rounds enough for anything that is ready to be done with. */
static inline void settle(struct owner *owner)
{
    struct loop_task task = {.run = stop, .state = owner->loop};
    for (int i = 0; i < 4; i++) {
        loop_defer(owner->loop, &task);
        run(owner);
    }
}

static inline void hang_up(struct owner *owner)
{
    close(owner->peer);
    owner->peer = -1;
}

static inline void pause_here(struct owner *owner, char *line, size_t size)
{
    (void)line;
    (void)size;
    stream_pause(owner->stream);
}

#endif
