#ifndef SYSTEM_FRAMES_H
#define SYSTEM_FRAMES_H

#include "harness.h"

/* The in-band frames of udpsrv(8), written by hand, so that the programs' own way of it is tested.
 */

enum { FRAME_HEAD = 5, FRAME_COOKIE = 16, FRAME_CHALLENGE = FRAME_HEAD + FRAME_COOKIE };

/* Sends a frame: a type, a cookie (or NULL), and text behind it. */
void frame_send(int udp, const struct endpoint *to, uint8_t type, const uint8_t *cookie,
                const char *text);

/* The next datagram is a challenge. */
void frame_hear_challenge(int udp, const struct endpoint *from, uint8_t cookie[FRAME_COOKIE]);

/* Says hi as a stranger, and is challenged. */
void frame_be_challenged(int udp, const struct endpoint *server, uint8_t cookie[FRAME_COOKIE]);

/* Says hi as a stranger, proves its address, and hears yes. */
void frame_join(int udp, const struct endpoint *server);

#endif
