#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "address/device_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The frames of the protocol: datagrams between client and server that are neither a request nor a
 * reply (challenge, answer, leave, ping, pong, message, confirm, hello, named; docs/protocol.md). A
 * frame is the four bytes 00 55 44 50 (a NUL, with which no text begins, and "UDP"), a byte for its
 * type, and a body. A client that does not know frames never receives one under the policy "open".
 * Integers of more than one byte are big-endian. */

enum {
    FRAME_HEAD_BYTES = 5,
    FRAME_COOKIE_BYTES = 16, /* 128 bits, which cannot be guessed (RFC 9018 has 64) */
    FRAME_CHALLENGE_BYTES = FRAME_HEAD_BYTES + FRAME_COOKIE_BYTES,
    FRAME_ANSWER_HEAD_BYTES = FRAME_HEAD_BYTES + FRAME_COOKIE_BYTES, /* the request follows */
    /* The bytes of a ping that its pong returns: enough for a UUID or two timestamps. */
    FRAME_NONCE_BYTES_MAX = 16,
    FRAME_PONG_BYTES_MAX = FRAME_HEAD_BYTES + FRAME_NONCE_BYTES_MAX,
    FRAME_JOB_BYTES = 8, /* the number of a confirmed broadcast, never used twice */
    FRAME_MESSAGE_HEAD_BYTES = FRAME_HEAD_BYTES + FRAME_JOB_BYTES + 1, /* the payload follows */
    FRAME_CONFIRM_BYTES = FRAME_HEAD_BYTES + FRAME_JOB_BYTES,
    FRAME_NAME_BYTES_MAX = DEVICE_NAME_BYTES_MAX,
    FRAME_MAC_BYTES = 16, /* the first half of an HMAC-SHA-256 (RFC 2104, section 5) */
    FRAME_HELLO_BYTES_MAX =
        FRAME_HEAD_BYTES + 1 + FRAME_COOKIE_BYTES + FRAME_MAC_BYTES + FRAME_NAME_BYTES_MAX,
    FRAME_NAMED_BYTES_MAX = FRAME_HEAD_BYTES + 1 + FRAME_NAME_BYTES_MAX,
    /* The longest frame with which a server answers a frame or a request: that to a hello. */
    FRAME_REPLY_BYTES_MAX = FRAME_NAMED_BYTES_MAX,

    FRAME_LEISURE_UNIT_MS = 100, /* of the leisure of a message */
};

/* The type bytes as they are sent; the first and the last value are never sent. */
enum frame_type {
    FRAME_NONE = 0,      /* not a frame: a request, or a reply */
    FRAME_CHALLENGE = 1, /* server to client: a cookie, to be sent back as proof of the address */
    FRAME_ANSWER = 2,    /* client to server: that cookie, followed by a request */
    FRAME_LEAVE = 3,     /* client to server: remove me; with a cookie or without */
    FRAME_PING = 4,      /* client to server: asks for a pong, without registration */
    FRAME_PONG = 5,      /* server to client: the reply to a ping */
    FRAME_MESSAGE = 6,   /* server to client: a copy that is to be confirmed */
    FRAME_CONFIRM = 7,   /* client to server: that copy has arrived */
    FRAME_HELLO = 8,     /* client to server: send me messages as frames; my name */
    FRAME_NAMED = 9,     /* server to client: the reply to a hello */
    FRAME_BAD = 255,     /* begins as a frame, but is malformed */
};

/* The flags of a hello. A hello with any other bit is FRAME_BAD. */
enum frame_hello_flag {
    FRAME_HELLO_FRAMES = 1 << 0, /* copies that are to be confirmed shall come as FRAME_MESSAGE */
    FRAME_HELLO_KEYED = 1 << 1,  /* a cookie and a MAC stand before the name */
};

/* The status of a named, as it is sent. A client treats a status that it does not know as refused.
 */
enum frame_named_status {
    FRAME_NAMED_UNUSED = 0, /* no name was asked for, or the server uses none */
    FRAME_NAMED_GIVEN = 1,
    FRAME_NAMED_FULL = 2,       /* refused: the server has no place for another name */
    FRAME_NAMED_BAD_MAC = 3,    /* refused: the MAC is not that of the name's key */
    FRAME_NAMED_WRONG_MODE = 5, /* refused: it has no key, and names are keyed */
};

/* A parsed datagram. The pointers are into its bytes. */
struct frame {
    enum frame_type type;
    uint8_t flags;   /* of a hello: enum frame_hello_flag */
    uint8_t status;  /* of a named: enum frame_named_status */
    uint8_t leisure; /* of a message: within which time to confirm it, in FRAME_LEISURE_UNIT_MS */
    uint64_t job;    /* of a message or confirm */
    const uint8_t *cookie; /* FRAME_COOKIE_BYTES of a challenge or an answer, and of a leave or a
                              hello if it has one; otherwise NULL */
    const uint8_t *mac;    /* FRAME_MAC_BYTES of a keyed hello; otherwise NULL */
    const uint8_t *body;   /* the request of an answer, the nonce of a ping or pong, the payload of
                              a message, the name of a hello or named */
    size_t size;           /* of the body */
};

/* Whether a datagram begins as a frame. A request costs no more than this. */
static inline bool frame_has_magic(const uint8_t *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0 && bytes[1] == 0x55 && bytes[2] == 0x44 && bytes[3] == 0x50;
}

/* Parses a datagram of size bytes. Each type has a fixed length or range of lengths; an unknown
 * type or another length makes the frame FRAME_BAD. So does an answer whose request is itself a
 * frame: after an echo or a relay, clients would take it for a frame of the server. So does a hello
 * or named with a name that address/device_name refuses, though the name may be empty unless it is
 * keyed.
 */
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
/* Only the head: the payload follows it. */
size_t frame_write_message_head(uint8_t out[FRAME_MESSAGE_HEAD_BYTES], uint64_t job,
                                uint8_t leisure);
size_t frame_write_confirm(uint8_t out[FRAME_CONFIRM_BYTES], uint64_t job);
/* name has size bytes, and is valid or empty. */
size_t frame_write_hello(uint8_t out[FRAME_HELLO_BYTES_MAX], bool frames, const void *name,
                         size_t size);
/* name is not empty. */
size_t frame_write_keyed_hello(uint8_t out[FRAME_HELLO_BYTES_MAX], bool frames,
                               const uint8_t cookie[FRAME_COOKIE_BYTES],
                               const uint8_t mac[FRAME_MAC_BYTES], const void *name, size_t size);
/* A named of at most the name of its hello is not longer than the hello, so it cannot amplify. */
size_t frame_write_named(uint8_t out[FRAME_NAMED_BYTES_MAX], enum frame_named_status status,
                         const void *name, size_t size);

#endif
