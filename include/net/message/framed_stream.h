#ifndef NET_MESSAGE_FRAMED_STREAM_H
#define NET_MESSAGE_FRAMED_STREAM_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A non-blocking stream connection in an event loop, with the framing of its messages: input is
 * split into lines, or delivered in the chunks in which it arrives; output is buffered while the
 * kernel does not accept it. */
struct framed_stream;

/* The loop calls these functions, never while the owner is in a call of this header. Each of them
 * may call every function of this header, framed_stream_free too. */
struct framed_stream_callbacks {
    /* One line without its newline (LF or CRLF); or one chunk, see
     * framed_stream_deliver_chunks and framed_stream_deliver_bytes. It ends in a NUL that size does
     * not count. The callback may change it, and may use it until it returns or frees the stream.
     */
    void (*line)(void *state, char *line, size_t size);
    /* The kernel has accepted all output that was buffered. Not called for output that the kernel
     * accepted at once. After framed_stream_discard_input: the same, and the peer has ended its
     * side.
     */
    void (*drained)(void *state);
    /* There are no more lines. Called once, while the stream still exists: free it from here, or
     * later, or use framed_stream_finish, so that the output is still sent. error is one of these:
     *
     * -  0: the peer's input ended after a newline;
     * -  -EPROTO: it ended within a line, which is lost (see framed_stream_accept_partial_line);
     * -  -EMSGSIZE: a line is longer than the limit.
     *
     * In these three cases the peer may still read, and writing still works. All earlier lines were
     * delivered. It isn't called while the stream is paused.
     *
     * -  any other: the peer has closed both directions (-EPIPE, -ECONNRESET), memory is short, or
     *    the connection failed.
     *
     * In that last case nothing reaches the peer any more. It is called at once, even while the
     * stream is paused; lines that were not delivered by then, and buffered output, are dropped. */
    void (*closed)(void *state, int error);
};

/* Takes over the descriptor. A line longer than max_line_bytes ends the input (-EMSGSIZE). Returns
 * NULL if memory is short (then the descriptor is closed, too). */
struct framed_stream *framed_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                        const struct framed_stream_callbacks *callbacks,
                                        void *state);
void framed_stream_free(struct framed_stream *stream);

/* When the peer's input ends without a newline, delivers the rest as a line. */
void framed_stream_accept_partial_line(struct framed_stream *stream);

/* Delivers chunks instead of lines: what one recv(2) brings is passed to the callback line as it
 * is, with its LF and CR. So a chunk has at least one byte; whether it is what the peer has sent by
 * one call, a part of that, or more than that, is up to the network. Call it before the loop runs.
 *
 * If more than max_line_bytes have arrived at once, that is one chunk that is too long: all bytes
 * that are there are dropped, in parts of 4 KiB between which other handlers run, until none is
 * left. Then too_long is called once, under the conditions of the callback line, and the input goes
 * on. closed is never called with -EPROTO or -EMSGSIZE. */
void framed_stream_deliver_chunks(struct framed_stream *stream, void (*too_long)(void *state));

/* Delivers the input in pieces of 1 to max_line_bytes bytes, as a byte stream whose framing is the
 * owner's: nothing is too long, and closed is never called with -EPROTO or -EMSGSIZE. Call it
 * before the loop runs. */
void framed_stream_deliver_bytes(struct framed_stream *stream);

/* Buffers at most max_bytes of output instead of 64 MiB. A single write that is longer is buffered
 * as a whole if no other output is. */
void framed_stream_limit_output(struct framed_stream *stream, size_t max_bytes);

/* Writes, or buffers what the kernel does not accept. An owner that writes much waits for drained
 * between pieces. Returns false if the connection has failed, memory is short, or the limit of
 * output is exceeded (-ENOBUFS), which ends the connection: then closed follows, unless it was
 * called before. */
bool framed_stream_write(struct framed_stream *stream, const void *bytes, size_t size);

/* Writes what is buffered, and waits for the peer until until_ms (clock_now_ms). For a process that
 * is about to end. No callback is called. */
void framed_stream_flush(struct framed_stream *stream, uint64_t until_ms);

/* Whether output is buffered, so that drained will be called; and how many bytes are buffered. */
bool framed_stream_is_backed_up(const struct framed_stream *stream);
size_t framed_stream_unsent_bytes(const struct framed_stream *stream);

/* Stop or resume the delivery of lines, so that one command is finished before the next is read. A
 * paused stream reads nothing from the kernel. Both may be repeated. */
void framed_stream_pause(struct framed_stream *stream);
void framed_stream_resume(struct framed_stream *stream);

/* After closed with -EMSGSIZE: sends the buffered output, ends our side, and discards what the peer
 * still sends, so that it can read the reason and gets no reset. drained is called when the peer
 * ends, or the connection fails. An owner that wants a time limit for that calls
 * framed_stream_free.
 */
void framed_stream_discard_input(struct framed_stream *stream);

/* Frees the stream when the kernel has accepted its output, however long the peer takes to read it.
 * No callback is called any more. An owner that wants a time limit calls framed_stream_free at its
 * end. */
void framed_stream_finish(struct framed_stream *stream);

#endif
