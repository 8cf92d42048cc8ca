#ifndef CTL_BRIDGE_SERVER_LINK_H
#define CTL_BRIDGE_SERVER_LINK_H

#include "address/device_name.h"
#include "ctl/connection/control_server.h"
#include "os/loop/event_loop.h"
#include "redis/stream_position.h"

#include <stdbool.h>
#include <stddef.h>

/* The bridge's connection to its server, which is opened again whenever it fails, after a delay
 * that grows. Each time it asks for the last id of the stream (`streams`), and then begins the
 * session of a gateway. */

/* What the server has of the stream. */
struct server_link_stream {
    bool is_known;     /* false: it has no entry yet */
    bool is_uncertain; /* the server ended while it published the entry */
    bool is_volatile;  /* the server has no state file: it forgets the id when it ends */
    struct stream_position position;
};

struct server_link_callbacks {
    /* The session has begun: requests may be written. */
    void (*ready)(void *state, const struct server_link_stream *stream);
    /* A line of the session: `result`, `error`, `message`, `from`, `event` or `lost`. The callback
     * may change value. Returns NULL, or what is wrong with the line as a static string. */
    const char *(*line)(void *state, const char *key, char *value);
    /* The session has ended: results that are missing will not come. ready follows. */
    void (*lost)(void *state);
};

struct server_link;

/* stream is its name; session is the command that begins the session. All must outlive the link.
 * Returns NULL if memory or descriptors are short. */
struct server_link *server_link_new(struct loop *loop, const struct control_server *server,
                                    const struct device_name *stream, const char *session,
                                    const struct server_link_callbacks *callbacks, void *state);
/* NULL does nothing. */
void server_link_free(struct server_link *link);

/* Writes a request. Only between ready and lost. */
void server_link_write(struct server_link *link, const char *request, size_t size);

/* A request has succeeded: the delay before the next attempt begins anew. */
void server_link_settle(struct server_link *link);

/* Ends the session and begins another one after the delay. lost is called first. May be called from
 * the callback line; why and next are for the message that it prints. */
void server_link_restart(struct server_link *link, const char *why, const char *next);

#endif
