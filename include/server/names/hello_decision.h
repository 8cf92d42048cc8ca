#ifndef SERVER_NAMES_HELLO_DECISION_H
#define SERVER_NAMES_HELLO_DECISION_H

#include "admission/cookie.h"
#include "admission/device_key.h"
#include "base/stats.h"
#include "config/config.h"
#include "registry/client_info.h"
#include "server/names/name_queue.h"
#include "wire/frame.h"

#include <stdint.h>

/* The decision about the name of a hello, in the thread of the worker that received it from one of
 * its registered clients. Whether the client may have the name is decided here, by clients.names;
 * whether there is a place for it, and which client loses it, by the main thread
 * (server/names/name_decisions), which then also has the hello answered.
 *
 * A hello is the only datagram whose decision computes SHA-256: up to eleven blocks, 3
 * microseconds, under names = keyed and after the cookie was found valid, so only for a source that
 * is registered and that has been challenged within the last two minutes. */

/* What is needed for it, a plain value of the worker; all zero: names = off. */
struct hello_names {
    enum config_names mode;
    struct names_key key;
    struct name_queue *queue; /* to the main thread; NULL only under NAMES_OFF */
    uint32_t worker;          /* the index of this worker */
};

enum hello_outcome {
    HELLO_ANSWER,    /* answer it by a named, with *status and no name */
    HELLO_CHALLENGE, /* answer it by a challenge */
    HELLO_WAITS,     /* the main thread has it answered */
    HELLO_IGNORED,   /* do not answer it; the client asks again */
};

/* Decides about a hello of a client that was received at now_ms, and expires at check_ms at the
 * earliest. Counts in *stats what is refused. */
enum hello_outcome hello_decide(const struct hello_names *names,
                                const struct cookie_secrets *secrets, const struct client *client,
                                const struct frame *hello, uint64_t now_ms, uint64_t check_ms,
                                struct stats *stats, enum frame_named_status *status);

#endif
