#ifndef LOAD_SEND_LEAVE_FRAMES_H
#define LOAD_SEND_LEAVE_FRAMES_H

#include "load/send/copy_counts.h"
#include "load/send/simulated_clients.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stdint.h>

/* Unregisters the clients of a fan-out by leave frames (wire/frame), so that the server does not
 * keep them until they expire and the next measurement finds none of them.
 *
 * Clients leave as fast as they registered, in steps of 1 ms. The server does not answer leave
 * frames, so each step ends with a ping, and the next step waits for the pong: the server's receive
 * buffer then never holds more leave frames than it held requests. */
struct leave_frames;

/* The clients stay the caller's. Returns NULL when memory is short. */
struct leave_frames *leave_frames_new(const struct simulated_clients *clients);
void leave_frames_free(struct leave_frames *leave);

/* Begins at now_ns. took_ns is how long the registration of all clients took; a step has at most
 * max_step frames. */
void leave_frames_start(struct leave_frames *leave, uint64_t now_ns, uint64_t took_ns,
                        uint32_t max_step);

/* Returns when leave_frames_step has something to do, if no pong is received before. */
uint64_t leave_frames_next_ns(const struct leave_frames *leave);

/* Sends the next step of frames, one for each registered client, if it is due; fewer if a socket
 * buffer is full. Returns false when all frames are sent and the server has answered the last ping,
 * or did not in time. */
bool leave_frames_step(struct leave_frames *leave, const struct copy_counts *copies,
                       uint64_t now_ns);

/* Returns whether a datagram of the server is a pong, and then no longer waits for it. */
bool leave_frames_take_pong(struct leave_frames *leave, const struct datagram *datagram);

#endif
