#ifndef LOAD_LEAVE_H
#define LOAD_LEAVE_H

#include "load/clients.h"
#include "load/copies.h"
#include "net/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* Leave frames (wire/frame) of the clients that a fan-out has registered, so that the server does
 * not keep them until they expire, and the next measurement finds none of them. */
struct leave;

/* NULL when memory is short. The clients stay where they are. */
struct leave *leave_new(const struct clients *clients);
void leave_free(struct leave *leave);

/* Sends up to so many frames, each client's once, in their order; fewer where a socket has no room.
 * Leave frames are not answered, so a ping follows them, if asked is set: the server has handled
 * them when its pong comes, or another worker of it is about to. Returns whether some frames are
 * still to be sent. */
bool leave_send(struct leave *leave, const struct copies *copies, uint32_t most, bool *asked);

/* Whether a datagram of the server is that pong. */
bool leave_is_answer(const struct datagram *datagram);

#endif
