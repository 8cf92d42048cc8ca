#ifndef CTL_LOOK_H
#define CTL_LOOK_H

#include "ctl/answer.h"
#include "ctl/view.h"
#include "net/loop.h"

/* Looking at a server again and again: what it says goes into a view, whether it is there, goes
 * away or comes back. */
struct look;

struct look_callbacks {
    loop_run *looked; /* behind a whole look, or when the server has been found to be away */
    loop_run *aged;   /* no answer yet: the figures of the view, and only they, are older */
};

/* The callbacks, which must outlive it, are called from the loop when the view is another. */
struct look *look_new(struct loop *loop, const struct answer_server *server, struct view *view,
                      const struct look_callbacks *callbacks, void *state);
void look_free(struct look *look);

/* Begins a look, by connecting first if need be. To be called each second, which is the step of the
 * view's diagrams; while the last look isn't over, it goes on instead. The callbacks may be called
 * from here. */
void look_begin(struct look *look);

#endif
