#ifndef OS_LOOP_WAKEUP_H
#define OS_LOOP_WAKEUP_H

#include <stdbool.h>

/* Wake-ups of a thread by other threads, through an eventfd: a descriptor that is readable from a
 * post until it is taken, however many posts there were. The opener closes it by close(2). */

enum wakeup_mode {
    WAKEUP_POLLED,   /* wakeup_take returns at once: for a descriptor that is polled */
    WAKEUP_BLOCKING, /* wakeup_take waits for a post */
};

/* Returns the descriptor, which programs that are executed do not inherit, or -errno. */
int wakeup_open(enum wakeup_mode mode);

/* Makes the descriptor readable; may be called from any thread. Never waits, and never fails for a
 * descriptor of wakeup_open. */
void wakeup_post(int fd);

/* Makes the descriptor unreadable again. Returns whether there was a post; in WAKEUP_BLOCKING,
 * false only if the kernel refuses the call, which eventfd(2) does not list. */
bool wakeup_take(int fd);

#endif
