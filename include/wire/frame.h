#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The frames of the protocol: datagrams between client and server that are neither a request nor a
 * reply (challenge, answer, leave, ping, pong; docs/protocol.md). A frame is the four bytes 00 55
 * 44 50 (a NUL, with which no text begins, and "UDP"), a byte for its type, and a body. A client
 * that does not know frames never receives one under the policy "open". */

enum {
    FRAME_HEAD_BYTES = 5,
    FRAME_COOKIE_BYTES = 16, /* 128 bits, which cannot be guessed (RFC 9018 has 64) */
    FRAME_CHALLENGE_BYTES = FRAME_HEAD_BYTES + FRAME_COOKIE_BYTES,
    FRAME_ANSWER_HEAD_BYTES = FRAME_HEAD_BYTES + FRAME_COOKIE_BYTES, /* the request follows */
    /* The bytes of a ping that its pong returns: enough for a UUID or two timestamps. */
    FRAME_NONCE_BYTES_MAX = 16,
    FRAME_PONG_BYTES_MAX = FRAME_HEAD_BYTES + FRAME_NONCE_BYTES_MAX,
    FRAME_BYTES_MAX =
        21, /* the longest frame that a server sends: a challenge, or the longest pong */
};

/* The type bytes as they are sent; the first and the last value are never sent. */
enum frame_type {
    FRAME_NONE = 0,      /* not a frame: a request, or a reply */
    FRAME_CHALLENGE = 1, /* server to client: a cookie, to be sent back as proof of the address */
    FRAME_ANSWER = 2,    /* client to server: that cookie, followed by a request */
    FRAME_LEAVE = 3,     /* client to server: remove me; with a cookie or without */
    FRAME_PING = 4,      /* client to server: asks for a pong, without registration */
    FRAME_PONG = 5,      /* server to client: the reply to a ping */
    FRAME_BAD = 255,     /* begins as a frame, but is malformed */
};

/* A parsed datagram. The pointers are into its bytes. */
struct frame {
    enum frame_type type;
    const uint8_t *cookie; /* FRAME_COOKIE_BYTES; NULL in a leave without one, a ping, a pong */
    const uint8_t *body;   /* the request of an answer, the nonce of a ping or pong */
    size_t size;           /* of the body */
};

/* Whether a datagram begins as a frame. A request costs no more than this. */
static inline bool frame_has_magic(const uint8_t *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0 && bytes[1] == 0x55 && bytes[2] == 0x44 && bytes[3] == 0x50;
}

/* Parses a datagram of size bytes. Each type has a fixed length or range of lengths; an unknown
 * type or another length makes the frame FRAME_BAD. So does an answer whose request is itself a
 * frame: after an echo or a relay, clients would take it for a frame of the server. */
struct frame frame_read(const uint8_t *bytes, size_t size);

/* Writes the head of a challenge to out. Returns where the caller has to write the cookie. */
uint8_t *frame_write_challenge(uint8_t out[FRAME_CHALLENGE_BYTES]);

/* These write a frame to out and return its length. */
size_t frame_write_ping(uint8_t out[FRAME_PONG_BYTES_MAX], const void *nonce, size_t size);
/* A pong has the length of its ping, so it cannot amplify. */
size_t frame_write_pong(uint8_t out[FRAME_PONG_BYTES_MAX], const struct frame *ping);
/* cookie may be NULL. */
size_t frame_write_leave(uint8_t out[FRAME_CHALLENGE_BYTES], const uint8_t *cookie);
/* Only the head: the request follows it. */
size_t frame_write_answer_head(uint8_t out[FRAME_ANSWER_HEAD_BYTES],
                               const uint8_t cookie[FRAME_COOKIE_BYTES]);

#endif
