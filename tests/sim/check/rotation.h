#ifndef SIM_CHECK_ROTATION_H
#define SIM_CHECK_ROTATION_H

#include <stdbool.h>
#include <stddef.h>

/* The oracle of the rotation: over all workers and transports, each reply is the next message. */

/* A reply was queued, in the order of reception. Returns false if it is no message of the
 * rotation. */
bool rotation_reply(const void *bytes, size_t size);
/* The server has ended: its next start begins with the first message. */
void rotation_reset(void);

#endif
