#include "net/message/framed_stream.h"

#include "net/message/framed_stream_state.h"
#include "os/process/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_INPUT_BYTES = 4096, /* enough for most commands; the buffer grows for longer ones */
    DROPPED_BYTES = 4096,     /* input that is dropped at once */
    /* Output that is buffered for a peer that does not read. It is far more than the longest
     * response that is written at once; longer ones are written in pieces as they drain. So only a
     * fault of this program reaches the limit, before it uses up the memory. */
    OUTPUT_BYTES_MAX = 64 << 20,
};

static void on_ready(void *state, unsigned events);
static void on_task(void *state);

struct framed_stream *framed_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                        const struct framed_stream_callbacks *callbacks,
                                        void *state)
{
    struct framed_stream *stream = calloc(1, sizeof *stream);

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

void framed_stream_accept_partial_line(struct framed_stream *stream)
{
    stream->accepts_partial = true;
}

void framed_stream_deliver_chunks(struct framed_stream *stream, void (*too_long)(void *state))
{
    stream->too_long = too_long;
}

void framed_stream_deliver_bytes(struct framed_stream *stream)
{
    stream->is_bytes = true;
}

void framed_stream_limit_output(struct framed_stream *stream, size_t max_bytes)
{
    stream->max_output_bytes = max_bytes;
}

static void release(struct framed_stream *stream)
{
    span_free(&stream->input);
    span_free(&stream->output);
    free(stream);
}

void framed_stream_free(struct framed_stream *stream)
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

/* To the callback, -EMSGSIZE and -ENOBUFS are limits of this module. */
static int system_error(void)
{
    return errno == EMSGSIZE || errno == ENOBUFS ? -EIO : -errno;
}

/* Sends as many of size bytes as the kernel accepts. Returns how many; an error ends the
 * connection. */
static size_t send_some(struct framed_stream *stream, const char *bytes, size_t size)
{
    size_t sent = 0;

    while (sent < size && !stream->error) {
        ssize_t result = send(stream->fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (result > 0)
            sent += (size_t)result;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            stream->error = system_error();
    }
    return sent;
}

static bool buffer_output(struct framed_stream *stream, const char *bytes, size_t size)
{
    struct span *output = &stream->output;
    size_t needed = span_size(output) + size, most = stream->max_output_bytes;

    if (needed > (framed_stream_is_backed_up(stream) ? most : OUTPUT_BYTES_MAX))
        return false;
    if (size > output->capacity - output->end) {
        size_t capacity = needed > output->capacity ? needed + needed / 2 : output->capacity;
        if (!span_grow(output, capacity < most || needed > most ? capacity : most))
            return false;
    }
    memcpy(output->bytes + output->end, bytes, size);
    output->end += size;
    return true;
}

static void flush(struct framed_stream *stream)
{
    struct span *output = &stream->output;

    output->begin += send_some(stream, output->bytes + output->begin, span_size(output));
    if (stream->error || span_size(output) == 0)
        span_free(output);
}

void framed_stream_flush(struct framed_stream *stream, uint64_t until_ms)
{
    struct pollfd wait = {.fd = stream->fd, .events = POLLOUT};
    for (uint64_t now_ms; framed_stream_is_backed_up(stream) && !stream->error;) {
        flush(stream);
        if (!framed_stream_is_backed_up(stream) || (now_ms = clock_now_ms()) >= until_ms)
            return;
        if (poll(&wait, 1, (int)(until_ms - now_ms < 1000 ? until_ms - now_ms : 1000)) < 0 &&
            errno != EINTR)
            return;
    }
}

bool framed_stream_is_backed_up(const struct framed_stream *stream)
{
    return span_size(&stream->output) > 0;
}

size_t framed_stream_unsent_bytes(const struct framed_stream *stream)
{
    return span_size(&stream->output);
}

/* ---- Input ---- */

static bool wants_lines(const struct framed_stream *stream)
{
    return !stream->paused && !stream->closed && !stream->finishing && !stream->freed;
}

/* Reads only once, so that a peer that sends without end does not delay the other handlers. Returns
 * the number of bytes. */
static size_t receive(struct framed_stream *stream, char *bytes, size_t size)
{
    ssize_t got = recv(stream->fd, bytes, size, 0);

    if (got == 0)
        stream->ended = true;
    else if (got < 0 && errno != EAGAIN && errno != EINTR)
        stream->error = system_error();
    return got > 0 ? (size_t)got : 0;
}

static void fill_lines(struct framed_stream *stream)
{
    struct span *input = &stream->input;
    size_t most = stream->max_line_bytes + 2; /* the longest line, its CR and its LF */

    if (span_size(input) >= most)
        return; /* it was taken over, and is delivered first */
    if (input->end == input->capacity) {
        size_t capacity = input->capacity == 0 ? FIRST_INPUT_BYTES : span_size(input) * 2;
        if (!span_grow(input, capacity < most ? capacity : most)) {
            stream->error = -ENOMEM;
            return;
        }
    }
    input->end += receive(stream, input->bytes + input->end, input->capacity - input->end);
}

/* Drops the next part of a chunk that is too long. A part that does not fill the buffer is the last
 * one. The task looks for the next one even if there is no event, which is how the end is found
 * when it falls on the end of the buffer. */
static void drop_part(struct framed_stream *stream)
{
    char bytes[DROPPED_BYTES];

    stream->dropping = receive(stream, bytes, sizeof bytes) == sizeof bytes;
    stream->was_too_long = !stream->dropping;
    if (stream->dropping)
        loop_defer(stream->loop, &stream->task);
}

static void fill_chunk(struct framed_stream *stream)
{
    struct span *input = &stream->input;
    size_t most = stream->max_line_bytes;

    if (span_size(input) > 0 || stream->was_too_long)
        return; /* it is delivered first */
    if (!span_grow(input, most + 1)) {
        stream->error = -ENOMEM;
        return;
    }
    size_t size = receive(stream, input->bytes, most + 1);
    if (size > most)
        drop_part(stream);
    else
        input->end = size;
}

static void fill_bytes(struct framed_stream *stream)
{
    struct span *input = &stream->input;
    size_t most = stream->max_line_bytes;

    if (span_size(input) > 0)
        return; /* it is delivered first */
    if (span_grow(input, most + 1))
        input->end = receive(stream, input->bytes, most);
    else
        stream->error = -ENOMEM;
}

static void fill(struct framed_stream *stream)
{
    if (stream->is_bytes)
        fill_bytes(stream);
    else if (stream->too_long == NULL)
        fill_lines(stream);
    else if (stream->dropping)
        drop_part(stream);
    else
        fill_chunk(stream);
}

static void call_closed(struct framed_stream *stream, int error)
{
    stream->closed = true;
    stream->callbacks->closed(stream->state, error);
}

/* Delivers size bytes of the input as a line or chunk. At the end of the input there is space for
 * the NUL, since the last read had space for more, and framed_stream_take_over adds it. */
static void call_line(struct framed_stream *stream, char *line, size_t size)
{
    line[size] = '\0';
    stream->callbacks->line(stream->state, line, size);
}

/* Delivers or drops what follows the last newline when the input has ended. */
static void deliver_rest(struct framed_stream *stream, char *line, size_t size)
{
    struct span *input = &stream->input;

    if (size == 0 || !stream->accepts_partial) {
        call_closed(stream, size > 0 ? -EPROTO : 0);
    } else if (size > stream->max_line_bytes) {
        call_closed(stream, -EMSGSIZE);
    } else {
        stream->scanned = 0;
        input->begin = input->end;
        call_line(stream, line, size);
    }
}

/* Delivers the next line if it is complete, or calls closed if no more will come. Returns whether
 * to call it again. */
static bool deliver_line(struct framed_stream *stream)
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
            call_closed(stream, -EMSGSIZE);
        else if (stream->ended)
            deliver_rest(stream, line, size);
        return stream->ended;
    }
    size_t length = (size_t)(newline - line);
    stream->scanned = 0;
    input->begin += length + 1;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length > stream->max_line_bytes) {
        call_closed(stream, -EMSGSIZE);
        return false;
    }
    call_line(stream, line, length);
    return true;
}

