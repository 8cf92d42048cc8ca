#ifndef SERVER_INTERFACES_H
#define SERVER_INTERFACES_H

#include "server/recovery.h"
#include "server/worker.h"

#include <stddef.h>

/* Follows the interfaces and addresses of the host while the server runs: the workers know the
 * broadcast addresses of its networks, and listeners and groups come back when their interface does
 * (server/recovery). So do Unix sockets whose file was removed. In the main thread. */
struct interfaces;

/* All of it is the server's, and outlives the interfaces. */
struct interfaces_options {
    struct loop *loop;
    struct mailbox *home;
    struct worker *const *workers;
    size_t worker_count;
    const struct config *config; /* as started */
    struct listeners *listeners;
    struct doors *doors;
    void (*on_change)(void *state); /* called after each change of interfaces or addresses */
    void *on_change_state;
};

/* Before the workers' threads start. 0 or -errno. */
int interfaces_open(struct interfaces **interfaces, const struct interfaces_options *options);

/* Looks now for what would be looked for within a second. */
void interfaces_check(struct interfaces *interfaces);

/* Nothing changes from now on. A call that is still on its way comes home; the memory is freed by
 * interfaces_free, once the workers have ended and the mailbox is gone. */
void interfaces_stop(struct interfaces *interfaces);
void interfaces_free(struct interfaces *interfaces);

#endif
