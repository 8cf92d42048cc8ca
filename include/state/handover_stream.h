#ifndef STATE_HANDOVER_STREAM_H
#define STATE_HANDOVER_STREAM_H

#include "base/handover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection (net/message/framed_stream) in the record of a handover. The end of its input is not
 * there: the kernel reports it again. */
struct handover_stream {
    int descriptor;
    bool is_paused;
    bool is_closed;    /* no more input is delivered */
    bool is_dropping;  /* what arrives belongs to a chunk that is too long */
    bool was_too_long; /* such a chunk has ended, and is not yet reported */
    bool is_discarding;
    int error;            /* -errno of the connection, or 0 */
    const uint8_t *input; /* that was read and not yet delivered */
    size_t input_size;
    const uint8_t *output; /* that was not yet sent */
    size_t output_size;
};

/* Adds a connection to the record. */
void handover_put_stream(struct handover_writer *writer, const struct handover_stream *stream);

/* Reads one, whose descriptor belongs to the caller, also if reader->failed; -1: there is none. The
 * bytes are those of the reader. */
struct handover_stream handover_get_stream(struct handover_reader *reader);

#endif
