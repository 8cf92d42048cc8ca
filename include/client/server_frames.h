#ifndef CLIENT_SERVER_FRAMES_H
#define CLIENT_SERVER_FRAMES_H

#include "admission/device_key.h"
#include "base/prng.h"
#include "client/hello_schedule.h"
#include "client/message_window.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client's side of confirmed broadcasts and names (docs/protocol.md): says hello, shows each
 * message once, confirms it after a random part of its leisure, so that the confirmations of many
 * clients do not arrive at once (RFC 7252, section 8.2). Challenges are handled by
 * client/challenge_answer; a hello that proves a key takes their cookies. Pure: the caller sends
 * and receives, and passes the time, in nanoseconds of a clock that never goes back. One thread. */

enum { SERVER_FRAMES_BYTES_MAX = FRAME_HELLO_BYTES_MAX };

/* What the user wants. */
struct server_frames_setting {
    enum hello_policy policy;
    bool frames;        /* asks for messages in frames */
    bool confirms;      /* confirms them */
    const char *name;   /* for the hello; NULL: none. Valid (address/device_name); not copied */
    const uint8_t *key; /* DEVICE_KEY_BYTES, the key of the name; NULL: none. Not copied */
};

struct server_frames {
    struct server_frames_setting setting;
    struct hello_schedule hello;
    struct message_window window;
    uint8_t cookie[COOKIE_BYTES]; /* of the last challenge; zero: there was none */
    struct prng prng;             /* of the parts of the leisure */
    uint64_t confirmed, repeated; /* confirmations sent; messages that came again */
};

/* seed: of the random parts; any number that differs between clients. */
void server_frames_init(struct server_frames *frames, const struct server_frames_setting *setting,
                        uint64_t seed);

/* Forgets the server, for another one or another address of it; the counts stay. */
void server_frames_reset(struct server_frames *frames);

enum server_frames_kind {
    SERVER_FRAMES_OTHER,   /* not for this module: a reply, a plain copy, a challenge, ... */
    SERVER_FRAMES_HANDLED, /* nothing of it is shown */
    SERVER_FRAMES_MESSAGE, /* a new message, to be shown: frame->body, frame->size, frame->job */
    SERVER_FRAMES_NAMED,   /* the answer to a hello: frame->status and the name */
    SERVER_FRAMES_FOREIGN, /* the hello itself: an echo service, which gets no other one */
};

/* Handles a datagram from a UDP service. Sets *frame, whose pointers are into the bytes. */
enum server_frames_kind server_frames_receive(struct server_frames *frames, const uint8_t *bytes,
                                              size_t size, uint64_t now_ns, struct frame *frame);

/* The service has replied to a request, or the user expects no replies: the client is registered.
 */
void server_frames_registered(struct server_frames *frames, uint64_t now_ns);

/* A request was refused or not answered: the server may have been restarted, and have forgotten the
 * hello. The next reply is followed by another one. */
void server_frames_suspect_restart(struct server_frames *frames);

/* The service has sent a challenge with this cookie: it speaks the protocol, and does not know this
 * client (any longer), or the cookie of a hello that proves a key is no longer valid. */
void server_frames_challenged(struct server_frames *frames, const uint8_t cookie[COOKIE_BYTES],
                              uint64_t now_ns);

/* Returns when server_frames_take_due has something; UINT64_MAX: never. */
uint64_t server_frames_due_ns(const struct server_frames *frames);

/* Writes a frame that is due at now_ns to out: the hello or a confirmation. Returns its size, or 0
 * if none is due. Sets *gave_up if the last hello was not answered in time, which is reported once.
 */
size_t server_frames_take_due(struct server_frames *frames, uint64_t now_ns,
                              uint8_t out[SERVER_FRAMES_BYTES_MAX], bool *gave_up);

/* The same for a confirmation only. At the end of a session all are sent at once, with now_ns
 * UINT64_MAX - 1, since their messages were shown. */
size_t server_frames_take_confirmation(struct server_frames *frames, uint64_t now_ns,
                                       uint8_t out[SERVER_FRAMES_BYTES_MAX]);

/* Returns whether a hello was or will be sent whose answer is open. */
bool server_frames_await_answer(const struct server_frames *frames);

/* Returns whether the service has ever answered a hello. */
bool server_frames_is_known(const struct server_frames *frames);

/* Returns whether the user has asked for a hello, and none was ever answered. */
bool server_frames_lack_answer(const struct server_frames *frames);

#endif
