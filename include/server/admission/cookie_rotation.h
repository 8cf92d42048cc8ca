#ifndef SERVER_ADMISSION_COOKIE_ROTATION_H
#define SERVER_ADMISSION_COOKIE_ROTATION_H

#include "admission/cookie.h"
#include "base/handover.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"

#include <stdbool.h>

/* The rotation of the cookie secrets: generates a new one every minute (COOKIE_ROTATION_MS). Used
 * by the main thread. */
struct cookie_rotation {
    struct cookie_secrets secrets; /* the current and the previous one */
    struct loop_timer timer;
    bool is_continued;              /* the timer is set to the next rotation of a former process */
    void (*on_minute)(void *state); /* called every minute, also if the rotation failed */
    void *state;
};

/* Generates the first secret. Returns 0 or -errno (-EAGAIN: the kernel has no entropy yet). */
int cookie_rotation_init(struct cookie_rotation *rotation);

/* Rotates the secrets every minute from now on. If the kernel has no entropy, logs an error and
 * keeps the old secret, whose cookies expire by their age. Returns 0 or -errno. */
int cookie_rotation_start(struct cookie_rotation *rotation, struct loop *loop,
                          void (*on_minute)(void *state), void *state);
void cookie_rotation_stop(struct cookie_rotation *rotation);

/* In an upgrade, write the secrets into the record, and take them over after cookie_rotation_start:
 * they are rotated when the former process would have done it, so that each cookie is valid as long
 * as it would have been. cookie_rotation_take_over returns 0 or -EPROTO. */
void cookie_rotation_hand_over(const struct cookie_rotation *rotation,
                               struct handover_writer *writer);
int cookie_rotation_take_over(struct cookie_rotation *rotation, struct handover_reader *reader);

#endif
