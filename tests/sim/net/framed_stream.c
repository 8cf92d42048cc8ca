/* net/message/framed_stream over connections in memory. */
#include "net/message/framed_stream.h"

#include "net/message/framed_stream_handover.h"
#include "sim/check/observe.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"
#include "state/handover_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_BYTES_MAX = 64 << 20, READ_BYTES = 4096 };

struct framed_stream {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task;
    const struct framed_stream_callbacks *callbacks;
    void (*too_long)(void *state); /* of chunks */
    void *state;
    struct connection *connection;
    int fd;
    size_t max_line_bytes, max_output_bytes;
    char *input; /* max_line_bytes + 3 */
    size_t input_size;
    char *output;
    size_t output_begin, output_size; /* unsent: output_size bytes from output_begin on */
    bool was_too_long;                /* a chunk was, and too_long is not yet called */
    bool partial, paused, ended, discarding, finishing, busy, freed, closed;
    int error;
};

static void on_ready(void *state, unsigned events);
static void on_task(void *state);

struct framed_stream *framed_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                        const struct framed_stream_callbacks *callbacks,
                                        void *state)
{
    struct framed_stream *stream = faults_refuse_memory() ? NULL : calloc(1, sizeof *stream);
    if (stream == NULL || loop_add(loop, &stream->handler, fd, LOOP_READ, on_ready, stream) != 0) {
        descriptor_close(fd);
        free(stream);
        return NULL;
    }
    stream->loop = loop;
    stream->task = (struct loop_task){.run = on_task, .state = stream};
    stream->callbacks = callbacks;
    stream->state = state;
    stream->connection = connection_of(fd);
    stream->fd = fd;
    stream->max_line_bytes = max_line_bytes;
    stream->max_output_bytes = OUTPUT_BYTES_MAX;
    stream->input = malloc(max_line_bytes + 3);
    return stream;
}

static void release(struct framed_stream *stream)
{
    free(stream->input);
    free(stream->output);
    free(stream);
}

void framed_stream_free(struct framed_stream *stream)
{
    if (stream == NULL || stream->freed)
        return;
    stream->freed = true;
    loop_remove(&stream->handler);
    loop_cancel(stream->loop, &stream->task);
    descriptor_close(stream->fd);
    if (!stream->busy)
        release(stream);
}

void framed_stream_accept_partial_line(struct framed_stream *stream)
{
    stream->partial = true;
}

void framed_stream_deliver_chunks(struct framed_stream *stream, void (*too_long)(void *state))
{
    stream->too_long = too_long;
}

void framed_stream_limit_output(struct framed_stream *stream, size_t max_bytes)
{
    stream->max_output_bytes = max_bytes;
}

bool framed_stream_is_backed_up(const struct framed_stream *stream)
{
    return stream->output_size > 0;
}

size_t framed_stream_unsent_bytes(const struct framed_stream *stream)
{
    return stream->output_size;
}

/* ---- what the loop watches ---- */

static bool wants_lines(const struct framed_stream *stream)
{
    return !stream->paused && !stream->closed && !stream->finishing && !stream->freed;
}

static void watch(struct framed_stream *stream)
{
    bool reads = wants_lines(stream) || (stream->discarding && !stream->ended);
    if (stream->freed || stream->busy)
        return;
    if (stream->error != 0)
        loop_remove(&stream->handler);
    else
        loop_change(&stream->handler, (reads ? LOOP_READ : 0u) |
                                          (framed_stream_is_backed_up(stream) ? LOOP_WRITE : 0u));
}

static void later(struct framed_stream *stream)
{
    if (!stream->busy)
        loop_defer(stream->loop, &stream->task);
}

/* ---- output ---- */

static void fail(struct framed_stream *stream, int error)
{
    stream->error = error;
    stream->output_begin = stream->output_size = 0;
}

static size_t send(struct framed_stream *stream, const char *bytes, size_t size)
{
    size_t sent = 0;
    while (sent < size && stream->error == 0) {
        long result = connection_server_write(stream->connection, bytes + sent, size - sent);
        if (result == -EAGAIN)
            break;
        if (result < 0)
            fail(stream, (int)result);
        else
            sent += (size_t)result;
    }
    return sent;
}

static void flush(struct framed_stream *stream)
{
    size_t size = stream->output_size;
    size_t sent = send(stream, stream->output + stream->output_begin, size);
    if (stream->error != 0)
        return;
    stream->output_size = size - sent;
    stream->output_begin = stream->output_size > 0 ? stream->output_begin + sent : 0;
}

void framed_stream_flush(struct framed_stream *stream, uint64_t until_ms)
{
    (void)until_ms;
    flush(stream);
}

