#ifndef CTL_WATCH_SERVER_POLL_H
#define CTL_WATCH_SERVER_POLL_H

#include "ctl/connection/answer.h"
#include "ctl/watch/watch_data.h"
#include "os/loop/event_loop.h"

/* Looking at a server again and again: what it says goes into a view, whether it is there, goes
 * away or comes back. */
struct server_poll;

struct server_poll_callbacks {
    loop_run *looked; /* behind a whole look, or when the server has been found to be away */
    loop_run *aged;   /* no answer yet: the figures of the view, and only they, are older */
};

/* The callbacks, which must outlive it, are called from the loop when the view is another. */
struct server_poll *server_poll_new(struct loop *loop, const struct answer_server *server,
                                    struct watch_data *view,
                                    const struct server_poll_callbacks *callbacks, void *state);
void server_poll_free(struct server_poll *look);

/* Begins a look, by connecting first if need be. To be called each second, which is the step of the
 * view's diagrams; while the last look isn't over, it goes on instead. The callbacks may be called
 * from here. */
void server_poll_start(struct server_poll *look);

#endif
