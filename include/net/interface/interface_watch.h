#ifndef NET_INTERFACE_INTERFACE_WATCH_H
#define NET_INTERFACE_INTERFACE_WATCH_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stdint.h>

/* Tells when network interfaces and their addresses come, change and go (rtnetlink(7)). Where a
 * sandbox permits no netlink, it says once a second that something may have changed. */
struct interface_watch;

struct interface_watch_callbacks {
    /* The interface of this index is gone, even if one of that name or number is there again. Not
     * told without netlink. */
    void (*removed)(void *state, uint32_t interface);
    /* Behind a run of changes: look at what is there now. */
    void (*changed)(void *state);
};

/* The callbacks are kept. 0 or -errno. */
int interface_watch_open(struct interface_watch **watch, struct loop *loop,
                         const struct interface_watch_callbacks *callbacks, void *state);

/* Whether `changed` is to be called once a second in any case, as where something is waited for
 * that nobody tells, such as a route. */
void interface_watch_poll(struct interface_watch *watch, bool each_second);

void interface_watch_close(struct interface_watch *watch);

#endif
