/* A connection in a loop: bytes in are cut into lines, bytes out wait where the kernel has no room.
 */
#include "net/message/line_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_INPUT_BYTES = 4096, /* most commands; what is longer makes the buffer grow */
    /* Kept for a peer that doesn't read: far beyond any answer that is written at once, while long
     * ones are written in pieces as they drain; so it is met by errors of ours alone, before they
     * take the whole memory. */
    OUTPUT_BYTES_MAX = 64 << 20,
};

/* Bytes from begin to end of a buffer that grows. */
struct span {
    char *bytes;
    size_t begin;
    size_t end;
    size_t room;
};

struct line_stream {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task; /* pump, asked for from outside of the loop's own events */
    const struct line_stream_callbacks *callbacks;
    void *state;
    int fd;
    unsigned events; /* that the handler asks for */
    size_t max_line_bytes;
    struct span input;
    size_t scanned; /* of the input, without a newline */
    struct span output;
    size_t max_output_bytes;
    int error; /* why the connection is broken, 0 while it isn't */
    bool paused;
    bool ended;      /* the peer's input is all here */
    bool closed;     /* no more lines, and the owner knows it */
    bool takes_rest; /* a last line needs no newline */
    bool discarding; /* the peer's input is thrown away until it ends; then the owner is told */
    bool finishing;  /* no more lines, and no owner: goes when the output has gone */
    bool busy;       /* in a callback or between two: not to be freed yet */
    bool freed;
};

static void on_ready(void *state, unsigned events);
static void on_task(void *state);

static size_t span_size(const struct span *span)
{
    return span->end - span->begin;
}

/* Moves the bytes to the front and makes the room at least as given. */
static bool span_grow(struct span *span, size_t room)
{
    size_t size = span_size(span);

    if (span->begin > 0 && size > 0)
        memmove(span->bytes, span->bytes + span->begin, size);
    span->begin = 0;
    span->end = size;
    if (room <= span->room)
        return true;
    char *bytes = realloc(span->bytes, room);
    if (bytes == NULL)
        return false;
    span->bytes = bytes;
    span->room = room;
    return true;
}

static void span_drop(struct span *span)
{
    free(span->bytes);
    *span = (struct span){0};
}

struct line_stream *line_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                    const struct line_stream_callbacks *callbacks, void *state)
{
    struct line_stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL || loop_add(loop, &stream->handler, fd, LOOP_READ, on_ready, stream) != 0) {
        close(fd);
        free(stream);
        return NULL;
    }
    stream->loop = loop;
    stream->fd = fd;
    stream->events = LOOP_READ;
    stream->task = (struct loop_task){.run = on_task, .state = stream};
    stream->max_line_bytes = max_line_bytes;
    stream->max_output_bytes = OUTPUT_BYTES_MAX;
    stream->callbacks = callbacks;
    stream->state = state;
    return stream;
}

void line_stream_take_rest(struct line_stream *stream)
{
    stream->takes_rest = true;
}

void line_stream_limit_output(struct line_stream *stream, size_t max_bytes)
{
    stream->max_output_bytes = max_bytes;
}

static void release(struct line_stream *stream)
{
    span_drop(&stream->input);
    span_drop(&stream->output);
    free(stream);
}

void line_stream_free(struct line_stream *stream)
{
    if (stream == NULL || stream->freed)
        return;
    stream->freed = true;
    loop_remove(&stream->handler);
    loop_cancel(stream->loop, &stream->task);
    close(stream->fd);
    if (!stream->busy)
        release(stream);
}

/* ---- Output ---- */