static bool buffer(struct framed_stream *stream, const char *bytes, size_t size)
{
    size_t needed = stream->output_size + size;
    if (stream->output_size > 0 && needed > stream->max_output_bytes)
        return false;
    if (stream->output_begin > stream->output_size) {
        memmove(stream->output, stream->output + stream->output_begin, stream->output_size);
        stream->output_begin = 0;
    }
    char *grown = realloc(stream->output, stream->output_begin + needed);
    if (grown == NULL)
        return false;
    stream->output = grown;
    memcpy(grown + stream->output_begin + stream->output_size, bytes, size);
    stream->output_size = needed;
    return true;
}

bool framed_stream_write(struct framed_stream *stream, const void *bytes, size_t size)
{
    if (scheduler_process() != processes_server() && broken_is("upgrade-session"))
        return true;
    size_t sent = framed_stream_is_backed_up(stream) ? 0 : send(stream, bytes, size);
    if (stream->error == 0 && sent < size &&
        !buffer(stream, (const char *)bytes + sent, size - sent))
        fail(stream, -ENOBUFS);
    observe_written(stream->connection, bytes, size, stream->error == 0);
    if (stream->error != 0)
        later(stream);
    watch(stream);
    return stream->error == 0;
}

/* ---- input ---- */

static void call_closed(struct framed_stream *stream, int error)
{
    bool had_output = stream->output_size > 0;
    stream->closed = true;
    observe_stream_closed(stream->connection, error);
    stream->callbacks->closed(stream->state, error);
    if (error == 0 && had_output && !stream->connection->is_operator &&
        !stream->connection->is_http && (stream->freed || broken_is("rest")))
        broken_promise("a stream that ends its output gets the rest of its replies",
                       "%zu bytes are lost", stream->output_size);
}

/* Returns how many bytes were read. */
static size_t receive(struct framed_stream *stream, char *bytes, size_t size)
{
    long got = connection_server_read(stream->connection, bytes, size);
    if (got == 0)
        stream->ended = true;
    else if (got < 0 && got != -EAGAIN)
        fail(stream, (int)got);
    return got > 0 ? (size_t)got : 0;
}

static void fill_lines(struct framed_stream *stream)
{
    size_t space = stream->max_line_bytes + 2 - stream->input_size;
    stream->input_size += receive(stream, stream->input + stream->input_size,
                                  space < READ_BYTES ? space : READ_BYTES);
}

/* How many bytes the network has brought until now: mostly what the client wrote at once, sometimes
 * less, sometimes what it has written since, too. */
static size_t draw_arrived(const struct framed_stream *stream)
{
    size_t first = connection_server_first_write(stream->connection);
    uint64_t kind = draw_below(DRAW_NETWORK, 10);
    if (kind == 0 && first > 1)
        return draw_range(DRAW_NETWORK, 1, first - 1);
    return kind < 3 || first == 0 ? SIZE_MAX : first;
}

static void fill_chunk(struct framed_stream *stream)
{
    char bytes[READ_BYTES];
    size_t most = stream->max_line_bytes;
    if (stream->input_size > 0 || stream->was_too_long)
        return;
    size_t arrived = draw_arrived(stream);
    size_t size = receive(stream, stream->input, arrived < most + 1 ? arrived : most + 1);
    stream->was_too_long = size > most;
    if (!stream->was_too_long) {
        stream->input_size = size;
        return;
    }
    for (arrived -= size; arrived > 0 && size > 0; arrived -= size)
        size = receive(stream, bytes, arrived < sizeof bytes ? arrived : sizeof bytes);
}

static void fill(struct framed_stream *stream)
{
    if (stream->too_long != NULL)
        fill_chunk(stream);
    else
        fill_lines(stream);
}

/* Delivers the first `size` bytes of the input, and removes `used` bytes. */
static void deliver(struct framed_stream *stream, size_t size, size_t used)
{
    char *line = malloc(size + 1);
    memcpy(line, stream->input, size);
    line[size] = '\0';
    memmove(stream->input, stream->input + used, stream->input_size - used);
    stream->input_size -= used;
    observe_message_received(stream->connection, line, size);
    stream->callbacks->line(stream->state, line, size);
    observe_message_handled();
    free(line);
}

/* Return whether there may be more. */
static bool deliver_chunk(struct framed_stream *stream)
{
    if (stream->was_too_long) {
        stream->was_too_long = false;
        observe_chunk_too_long();
        stream->too_long(stream->state);
    } else if (stream->input_size > 0) {
        deliver(stream, stream->input_size, stream->input_size);
    } else if (stream->ended) {
        call_closed(stream, 0);
    } else {
        return false;
    }
    return true;
}

static bool deliver_line(struct framed_stream *stream)
{
    char *newline = memchr(stream->input, '\n', stream->input_size);
    size_t size = newline != NULL ? (size_t)(newline - stream->input) : stream->input_size;
    size_t used = newline != NULL ? size + 1 : size;
    if (newline != NULL && size > 0 && stream->input[size - 1] == '\r')
        size--;
    if (newline == NULL && !stream->ended) {
        if (size < stream->max_line_bytes + 2)
            return false;
        call_closed(stream, -EMSGSIZE);
    } else if (newline == NULL && (size == 0 || !stream->partial)) {
        call_closed(stream, size > 0 ? -EPROTO : 0);
    } else if (size > stream->max_line_bytes) {
        call_closed(stream, -EMSGSIZE);
    } else {
        deliver(stream, size, used);
    }
    return true;
}

