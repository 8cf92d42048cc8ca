#include "net/message/framed_stream_handover.h"

#include "net/message/framed_stream_state.h"
#include "state/handover_stream.h"

#include <unistd.h>

static const uint8_t *bytes_of(const struct span *span)
{
    return span_size(span) > 0 ? (const uint8_t *)span->bytes + span->begin : NULL;
}

void framed_stream_hand_over(const struct framed_stream *stream, struct handover_writer *writer)
{
    const struct handover_stream handed = {
        .descriptor = stream->fd,
        .is_paused = stream->paused,
        .is_closed = stream->closed,
        .is_dropping = stream->dropping,
        .was_too_long = stream->was_too_long,
        .is_discarding = stream->discarding,
        .error = stream->error,
        .input = bytes_of(&stream->input),
        .input_size = span_size(&stream->input),
        .output = bytes_of(&stream->output),
        .output_size = span_size(&stream->output),
    };
    handover_put_stream(writer, &handed);
}

/* Makes a copy with space for a NUL after it. Returns false if memory is short. */
static bool copy_to_span(struct span *span, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (!span_grow(span, size + 1))
        return false;
    memcpy(span->bytes, bytes, size);
    span->end = size;
    return true;
}

/* framed_stream_new has set what the owner configures. */
static bool continue_with(struct framed_stream *stream, const struct handover_stream *handed)
{
    stream->paused = handed->is_paused;
    stream->closed = handed->is_closed;
    stream->dropping = handed->is_dropping;
    stream->was_too_long = handed->was_too_long;
    stream->discarding = handed->is_discarding;
    stream->error = handed->error;
    return copy_to_span(&stream->input, handed->input, handed->input_size) &&
           copy_to_span(&stream->output, handed->output, handed->output_size);
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

struct framed_stream *framed_stream_take_over(struct loop *loop, struct handover_reader *reader,
                                              size_t max_line_bytes,
                                              const struct framed_stream_callbacks *callbacks,
                                              void *state)
{
    const struct handover_stream handed = handover_get_stream(reader);

    if (reader->failed) {
        close_descriptor(handed.descriptor);
        return NULL;
    }
    struct framed_stream *stream =
        framed_stream_new(loop, handed.descriptor, max_line_bytes, callbacks, state);
    if (stream == NULL)
        return NULL;
    if (!continue_with(stream, &handed)) {
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
    close_descriptor(handover_get_stream(reader).descriptor);
}
