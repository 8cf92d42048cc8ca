#ifndef SYSTEM_FRAMES_H
#define SYSTEM_FRAMES_H

#include "harness.h"

/* In-band frames of udpsrv(8), built by the test and not by the code of the programs, so that their
 * encoding is tested. */

enum { FRAME_HEAD = 5, FRAME_COOKIE = 16, FRAME_CHALLENGE = FRAME_HEAD + FRAME_COOKIE };

/* Sends a frame: a type, a cookie (or NULL), and text. */
void frame_send(int udp, const struct endpoint *to, uint8_t type, const uint8_t *cookie,
                const char *text);

/* Expects that the next datagram is a challenge, and returns its cookie. */
void frame_expect_challenge(int udp, const struct endpoint *from, uint8_t cookie[FRAME_COOKIE]);

/* Sends "hi" as an unverified source and expects a challenge. */
void frame_request_challenge(int udp, const struct endpoint *server, uint8_t cookie[FRAME_COOKIE]);

/* Registers a client: sends "hi", returns the cookie of the challenge, expects the reply "yes". */
void frame_join(int udp, const struct endpoint *server);

#endif
