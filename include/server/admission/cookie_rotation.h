#ifndef SERVER_ADMISSION_COOKIE_ROTATION_H
#define SERVER_ADMISSION_COOKIE_ROTATION_H

#include "admission/cookie.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"

/* The rotation of the cookie secrets: replaces them by new random ones every minute
 * (COOKIE_ROTATION_MS). In the main thread. */
struct cookie_rotation {
    struct cookie_secrets secrets; /* the current and the previous one */
    struct loop_timer timer;
    void (*on_minute)(void *state); /* called after each rotation, also one that failed */
    void *state;
};

/* Draws the first secret. Returns 0 or -errno (-EAGAIN: the kernel has no entropy yet). */
int cookie_rotation_init(struct cookie_rotation *rotation);

/* Rotates the secrets every minute from now on. Without entropy the old secret stays, which is
 * logged as an error; its cookies expire by their age. Returns 0 or -errno. */
int cookie_rotation_start(struct cookie_rotation *rotation, struct loop *loop,
                          void (*on_minute)(void *state), void *state);
void cookie_rotation_stop(struct cookie_rotation *rotation);

#endif
