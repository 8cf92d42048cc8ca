#ifndef CTL_BRIDGE_BRIDGE_H
#define CTL_BRIDGE_BRIDGE_H

#include "address/publish_key.h"
#include "ctl/bridge/append_command.h"
#include "ctl/bridge/redis_connection.h"
#include "ctl/connection/control_server.h"

#include <stdbool.h>

/* The bridge between a stream of Redis and a server: it publishes each entry that is read, in order
 * and with its id as key, and appends what clients send to another stream.
 *
 * Only the server knows which entry was published last: it writes the id to its state before the
 * first copy. So the bridge keeps nothing, asks for that id each time it connects, and reads the
 * stream from there on; an entry that it sends twice is answered as a duplicate. When the server
 * refuses an entry for a reason that may pass, the entries after it are refused, too; the bridge
 * begins a new session and returns to the first of them. */

struct bridge_settings {
    struct control_server server;
    struct redis_connection_settings redis;
    const char *stream;
    struct device_name stream_name; /* the same */
    const struct entry_id *from;    /* of a first start; NULL: after the last entry */
    const char *session;            /* the command that begins the gateway's session */
    bool is_strict;                 /* a gap ends the bridge */
    struct append_target append;    /* stream NULL: nothing is appended */
};

enum { BRIDGE_STATUS_GAP = 4 };

/* Runs until a signal, or an error that stays. Returns the exit status: 0 after a signal,
 * BRIDGE_STATUS_GAP, or 1. */
int bridge_run(const struct bridge_settings *settings);

#endif
