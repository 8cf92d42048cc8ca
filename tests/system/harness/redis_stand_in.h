#ifndef SYSTEM_REDIS_STAND_IN_H
#define SYSTEM_REDIS_STAND_IN_H

#include "harness.h"

#include <stddef.h>
#include <stdint.h>

/* A stand-in for Redis, which a test has in its own process: it reads the commands of `udpctl
 * bridge`, and answers what the test says. */

struct redis {
    int listener;
    const char *url;
};

/* Listens at a port of 127.0.0.1, or with path at a Unix socket. */
void redis_open(struct redis *redis, const char *path);

/* Waits for a connection. redis_accept also answers its first command, a PING. Returns the
 * connection, which the caller closes. */
int redis_accept_only(const struct redis *redis);
int redis_accept(const struct redis *redis);

/* Returns the next command as words with blanks between, NULL at the end of the connection. */
const char *redis_command(int connection);
/* Expects that it is this one. PING is answered and skipped. */
void redis_expect(int connection, const char *command);

/* Sends bytes. */
void redis_answer(int connection, const char *bytes);

/* ---- a stream ---- */

enum { REDIS_ENTRIES_MAX = 256 };

/* The entries of a stream, in their order. An entry is its id and its fields, "name value ...". */
struct redis_stream {
    const char *ids[REDIS_ENTRIES_MAX], *fields[REDIS_ENTRIES_MAX];
    size_t first, count; /* those that are left, and one after the last */
    uint64_t added;      /* entries-added */
};

void redis_stream_add(struct redis_stream *stream, const char *id, const char *fields);

/* Expects a read of the stream "orders" after that id (NULL: any), and answers it. Returns how many
 * entries that had. A command that waits for more is answered before it, as by an entry. */
size_t redis_serve(int connection, const struct redis_stream *stream, const char *after);

/* Expects that command, which waits, and does not answer it. */
void redis_expect_wait(int connection, const char *after);

#endif
