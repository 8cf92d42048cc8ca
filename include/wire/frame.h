#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The in-band frames: datagrams between client and server that are no requests and no replies. A
 * frame is the four bytes 00 55 44 50 (a NUL, which no text begins with, and "UDP"), a byte that
 * says its type, and a body. A client that knows nothing of them never sees one under an open
 * policy. */

enum {
    FRAME_HEAD_BYTES = 5,
    FRAME_COOKIE_BYTES = 16, /* 128 bits: nobody guesses one (RFC 9018 has 64) */
    FRAME_CHALLENGE_BYTES = FRAME_HEAD_BYTES + FRAME_COOKIE_BYTES,
    FRAME_ANSWER_HEAD_BYTES = FRAME_HEAD_BYTES + FRAME_COOKIE_BYTES, /* the request follows */
    /* What a ping may carry for its pong to bring back: room for a UUID or two clocks. */
    FRAME_NONCE_BYTES_MAX = 16,
    FRAME_PONG_BYTES_MAX = FRAME_HEAD_BYTES + FRAME_NONCE_BYTES_MAX,
    FRAME_BYTES_MAX = 21, /* of those that a server sends: a challenge, or the longest pong */
};

/* The type bytes, as they are sent, but for the first and the last. */
enum frame_type {
    FRAME_NONE = 0,      /* no frame: a request, or a reply */
    FRAME_CHALLENGE = 1, /* server to client: "say this cookie, so that I know you receive" */
    FRAME_ANSWER = 2,    /* client to server: the cookie, and the request that it is for */
    FRAME_LEAVE = 3,     /* client to server: forget me; with a cookie, or without any */
    FRAME_PING = 4,      /* client to server: are you there? registers nobody */
    FRAME_PONG = 5,      /* server to client: yes */
    FRAME_BAD = 255,     /* begins as a frame does and makes no sense */
};

/* A datagram, taken apart; what is pointed to lies within it. */
struct frame {
    enum frame_type type;
    const uint8_t *cookie; /* FRAME_COOKIE_BYTES; NULL in a leave without one, a ping, a pong */
    const uint8_t *body;   /* the request of an answer, the nonce of a ping or pong */
    size_t size;           /* of the body */
};

/* Whether a datagram begins as a frame does: all that a request costs. */
static inline bool frame_begins(const uint8_t *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0 && bytes[1] == 0x55 && bytes[2] == 0x44 && bytes[3] == 0x50;
}

/* Takes a datagram of size bytes apart. Every frame has just the length that its type says; an
 * unknown type, a byte too many or too few makes it FRAME_BAD. So does an answer whose request is a
 * frame itself: echoed or relayed, it would be the server's word to the clients who get it. */
struct frame frame_read(const uint8_t *bytes, size_t size);

/* Writes the head of a challenge to out and returns where its cookie is to stand. */
uint8_t *frame_challenge(uint8_t out[FRAME_CHALLENGE_BYTES]);

/* Write a frame to out and return its length. */
size_t frame_ping(uint8_t out[FRAME_PONG_BYTES_MAX], const void *nonce, size_t size);
/* As long as the ping was: it never brings more than it got. */
size_t frame_pong(uint8_t out[FRAME_PONG_BYTES_MAX], const struct frame *ping);
/* cookie may be NULL. */
size_t frame_leave(uint8_t out[FRAME_CHALLENGE_BYTES], const uint8_t *cookie);
/* The head alone, behind which the request is to stand. */
size_t frame_answer_head(uint8_t out[FRAME_ANSWER_HEAD_BYTES],
                         const uint8_t cookie[FRAME_COOKIE_BYTES]);

#endif
