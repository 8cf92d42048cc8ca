#include "state/handover_stream.h"

enum flags {
    PAUSED = 1,
    CLOSED = 2,
    DROPPING = 4,
    WAS_TOO_LONG = 8,
    DISCARDING = 16,
};

static void put_bytes(struct handover_writer *writer, const uint8_t *bytes, size_t size)
{
    handover_put64(writer, size);
    handover_put_bytes(writer, bytes, size);
}

void handover_put_stream(struct handover_writer *writer, const struct handover_stream *stream)
{
    unsigned flags = (stream->is_paused ? PAUSED : 0u) | (stream->is_closed ? CLOSED : 0u) |
                     (stream->is_dropping ? DROPPING : 0u) |
                     (stream->was_too_long ? WAS_TOO_LONG : 0u) |
                     (stream->is_discarding ? DISCARDING : 0u);
    handover_put_descriptor(writer, stream->descriptor);
    handover_put8(writer, (uint8_t)flags);
    handover_put32(writer, (uint32_t)-stream->error);
    put_bytes(writer, stream->input, stream->input_size);
    put_bytes(writer, stream->output, stream->output_size);
}

static const uint8_t *get_bytes(struct handover_reader *reader, size_t *size)
{
    *size = (size_t)handover_get64(reader);
    return handover_get_bytes(reader, *size);
}

struct handover_stream handover_get_stream(struct handover_reader *reader)
{
    struct handover_stream stream = {.descriptor = handover_get_descriptor(reader)};
    unsigned flags = handover_get8(reader);
    stream.is_paused = flags & PAUSED;
    stream.is_closed = flags & CLOSED;
    stream.is_dropping = flags & DROPPING;
    stream.was_too_long = flags & WAS_TOO_LONG;
    stream.is_discarding = flags & DISCARDING;
    stream.error = -(int)handover_get32(reader);
    stream.input = get_bytes(reader, &stream.input_size);
    stream.output = get_bytes(reader, &stream.output_size);
    return stream;
}
