#ifndef NET_MESSAGE_FRAMED_STREAM_HANDOVER_H
#define NET_MESSAGE_FRAMED_STREAM_HANDOVER_H

#include "base/handover.h"
#include "net/message/framed_stream.h"

/* Hands a stream over to another process, with everything that the kernel does not keep: the input
 * that was read and not yet delivered, the output that was not yet sent, and where the connection
 * stands. What the kernel keeps stays there: neither function reads, sends, or shuts down. */

/* Adds the stream to the current record. Call it while the loop does not run, from no callback of
 * the stream, and not after framed_stream_finish, which leaves a stream without an owner. The
 * stream stays as it is, and may go on if the other process fails. Once the other process has taken
 * it over, the loop must not run any more; framed_stream_free then only closes the descriptor,
 * which does not end the connection. */
void framed_stream_hand_over(const struct framed_stream *stream, struct handover_writer *writer);

/* Reads what framed_stream_hand_over has written, and makes a stream that goes on there. The owner
 * sets the framing and the limit of output as after framed_stream_new, before the loop runs. They
 * may differ from those of the other process:
 *
 * -  Input that was not yet delivered is delivered in the framing of this process: split into lines
 *    (a longer one than max_line_bytes ends the input, -EMSGSIZE), or as chunks, several if it is
 *    longer than one.
 * -  A chunk that was too long and is not yet dropped as a whole, or not yet reported, is so by
 * this process; in lines its rest is input.
 * -  More unsent output than the limit stays, and the next write that has to be buffered ends the
 *    connection (-ENOBUFS).
 *
 * A callback that was due in the other process is called by this loop. Returns NULL if memory is
 * short, or the record does not fit (reader->failed); then this process has no descriptor of the
 * connection any more. */
struct framed_stream *framed_stream_take_over(struct loop *loop, struct handover_reader *reader,
                                              size_t max_line_bytes,
                                              const struct framed_stream_callbacks *callbacks,
                                              void *state);

/* Reads the same, and closes the descriptor. */
void framed_stream_close_handed_over(struct handover_reader *reader);

#endif
