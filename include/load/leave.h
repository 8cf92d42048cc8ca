#ifndef LOAD_LEAVE_H
#define LOAD_LEAVE_H

#include "load/clients.h"
#include "load/copies.h"

#include <stdbool.h>
#include <stdint.h>

/* Leave frames (wire/frame) of the clients that a fan-out has registered, so that the server does
 * not keep them until they expire, and the next measurement finds none of them. */
struct leave;

/* NULL when memory is short. The clients stay where they are. */
struct leave *leave_new(const struct clients *clients);
void leave_free(struct leave *leave);

/* Sends up to so many frames, each client's once, in their order; fewer where a socket has no room.
 * Returns whether some are still to be sent. */
bool leave_send(struct leave *leave, const struct copies *copies, uint32_t most);

#endif
