#ifndef SYSTEM_BRIDGE_PROGRAM_H
#define SYSTEM_BRIDGE_PROGRAM_H

#include "harness.h"
#include "redis_stand_in.h"

/* `udpctl bridge` of the stream "orders" as a process. */

struct bridge {
    struct process process;
    size_t reported; /* bytes of stderr that bridge_expect has taken */
};

/* Starts it; more arguments end with NULL. */
void bridge_start(struct bridge *bridge, const struct server *server, const struct redis *redis,
                  ...) __attribute__((sentinel));

/* Starts it likewise, answers its first command by PONG, and returns the connection. */
int bridge_connect(struct bridge *bridge, const struct server *server, const struct redis *redis);

/* Waits until a line of stderr, after the last one that was expected, has that text. */
void bridge_expect(struct bridge *bridge, const char *text);

/* Stops it by SIGTERM, and expects status 0 and these counts in its last line. */
void bridge_stop(struct bridge *bridge, const char *counts);

/* Expects that it ends with that status. */
void bridge_expect_status(struct bridge *bridge, int status);

/* Starts a server with a state file and without replies. */
void bridge_start_server(struct server *server);

#endif
