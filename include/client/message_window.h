#ifndef CLIENT_MESSAGE_WINDOW_H
#define CLIENT_MESSAGE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* The last messages of confirmed broadcasts (frame 06 of wire/frame) that a client received: which
 * ones it has shown already, and which ones it still has to confirm, and when. Pure: the caller
 * passes the time, in nanoseconds of a clock that never goes back. No errors; one thread.
 *
 * A message is known by its job number, which a server never uses twice, not after a restart
 * either. */

enum {
    /* A server repeats the messages of up to 8 broadcasts and 64 messages to one client at a time;
     * the others are for those that the client confirms while it waits for such a repetition. */
    MESSAGE_WINDOW_SIZE = 128,
};

struct message_window {
    struct window_message {
        uint64_t job;
        uint64_t due_ns; /* when its confirmation is due; UINT64_MAX: none is due */
    } messages[MESSAGE_WINDOW_SIZE];
    uint32_t count; /* of messages */
    uint32_t next;  /* the place of the next new message: the oldest one */
};

/* For another server. A zeroed window is empty, too. */
void message_window_clear(struct message_window *window);

/* Handles a received message. Returns whether it is new, and so has to be shown. Its confirmation
 * becomes due at due_ns (UINT64_MAX: it is not to be confirmed), unless one of it is due already.
 * Beyond MESSAGE_WINDOW_SIZE messages the oldest is forgotten, with a confirmation that is due. */
bool message_window_add(struct message_window *window, uint64_t job, uint64_t due_ns);

/* Returns when the next confirmation is due; UINT64_MAX: none is. */
uint64_t message_window_due_ns(const struct message_window *window);

/* Takes one confirmation that is due at now_ns: sets *job. Returns false if none is due. */
bool message_window_take_due(struct message_window *window, uint64_t now_ns, uint64_t *job);

#endif
