#ifndef SYSTEM_SUBSCRIBER_H
#define SYSTEM_SUBSCRIBER_H

#include "harness.h"

/* Subscribers by raw control lines: sessions that run `listen` or `events`. */

struct subscriber {
    int control;
    struct bytes input;
    size_t read;       /* bytes of the input that were returned */
    int64_t delivered; /* lines "message" and "event" that were returned */
    int64_t lost;      /* sum of the lines "lost" that were returned */
};

/* Sends the command over a new session, and waits for "ok": the server publishes to it from then
 * on. */
void subscriber_open(struct subscriber *subscriber, const struct server *server,
                     const char *command);
void subscriber_close(struct subscriber *subscriber);

/* Returns the next line without its newline; it lives until the next call. Fails the test if none
 * comes within HARNESS_DEADLINE_MS, or at the end of the session. */
const char *subscriber_line(struct subscriber *subscriber);

/* Expects that the next line is an event or message with all of these parts, which end with NULL.
 * Returns it. */
const char *subscriber_expect(struct subscriber *subscriber, ...) __attribute__((sentinel));

/* Reads lines until delivered + lost is count. */
void subscriber_read_until(struct subscriber *subscriber, int64_t count);

/* Returns whether bytes have arrived that were not returned. */
bool subscriber_has_input(struct subscriber *subscriber);

#ifndef HARNESS_INTERNAL
#define subscriber_open(...)       HERE(subscriber_open(__VA_ARGS__))
#define subscriber_line(...)       HERE(subscriber_line(__VA_ARGS__))
#define subscriber_expect(...)     HERE(subscriber_expect(__VA_ARGS__))
#define subscriber_read_until(...) HERE(subscriber_read_until(__VA_ARGS__))
#endif

#endif