static bool deliver_next(struct framed_stream *stream)
{
    return stream->too_long != NULL ? deliver_chunk(stream) : deliver_line(stream);
}

static void deliver_input(struct framed_stream *stream)
{
    while (wants_lines(stream) && stream->error == 0 && deliver_next(stream))
        ;
}

void framed_stream_pause(struct framed_stream *stream)
{
    stream->paused = true;
    watch(stream);
}

void framed_stream_resume(struct framed_stream *stream)
{
    stream->paused = false;
    later(stream);
}

/* ---- in the loop ---- */

static void settle(struct framed_stream *stream)
{
    if (!stream->freed && stream->error != 0 && !stream->closed && !stream->finishing)
        call_closed(stream, stream->error);
    if (!stream->freed && stream->discarding &&
        (stream->error != 0 || (stream->ended && !framed_stream_is_backed_up(stream)))) {
        stream->discarding = false;
        stream->callbacks->drained(stream->state);
    }
    stream->busy = false;
    if (!stream->freed && stream->finishing &&
        (stream->error != 0 || !framed_stream_is_backed_up(stream))) {
        framed_stream_free(stream);
        return;
    }
    if (stream->freed)
        release(stream);
    else
        watch(stream);
}

static void discard(struct framed_stream *stream)
{
    char bytes[READ_BYTES];
    if (!framed_stream_is_backed_up(stream))
        connection_server_end(stream->connection);
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
        discard(stream);
        settle(stream);
        return;
    }
    if (wants_lines(stream) && stream->error == 0)
        fill(stream);
    else if (events & LOOP_HANGUP && stream->error == 0)
        fail(stream, -EPIPE);
    if (was_backed_up && !framed_stream_is_backed_up(stream) && stream->error == 0 &&
        !stream->finishing)
        stream->callbacks->drained(stream->state);
    if (!stream->freed)
        deliver_input(stream);
    settle(stream);
}

static void on_task(void *state)
{
    struct framed_stream *stream = state;
    stream->busy = true;
    deliver_input(stream);
    settle(stream);
}

void framed_stream_discard_input(struct framed_stream *stream)
{
    stream->discarding = true;
    stream->input_size = 0;
    if (!framed_stream_is_backed_up(stream))
        connection_server_end(stream->connection);
    watch(stream);
}

void framed_stream_finish(struct framed_stream *stream)
{
    stream->finishing = true;
    if (stream->error != 0 || !framed_stream_is_backed_up(stream))
        framed_stream_free(stream);
    else
        watch(stream);
}

/* ---- handing over to another process ---- */

void framed_stream_hand_over(const struct framed_stream *stream, struct handover_writer *writer)
{
    const struct handover_stream handed = {
        .descriptor = stream->fd,
        .is_paused = stream->paused,
        .is_closed = stream->closed,
        .was_too_long = stream->was_too_long,
        .is_discarding = stream->discarding,
        .error = stream->error,
        .input = (const uint8_t *)stream->input,
        .input_size = stream->input_size,
        .output = (const uint8_t *)stream->output + stream->output_begin,
        .output_size = broken_is("unsent") ? 0 : stream->output_size,
    };
    if (stream->finishing || stream->freed || stream->busy)
        broken_promise("a stream is handed over while it has an owner", "it has none");
    handover_put_stream(writer, &handed);
}

static void copy_bytes(char **to, size_t *to_size, const uint8_t *bytes, size_t size, size_t room)
{
    *to = realloc(*to, size + room);
    memcpy(*to, bytes, size);
    *to_size = size;
}

struct framed_stream *framed_stream_take_over(struct loop *loop, struct handover_reader *reader,
                                              size_t max_line_bytes,
                                              const struct framed_stream_callbacks *owner,
                                              void *state)
{
    const struct handover_stream handed = handover_get_stream(reader);
    struct framed_stream *stream =
        framed_stream_new(loop, handed.descriptor, max_line_bytes, owner, state);
    if (stream == NULL)
        return NULL;
    stream->paused = handed.is_paused;
    stream->closed = handed.is_closed;
    stream->was_too_long = handed.was_too_long;
    stream->discarding = handed.is_discarding;
    stream->error = handed.error;
    copy_bytes(&stream->input, &stream->input_size, handed.input, handed.input_size,
               max_line_bytes + 3);
    copy_bytes(&stream->output, &stream->output_size, handed.output, handed.output_size, 1);
    loop_defer(loop, &stream->task);
    return stream;
}

void framed_stream_close_handed_over(struct handover_reader *reader)
{
    descriptor_close(handover_get_stream(reader).descriptor);
}
