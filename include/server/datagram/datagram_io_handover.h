#ifndef SERVER_DATAGRAM_DATAGRAM_IO_HANDOVER_H
#define SERVER_DATAGRAM_DATAGRAM_IO_HANDOVER_H

#include "base/handover.h"
#include "server/datagram/datagram_io.h"

#include <stdbool.h>

/* Hands over to another process of the server what one listener in one worker has beside its
 * sockets: replies that wait for space in a send buffer, and what the kernel had dropped when that
 * was last counted. */

/* Adds it to the current record. Call it while the worker's thread does not run. Nothing changes,
 * so that this process may go on. */
void datagram_io_hand_over(const struct datagram_io *io, struct handover_writer *writer);

/* Reads what datagram_io_hand_over has written for the same listener, and queues the replies. Call
 * it before the worker's thread starts, and after its counters were taken over. If io receives by
 * the same socket, it goes on to count its drops; otherwise those until now are counted at once.
 * May be called for the records of several workers, of which this process has fewer. Returns 0,
 * -EPROTO if the record does not fit, or -ENOMEM. */
int datagram_io_take_over(struct datagram_io *io, struct handover_reader *reader);

/* The same for a listener that does not exist any more: the replies count as failed. */
int datagram_io_drop_handed_over(struct stats *stats, struct handover_reader *reader);

#endif
