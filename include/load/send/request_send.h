#ifndef LOAD_SEND_REQUEST_SEND_H
#define LOAD_SEND_REQUEST_SEND_H

#include "load/send/request_io.h"

#include <stdbool.h>
#include <stdint.h>

/* Sends the requests that are due: picks a client for each, sends them as a batch, and records the
 * intended and the actual time. */

/* Sends one batch of the requests that are due now. Returns whether there were any. */
bool request_send_batch(struct request_io *io);

/* Returns whether requests are still to be sent: due before the end, or waiting for a socket. */
bool request_send_has_more(const struct request_io *io);

/* Returns when the next request is due; UINT64_MAX if that depends on replies or on space in a send
 * buffer. */
uint64_t request_send_due_ns(const struct request_io *io);

/* Gives up the requests that are due or wait for a socket. Returns how many, counted up to most. */
uint64_t request_send_abandon(struct request_io *io, uint64_t most);

#endif
