#ifndef LOAD_SEND_REPLY_RECEIVE_H
#define LOAD_SEND_REPLY_RECEIVE_H

#include "load/send/request_io.h"

#include <stdbool.h>
#include <stdint.h>

/* Receives replies: finds the client of each datagram, answers challenges, matches the reply to its
 * request and counts it. Also counts broadcast copies and unregisters clients, for --fanout. */

/* Receives one batch from the socket of that index. Returns the number of datagrams. payload is the
 * broadcast whose copies are counted, or NULL. */
int reply_receive_batch(struct request_io *io, uint32_t socket,
                        const struct copy_counts_payload *payload);

/* Counts the requests whose timeout has passed as lost. */
void reply_receive_expire(struct request_io *io);

/* Starts to unregister the clients that were answered (setting.counts_copies);
 * load/send/leave_frames does the rest. took_ns is how long their registration took. */
void reply_receive_leave(struct request_io *io, uint64_t took_ns);

#endif