/* Sends what the kernel takes of size bytes. Returns how many; a failure breaks the connection. */
static size_t send_some(struct line_stream *stream, const char *bytes, size_t size)
{
    size_t sent = 0;

    while (sent < size && !stream->error) {
        ssize_t result = send(stream->fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (result > 0)
            sent += (size_t)result;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            stream->error = -errno;
    }
    return sent;
}

static bool keep(struct line_stream *stream, const char *bytes, size_t size)
{
    struct span *output = &stream->output;
    size_t needed = span_size(output) + size, most = stream->max_output_bytes;

    if (needed > (line_stream_is_backed_up(stream) ? most : OUTPUT_BYTES_MAX))
        return false;
    if (size > output->room - output->end) {
        size_t room = needed > output->room ? needed + needed / 2 : output->room;
        if (!span_grow(output, room < most || needed > most ? room : most))
            return false;
    }
    memcpy(output->bytes + output->end, bytes, size);
    output->end += size;
    return true;
}

static void flush(struct line_stream *stream)
{
    struct span *output = &stream->output;

    output->begin += send_some(stream, output->bytes + output->begin, span_size(output));
    if (stream->error || span_size(output) == 0)
        span_drop(output);
}

bool line_stream_is_backed_up(const struct line_stream *stream)
{
    return span_size(&stream->output) > 0;
}

size_t line_stream_kept_bytes(const struct line_stream *stream)
{
    return span_size(&stream->output);
}

/* ---- Input ---- */

static bool wants_lines(const struct line_stream *stream)
{
    return !stream->paused && !stream->closed && !stream->finishing && !stream->freed;
}

/* One read, so that a peer that never ends doesn't keep the loop from others. */
static void fill(struct line_stream *stream)
{
    struct span *input = &stream->input;

    if (input->end == input->room) {
        /* The longest line, its CR and its LF. */
        size_t most = stream->max_line_bytes + 2;
        size_t room = input->room == 0 ? FIRST_INPUT_BYTES : span_size(input) * 2;
        if (!span_grow(input, room < most ? room : most)) {
            stream->error = -ENOMEM;
            return;
        }
    }
    ssize_t got = recv(stream->fd, input->bytes + input->end, input->room - input->end, 0);
    if (got > 0)
        input->end += (size_t)got;
    else if (got == 0)
        stream->ended = true;
    else if (errno != EAGAIN && errno != EINTR)
        stream->error = -errno;
}

static void tell_closed(struct line_stream *stream, int error)
{
    stream->closed = true;
    stream->callbacks->closed(stream->state, error);
}

/* Hands size bytes of the input over as a line; at the end of the input there is room for the NUL,
 * since a read asked for more. */
static void tell_line(struct line_stream *stream, char *line, size_t size)
{
    line[size] = '\0';
    stream->callbacks->line(stream->state, line, size);
}

/* What stands behind the last newline when no more comes. */
static void cut_rest(struct line_stream *stream, char *line, size_t size)
{
    struct span *input = &stream->input;

    if (size == 0 || !stream->takes_rest) {
        tell_closed(stream, size > 0 ? -EPROTO : 0);
    } else if (size > stream->max_line_bytes) {
        tell_closed(stream, -EMSGSIZE);
    } else {
        stream->scanned = 0;
        input->begin = input->end;
        tell_line(stream, line, size);
    }
}

/* Hands the next line over, if it is there whole, or tells that none will come any more. Returns
 * whether to go on. */
static bool cut_line(struct line_stream *stream)
{
    struct span *input = &stream->input;
    size_t size = span_size(input);
    char *line = size > 0 ? input->bytes + input->begin : NULL;
    char *newline = NULL;

    if (stream->scanned < size)
        newline = memchr(line + stream->scanned, '\n', size - stream->scanned);
    if (newline == NULL) {
        stream->scanned = size;
        if (size >= stream->max_line_bytes + 2)
            tell_closed(stream, -EMSGSIZE);
        else if (stream->ended)
            cut_rest(stream, line, size);
        return stream->ended;
    }
    size_t length = (size_t)(newline - line);
    stream->scanned = 0;
    input->begin += length + 1;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length > stream->max_line_bytes) {
        tell_closed(stream, -EMSGSIZE);
        return false;
    }
    tell_line(stream, line, length);
    return true;
}

static void cut_lines(struct line_stream *stream)
{
    while (wants_lines(stream) && !stream->error && cut_line(stream))
        ;
    /* A connection that waits for its next command costs no buffer. */
    if (span_size(&stream->input) == 0 && !stream->freed)
        span_drop(&stream->input);
}

/* ---- In the loop ---- */

