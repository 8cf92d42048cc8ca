#ifndef SERVER_MANAGER_WORKER_CHECKS_H
#define SERVER_MANAGER_WORKER_CHECKS_H

#include "os/loop/mailbox.h"

#include <stddef.h>
#include <stdint.h>

/* Periodic checks whether all workers still answer: a message to each of them, which it answers
 * with the number of its clients. Used by the main thread. */
struct worker;
struct worker_checks;

struct worker_checks_options {
    struct loop *loop;
    struct mailbox *reply_mailbox; /* of the loop */
    struct worker *const *workers; /* outlive the checks */
    size_t worker_count;
    uint32_t period_ms; /* at least 1 */
    /* Called when all workers have answered; clients is the number of all their clients. While one
     * has not answered, no further check begins. */
    void (*answered)(void *state, uint64_t clients);
    void *state;
};

/* Reserves what the checks need. Returns 0 or -errno. */
int worker_checks_open(struct worker_checks **checks, const struct worker_checks_options *options);

/* Begins the first check at once; the workers may start later. */
void worker_checks_start(struct worker_checks *checks);

/* Begins no further check; answered is not called any more. Messages that were posted still
 * complete. */
void worker_checks_stop(struct worker_checks *checks);

/* Frees the memory, after the workers have ended and the mailbox is freed. NULL is ignored. */
void worker_checks_free(struct worker_checks *checks);

#endif
