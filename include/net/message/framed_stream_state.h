#ifndef NET_MESSAGE_FRAMED_STREAM_STATE_H
#define NET_MESSAGE_FRAMED_STREAM_STATE_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct framed_stream_callbacks;

/* The state of a framed stream, for the modules framed_stream and framed_stream_handover only. */

/* A buffer that grows; the bytes from begin to end are in use. */
struct span {
    char *bytes;
    size_t begin;
    size_t end;
    size_t capacity;
};

struct framed_stream {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task; /* delivers or drops input outside of an event of the handler */
    const struct framed_stream_callbacks *callbacks;
    void (*too_long)(void *state); /* of chunks; NULL: the input is split into lines, or is_bytes */
    void *state;
    int fd;
    unsigned events; /* that the handler watches */
    size_t max_line_bytes;
    struct span input;
    size_t scanned; /* bytes of the input that are known to hold no newline */
    struct span output;
    size_t max_output_bytes;
    int error; /* why the connection has failed, 0: it has not */
    bool paused;
    bool ended;           /* the peer has ended its side */
    bool closed;          /* no more lines; the closed callback was called */
    bool accepts_partial; /* a last line needs no newline */
    bool is_bytes;        /* the input is delivered as it arrives, in pieces of any length */
    bool dropping;        /* what has arrived belongs to a chunk that is too long */
    bool was_too_long;    /* such a chunk is dropped, and too_long is not yet called for it */
    bool discarding;      /* the input is discarded until it ends; then drained is called */
    bool finishing;       /* no more callbacks; freed when the output is sent */
    bool busy;            /* in a callback or between two: the memory is still needed */
    bool freed;
};

static inline size_t span_size(const struct span *span)
{
    return span->end - span->begin;
}

/* Moves the bytes to the beginning, and grows the buffer to at least capacity bytes. */
static inline bool span_grow(struct span *span, size_t capacity)
{
    size_t size = span_size(span);

    if (span->begin > 0 && size > 0)
        memmove(span->bytes, span->bytes + span->begin, size);
    span->begin = 0;
    span->end = size;
    if (capacity <= span->capacity)
        return true;
    char *bytes = realloc(span->bytes, capacity);
    if (bytes == NULL)
        return false;
    span->bytes = bytes;
    span->capacity = capacity;
    return true;
}

static inline void span_free(struct span *span)
{
    free(span->bytes);
    *span = (struct span){0};
}

#endif