/* A connection that is over asks for nothing, and is taken out of the loop: epoll would tell its
 * hangup again and again. */
static void watch(struct line_stream *stream)
{
    unsigned events = 0;

    if (wants_lines(stream) || (stream->discarding && !stream->ended))
        events |= LOOP_READ;
    if (line_stream_is_backed_up(stream))
        events |= LOOP_WRITE;
    if (stream->error)
        loop_remove(&stream->handler);
    else if (events != stream->events)
        loop_change(&stream->handler, events);
    stream->events = events;
}

/* What every callback needs behind it. */
static void settle(struct line_stream *stream)
{
    if (!stream->freed && stream->error && !stream->closed && !stream->finishing)
        tell_closed(stream, stream->error);
    if (!stream->freed && stream->discarding &&
        (stream->error || (stream->ended && !line_stream_is_backed_up(stream)))) {
        stream->discarding = false;
        stream->callbacks->drained(stream->state);
    }
    stream->busy = false;
    if (!stream->freed && stream->finishing && (stream->error || !line_stream_is_backed_up(stream)))
        line_stream_free(stream);
    else if (stream->freed)
        release(stream);
    else
        watch(stream);
}

/* One read of what nobody wants. */
static void throw_away(struct line_stream *stream)
{
    char bytes[FIRST_INPUT_BYTES];
    ssize_t got = recv(stream->fd, bytes, sizeof bytes, 0);

    if (got == 0)
        stream->ended = true;
    else if (got < 0 && errno != EAGAIN && errno != EINTR)
        stream->error = -errno;
}

static void discard(struct line_stream *stream, bool was_backed_up)
{
    if (was_backed_up && !line_stream_is_backed_up(stream))
        shutdown(stream->fd, SHUT_WR);
    throw_away(stream);
}

static void on_ready(void *state, unsigned events)
{
    struct line_stream *stream = state;
    bool was_backed_up = line_stream_is_backed_up(stream);

    stream->busy = true;
    if (was_backed_up)
        flush(stream);
    if (stream->discarding) {
        discard(stream, was_backed_up);
        settle(stream);
        return;
    }
    if (wants_lines(stream) && !stream->error)
        fill(stream);
    else if (events & LOOP_HANGUP && !stream->error)
        stream->error = -EPIPE; /* gone in both directions, so no answer reaches it any more */
    if (was_backed_up && !line_stream_is_backed_up(stream) && !stream->error && !stream->finishing)
        stream->callbacks->drained(stream->state);
    cut_lines(stream);
    settle(stream);
}

static void on_task(void *state)
{
    struct line_stream *stream = state;

    stream->busy = true;
    cut_lines(stream);
    settle(stream);
}

/* Callbacks never come out of the owner's own calls, but from the loop. */
static void call_later(struct line_stream *stream)
{
    if (!stream->busy)
        loop_defer(stream->loop, &stream->task);
}

bool line_stream_write(struct line_stream *stream, const void *bytes, size_t size)
{
    size_t sent = 0;

    if (!line_stream_is_backed_up(stream))
        sent = send_some(stream, bytes, size);
    if (!stream->error && sent < size && !keep(stream, (const char *)bytes + sent, size - sent))
        stream->error = -ENOBUFS;
    if (stream->error) {
        span_drop(&stream->output);
        call_later(stream);
        return false;
    }
    if (!stream->busy)
        watch(stream);
    return true;
}

void line_stream_pause(struct line_stream *stream)
{
    stream->paused = true;
    if (!stream->busy)
        watch(stream);
}

void line_stream_resume(struct line_stream *stream)
{
    stream->paused = false;
    call_later(stream);
}

void line_stream_discard(struct line_stream *stream)
{
    stream->discarding = true;
    span_drop(&stream->input);
    if (!line_stream_is_backed_up(stream))
        shutdown(stream->fd, SHUT_WR);
    if (!stream->busy)
        watch(stream);
}

void line_stream_finish(struct line_stream *stream)
{
    stream->finishing = true;
    if (stream->error || !line_stream_is_backed_up(stream))
        line_stream_free(stream);
    else if (!stream->busy)
        watch(stream);
}
