#ifndef NET_MESSAGE_LINE_STREAM_H
#define NET_MESSAGE_LINE_STREAM_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A non-blocking connection in a loop: lines come in, bytes go out through a buffer. */
struct line_stream;

/* All are called from the loop, never out of a call that the owner makes; each may call whatever
 * there is here, line_stream_free too. */
struct line_stream_callbacks {
    /* One line without its newline (LF or CRLF); it ends in a NUL that size does not count, and may
     * be changed. It is the callee's until it returns or frees the stream. */
    void (*line)(void *state, char *line, size_t size);
    /* All that had to be kept is with the kernel. Not called for what the kernel took at once.
     * Behind line_stream_discard: that, and the peer has ended its side. */
    void (*drained)(void *state);
    /* No more lines come. Called once, with the stream still there: free it from here, or later,
     * or line_stream_finish it, so that what was written still goes out. error is one of these:
     *
     * -  0: the peer's input ended behind a newline;
     * -  -EPROTO: it ended within a line, which is lost (see line_stream_take_rest);
     * -  -EMSGSIZE: a line is longer than the limit.
     *
     * With these three the peer may still read: writing still works, every whole line before has
     * been delivered, and it isn't called while paused.
     *
     * -  any other: the peer has closed both directions (-EPIPE, -ECONNRESET), memory is short, or
     *    the connection failed.
     *
     * With this nothing reaches the peer any more: it comes at once, even while paused; lines that
     * were not delivered by then, and output that was kept, are dropped. */
    void (*closed)(void *state, int error);
};

/* Takes the descriptor over. Lines longer than max_line_bytes end the connection. NULL when memory
 * is short (the descriptor is closed then, too). */
struct line_stream *line_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                    const struct line_stream_callbacks *callbacks, void *state);
void line_stream_free(struct line_stream *stream);

/* Takes what stands behind the last newline when the peer's input ends for a line, too. */
void line_stream_take_rest(struct line_stream *stream);

/* Keeps at most so many bytes of output, in place of 64 MiB; what is left of one write is always
 * kept where nothing else is. */
void line_stream_limit_output(struct line_stream *stream, size_t max_bytes);

/* Writes, or keeps what the kernel doesn't take yet. Whoever writes much waits for drained between
 * pieces. False when the connection has failed, or memory is short or more would be kept than may
 * be (-ENOBUFS), which breaks it off: then closed follows, unless it was called before. */
bool line_stream_write(struct line_stream *stream, const void *bytes, size_t size);

/* Whether something written is still kept, and drained will be called; and how many bytes. */
bool line_stream_is_backed_up(const struct line_stream *stream);
size_t line_stream_kept_bytes(const struct line_stream *stream);

/* Stops or resumes the coming of lines, so that one command is done before the next is read. A
 * paused stream reads nothing from the kernel. Both may be repeated. */
void line_stream_pause(struct line_stream *stream);
void line_stream_resume(struct line_stream *stream);

/* Behind closed with -EMSGSIZE: sends what is kept and then the end of our side, and throws away
 * what the peer still sends, so that it gets to read why rather than a reset. drained is called at
 * the peer's end, or when the connection fails; whoever wants a limit to that uses
 * line_stream_free. */
void line_stream_discard(struct line_stream *stream);

/* Frees the stream once what was written is with the kernel, however long the peer takes to read
 * it; nothing is called any more. Whoever wants a limit to that uses line_stream_free. */
void line_stream_finish(struct line_stream *stream);

#endif
