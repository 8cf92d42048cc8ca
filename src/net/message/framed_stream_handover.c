#include "net/message/framed_stream_handover.h"

#include "net/message/framed_stream_state.h"

#include <unistd.h>

/* Without the end of the input, which the kernel reports again. */
enum flags {
    PAUSED = 1,
    CLOSED = 2,
    DROPPING = 4,
    WAS_TOO_LONG = 8,
    DISCARDING = 16,
};

static void put_span(struct handover_writer *writer, const struct span *span)
{
    handover_put64(writer, span_size(span));
    handover_put_bytes(writer, span_size(span) > 0 ? span->bytes + span->begin : NULL,
                       span_size(span));
}

void framed_stream_hand_over(const struct framed_stream *stream, struct handover_writer *writer)
{
    unsigned flags = (stream->paused ? PAUSED : 0u) | (stream->closed ? CLOSED : 0u) |
                     (stream->dropping ? DROPPING : 0u) |
                     (stream->was_too_long ? WAS_TOO_LONG : 0u) |
                     (stream->discarding ? DISCARDING : 0u);

    handover_put_descriptor(writer, stream->fd);
    handover_put8(writer, (uint8_t)flags);
    handover_put32(writer, (uint32_t)-stream->error);
    put_span(writer, &stream->input);
    put_span(writer, &stream->output);
}

/* Makes a copy with space for a NUL after it. Returns false if memory is short, or nothing can be
 * read. */
static bool get_span(struct handover_reader *reader, struct span *span)
{
    uint64_t size = handover_get64(reader);
    const uint8_t *bytes = handover_get_bytes(reader, (size_t)size);

    if (bytes == NULL)
        return false;
    if (size == 0)
        return true;
    if (!span_grow(span, (size_t)size + 1))
        return false;
    memcpy(span->bytes, bytes, (size_t)size);
    span->end = (size_t)size;
    return true;
}

/* framed_stream_new has set what the owner configures. */
static bool read_state(struct framed_stream *stream, struct handover_reader *reader)
{
    unsigned flags = handover_get8(reader);

    stream->paused = flags & PAUSED;
    stream->closed = flags & CLOSED;
    stream->dropping = flags & DROPPING;
    stream->was_too_long = flags & WAS_TOO_LONG;
    stream->discarding = flags & DISCARDING;
    stream->error = -(int)handover_get32(reader);
    return get_span(reader, &stream->input) && get_span(reader, &stream->output);
}

struct framed_stream *framed_stream_take_over(struct loop *loop, struct handover_reader *reader,
                                              size_t max_line_bytes,
                                              const struct framed_stream_callbacks *callbacks,
                                              void *state)
{
    int fd = handover_get_descriptor(reader);
    struct framed_stream *stream =
        fd >= 0 ? framed_stream_new(loop, fd, max_line_bytes, callbacks, state) : NULL;

    if (stream == NULL)
        return NULL;
    if (!read_state(stream, reader)) {
        framed_stream_free(stream);
        return NULL;
    }
    /* The task delivers what was read, calls what was due, and watches the events that are needed.
     * Readiness before that does no harm: the handler looks at the state first. */
    loop_defer(loop, &stream->task);
    return stream;
}

void framed_stream_close_handed_over(struct handover_reader *reader)
{
    int fd = handover_get_descriptor(reader);

    handover_get8(reader);
    handover_get32(reader);
    for (int span = 0; span < 2; span++)
        handover_get_bytes(reader, (size_t)handover_get64(reader));
    if (fd >= 0)
        close(fd);
}
