#ifndef CTL_WATCH_SERVER_POLLER_H
#define CTL_WATCH_SERVER_POLLER_H

#include "ctl/connection/control_server.h"
#include "ctl/watch/server_snapshot.h"
#include "os/loop/event_loop.h"

/* Polls a server for `watch`: each poll sends `status`, `stats` and `jobs`, and stores the answers
 * in a snapshot. It reconnects when the server is back. */
struct server_poller;

struct server_poller_callbacks {
    loop_callback *polled; /* a poll has succeeded or failed: the snapshot is new */
    loop_callback *aged;   /* the answer is late: only the age of the snapshot has changed */
};

/* snapshot, callbacks and the path of server must outlive the poller. The callbacks are called from
 * the loop. Returns NULL when memory is short. */
struct server_poller *server_poller_new(struct loop *loop, const struct control_server *server,
                                        struct server_snapshot *snapshot,
                                        const struct server_poller_callbacks *callbacks,
                                        void *state);
void server_poller_free(struct server_poller *poller);

/* Starts a poll, or does nothing while the last one is not complete. Call it each second, which is
 * the step of the snapshot's histories. It may call the callbacks. */
void server_poller_poll(struct server_poller *poller);

#endif