/* Delivers the input as a chunk. Only what was taken over can be longer than a chunk may be: that
 * is delivered in parts. */
static void deliver_part(struct framed_stream *stream)
{
    struct span *input = &stream->input;
    size_t most = stream->max_line_bytes, rest = span_size(input);
    size_t size = rest < most ? rest : most;
    char *part = input->bytes + input->begin, next = part[size];

    input->begin += size;
    call_line(stream, part, size);
    if (input->bytes != NULL) /* not dropped by the callback */
        part[size] = next;
}

/* The same for chunks. */
static bool deliver_chunk(struct framed_stream *stream)
{
    if (stream->was_too_long) {
        stream->was_too_long = false;
        stream->too_long(stream->state);
        return true;
    }
    if (span_size(&stream->input) > 0) {
        deliver_part(stream);
        return true;
    }
    if (stream->ended)
        call_closed(stream, 0);
    return false;
}

static bool deliver_next(struct framed_stream *stream)
{
    return stream->too_long != NULL || stream->is_bytes ? deliver_chunk(stream)
                                                        : deliver_line(stream);
}

static void deliver_input(struct framed_stream *stream)
{
    while (wants_lines(stream) && !stream->error && deliver_next(stream))
        ;
    /* A connection without input keeps no buffer. */
    if (span_size(&stream->input) == 0 && !stream->freed)
        span_free(&stream->input);
}

