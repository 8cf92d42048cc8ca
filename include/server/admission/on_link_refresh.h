#ifndef SERVER_ADMISSION_ON_LINK_REFRESH_H
#define SERVER_ADMISSION_ON_LINK_REFRESH_H

#include "admission/access_list.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Refreshes the list of on-link addresses (server/admission/on_link_addresses): about 100 ms after
 * any thread has requested it, because a challenge could not be sent or an interface has changed.
 * If reading the kernel's tables takes long, the delay is 20 times that. Used by the main thread,
 * except on_link_refresh_request. */
struct on_link_refresh {
    struct access_list *current;  /* NULL: no address is on-link */
    struct access_list *previous; /* kept for workers that still use it */
    uint64_t took_ns;             /* the time that the last reading of the kernel's tables took */
    struct mailbox *mailbox;      /* of the main thread */
    struct loop_timer timer;      /* from a request to the refresh */
    struct on_link_request {
        struct mailbox_message message;
        struct on_link_refresh *refresh;
        _Atomic bool posted;
    } request;
    bool running;
    void (*on_due)(void *state); /* called when a requested refresh is due */
    void *state;
};

/* Makes the first list. Returns 0, or -errno with an empty list. */
int on_link_refresh_init(struct on_link_refresh *refresh);

/* Frees both lists. Call it after all worker threads have ended. */
void on_link_refresh_free(struct on_link_refresh *refresh);

/* Makes the list again: the current list becomes the previous one, and the previous one, which no
 * worker may still use, is freed. On an error nothing changes. */
void on_link_refresh_read(struct on_link_refresh *refresh);

/* Handles requests from now on. Returns 0 or -errno. */
int on_link_refresh_start(struct on_link_refresh *refresh, struct loop *loop,
                          struct mailbox *mailbox, void (*on_due)(void *state), void *state);
void on_link_refresh_stop(struct on_link_refresh *refresh);

/* Requests a refresh. From any thread, after on_link_refresh_start. */
void on_link_refresh_request(struct on_link_refresh *refresh);

#endif
