#ifndef NET_INTERFACE_INTERFACE_WATCH_H
#define NET_INTERFACE_INTERFACE_WATCH_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stdint.h>

/* Watches network interfaces and their addresses for changes (rtnetlink(7)). If a sandbox does not
 * permit netlink, it reports once a second that something may have changed. */
struct interface_watch;

struct interface_watch_callbacks {
    /* The interface of this index was removed, even if a new one has its name or index now. Not
     * called without netlink. */
    void (*removed)(void *state, uint32_t interface);
    /* After one or several changes: read the current state. */
    void (*changed)(void *state);
};

/* *callbacks must stay valid until interface_watch_close. Returns 0 or -errno. */
int interface_watch_open(struct interface_watch **watch, struct loop *loop,
                         const struct interface_watch_callbacks *callbacks, void *state);

/* Starts or stops calling `changed` once a second: for changes that netlink does not report here,
 * such as a new route. */
void interface_watch_poll(struct interface_watch *watch, bool each_second);

/* Ends watching and frees it; NULL is ignored. */
void interface_watch_close(struct interface_watch *watch);

#endif
