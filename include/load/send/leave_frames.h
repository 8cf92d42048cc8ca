#ifndef LOAD_SEND_LEAVE_FRAMES_H
#define LOAD_SEND_LEAVE_FRAMES_H

#include "load/send/copy_counts.h"
#include "load/send/simulated_clients.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stdint.h>

/* Leave frames (wire/frame) of the clients that a fan-out has registered, so that the server does
 * not keep them until they expire, and the next measurement finds none of them. */
struct leave_frames;

/* NULL when memory is short. The clients stay where they are. */
struct leave_frames *leave_frames_new(const struct simulated_clients *clients);
void leave_frames_free(struct leave_frames *leave);

/* Sends up to so many frames, each client's once, in their order; fewer where a socket has no room.
 * Leave frames are not answered, so a ping follows them, if asked is set: the server has handled
 * them when its pong comes, or another worker of it is about to. Returns whether some frames are
 * still to be sent. */
bool leave_frames_send(struct leave_frames *leave, const struct copy_counts *copies, uint32_t most,
                       bool *asked);

/* Whether a datagram of the server is that pong. */
bool leave_frames_is_answer(const struct datagram *datagram);

#endif