/* ---- In the loop ---- */

/* Watches the events that are needed now. A failed connection is removed from the loop, since epoll
 * would report its hangup repeatedly. */
static void watch(struct framed_stream *stream)
{
    unsigned events = 0;

    if (wants_lines(stream) || (stream->discarding && !stream->ended))
        events |= LOOP_READ;
    if (framed_stream_is_backed_up(stream))
        events |= LOOP_WRITE;
    if (stream->error)
        loop_remove(&stream->handler);
    else if (events != stream->events)
        loop_change(&stream->handler, events);
    stream->events = events;
}

/* Runs after callbacks: reports an error, frees the stream if that was requested, watches events.
 */
static void settle(struct framed_stream *stream)
{
    if (!stream->freed && stream->error && !stream->closed && !stream->finishing)
        call_closed(stream, stream->error);
    if (!stream->freed && stream->discarding &&
        (stream->error || (stream->ended && !framed_stream_is_backed_up(stream)))) {
        stream->discarding = false;
        stream->callbacks->drained(stream->state);
    }
    stream->busy = false;
    if (!stream->freed && stream->finishing &&
        (stream->error || !framed_stream_is_backed_up(stream)))
        framed_stream_free(stream);
    else if (stream->freed)
        release(stream);
    else
        watch(stream);
}

static void discard(struct framed_stream *stream, bool was_backed_up)
{
    char bytes[DROPPED_BYTES];

    if (was_backed_up && !framed_stream_is_backed_up(stream))
        shutdown(stream->fd, SHUT_WR);
    receive(stream, bytes, sizeof bytes);
}

static void on_ready(void *state, unsigned events)
{
    struct framed_stream *stream = state;
    bool was_backed_up = framed_stream_is_backed_up(stream);

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
        stream->error = -EPIPE; /* closed in both directions: nothing reaches the peer any more */
    if (was_backed_up && !framed_stream_is_backed_up(stream) && !stream->error &&
        !stream->finishing)
        stream->callbacks->drained(stream->state);
    deliver_input(stream);
    settle(stream);
}

static void on_task(void *state)
{
    struct framed_stream *stream = state;

    stream->busy = true;
    if (stream->dropping && stream->too_long != NULL && wants_lines(stream) && !stream->error)
        drop_part(stream);
    deliver_input(stream);
    settle(stream);
}

/* Callbacks are called from the loop, never during a call of the owner. */
static void deliver_later(struct framed_stream *stream)
{
    if (!stream->busy)
        loop_defer(stream->loop, &stream->task);
}

bool framed_stream_write(struct framed_stream *stream, const void *bytes, size_t size)
{
    size_t sent = 0;

    if (!framed_stream_is_backed_up(stream))
        sent = send_some(stream, bytes, size);
    if (!stream->error && sent < size &&
        !buffer_output(stream, (const char *)bytes + sent, size - sent))
        stream->error = -ENOBUFS;
    if (stream->error) {
        span_free(&stream->output);
        deliver_later(stream);
        return false;
    }
    if (!stream->busy)
        watch(stream);
    return true;
}

void framed_stream_pause(struct framed_stream *stream)
{
    stream->paused = true;
    if (!stream->busy)
        watch(stream);
}

void framed_stream_resume(struct framed_stream *stream)
{
    stream->paused = false;
    deliver_later(stream);
}

void framed_stream_discard_input(struct framed_stream *stream)
{
    stream->discarding = true;
    span_free(&stream->input);
    if (!framed_stream_is_backed_up(stream))
        shutdown(stream->fd, SHUT_WR);
    if (!stream->busy)
        watch(stream);
}

void framed_stream_finish(struct framed_stream *stream)
{
    stream->finishing = true;
    if (stream->error || !framed_stream_is_backed_up(stream))
        framed_stream_free(stream);
    else if (!stream->busy)
        watch(stream);
}
