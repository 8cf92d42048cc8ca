#ifndef SERVER_DATAGRAM_DATAGRAM_IO_H
#define SERVER_DATAGRAM_DATAGRAM_IO_H

#include "server/datagram/datagram_io_options.h"

/* The input and output of one UDP listener in one worker: receives batches of datagrams, has
 * datagram_decide decide about them, and sends the answers.
 *
 * Reception continues while an interface's send socket is full: replies to clients of that
 * interface are queued (server/send/reply_queue). Only a listener that has a single send socket for
 * replies stops receiving until that socket has space. Used by the worker's thread. */
struct datagram_io;

/* Starts to receive. Returns 0 or -errno. */
int datagram_io_open(struct datagram_io **io, const struct datagram_io_options *options);

/* Tries once more to send the waiting replies, counts those that still cannot be sent as failed,
 * and frees everything. */
void datagram_io_close(struct datagram_io *io);

/* Replaces the sockets by new ones, under the descriptors of the old ones, and sets *receiver and
 * the replaced senders to -1. A sender that is -1 leaves the old one as it is. */
void datagram_io_renew(struct datagram_io *io, int *receiver, struct send_socket_set *senders);

/* datagram_io_copy_slot returns the slot (below SEND_SOCKET_SLOTS_COUNT) by which datagrams to a
 * client leave; local is the address that the client sent to. datagram_io_copies and
 * datagram_io_replies return the socket of a slot for copies and for replies. */
size_t datagram_io_copy_slot(struct datagram_io *io, const struct addr *local);
struct send_socket *datagram_io_copies(struct datagram_io *io, size_t slot);
struct send_socket *datagram_io_replies(struct datagram_io *io, size_t slot);

/* Adds the datagrams that the kernel dropped since the last call to stats->kernel_drops. */
void datagram_io_count_drops(struct datagram_io *io);

/* Answer what waits in another socket that is bound where the listener is: of a worker of the
 * process before, which this one does not have; and in the new sockets that send, whose bind the
 * kernel has seen before their connect. Call them before the thread is started. */
void datagram_io_answer_waiting(struct datagram_io *io, int socket);
void datagram_io_answer_strays(struct datagram_io *io);

/* The sizes of the send buffers have changed since. Call it before the thread is started. */
void datagram_io_resized(struct datagram_io *io);

/* Excludes the datagrams that the kernel has dropped so far from the counters.
 * datagram_io_start_counting_drops does so only at the first call, and not if the socket was taken
 * over from another process, which has counted its drops (server/datagram/datagram_io_handover). */
void datagram_io_forget_drops(struct datagram_io *io);
void datagram_io_start_counting_drops(struct datagram_io *io);

#endif
