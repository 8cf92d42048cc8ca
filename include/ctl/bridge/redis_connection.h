#ifndef CTL_BRIDGE_REDIS_CONNECTION_H
#define CTL_BRIDGE_REDIS_CONNECTION_H

#include "os/loop/event_loop.h"
#include "redis/redis_url.h"
#include "redis/resp_parser.h"
#include "text/text_buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* A connection to Redis in an event loop, which is opened again whenever it fails, after a delay
 * that grows (ctl/bridge/retry_delay). Each failure is printed on standard error. Redis is asked by
 * PING when nothing else is, so that one that stands still is noticed. */

struct redis_connection_settings {
    const struct redis_url *url;
    const char *url_text; /* for messages */
    const char *user;     /* of an ACL; NULL: the default user */
    const char *password; /* NULL: no AUTH is sent */
    uint32_t timeout_ms;  /* for each reply */
};

struct redis_connection_callbacks {
    /* The connection is open, authenticated, and its database selected: commands may be sent. */
    void (*ready)(void *state);
    /* An element of a reply to a command of redis_connection_send, never RESP_NONE or RESP_INVALID.
     * The callback may send, or call redis_connection_fail. */
    void (*element)(void *state, const struct resp_element *element);
    /* The connection is closed: replies that are missing will not come. ready follows. */
    void (*lost)(void *state);
    /* Redis has refused the connection for a reason that stays. It is printed, and the connection
     * is not opened again. */
    void (*refused)(void *state);
};

struct redis_connection;

/* Makes a connection, and begins to open it when the loop runs. purpose is for messages ("reading
 * the stream orders"). settings, purpose and callbacks must outlive it. Returns NULL if memory or
 * descriptors are short. */
struct redis_connection *redis_connection_new(struct loop *loop,
                                              const struct redis_connection_settings *settings,
                                              const char *purpose,
                                              const struct redis_connection_callbacks *callbacks,
                                              void *state);
/* NULL does nothing. */
void redis_connection_free(struct redis_connection *connection);

/* Sends commands of which each has one reply, and empties the buffer. Only between ready and lost.
 * The first reply may take extra_ms longer than the time limit, since it is that of a command that
 * blocks. */
void redis_connection_send(struct redis_connection *connection, struct text_buffer *commands,
                           unsigned replies, uint32_t extra_ms);

/* A command that matters has succeeded: the delay before the next attempt begins anew. */
void redis_connection_settle(struct redis_connection *connection);

/* Closes the connection for a reason that the caller has found, as if it had failed: why and next
 * are for the message. error is the text of an error of Redis, size bytes; one that stays
 * (redis_error_advice) ends it permanently. */
void redis_connection_fail(struct redis_connection *connection, const char *why, const char *next);
void redis_connection_fail_by_error(struct redis_connection *connection, const char *error,
                                    uint64_t size);

#endif
