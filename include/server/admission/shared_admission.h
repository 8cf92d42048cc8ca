#ifndef SERVER_ADMISSION_SHARED_ADMISSION_H
#define SERVER_ADMISSION_SHARED_ADMISSION_H

#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "server/admission/admission_rules.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* The admission state that all workers share, and its delivery to them: the tables of limits
 * (server/admission/admission_rules), the cookie secrets (cookie_rotation) and the list of on-link
 * addresses (on_link_refresh). In the main thread, but for shared_admission_request_on_link. */
struct shared_admission;

/* Draws the first secrets and makes the first list of on-link addresses; tables are made for at
 * most clients_max clients. Returns 0 or -errno (-EAGAIN: the kernel has no entropy yet). */
int shared_admission_new(struct shared_admission **admission, uint32_t clients_max);

/* Call it after all worker threads have ended. */
void shared_admission_free(struct shared_admission *admission);

/* Fills in the rules of a configuration: see admission_rules_make. */
int shared_admission_rules(struct shared_admission *admission, const struct config *config,
                           struct admission_rules *rules);

/* Returns the secrets in use. */
struct cookie_secrets shared_admission_secrets(const struct shared_admission *admission);

/* From now on sends each worker the secrets of each minute and each new list of on-link addresses;
 * reply_mailbox is the mailbox of the main thread. Returns 0 or -errno. */
int shared_admission_start(struct shared_admission *admission, struct loop *loop,
                           struct worker *const *workers, size_t worker_count,
                           struct mailbox *reply_mailbox);

/* Asks for a new list of on-link addresses, since a challenge to one could not be sent or the
 * interfaces have changed: the workers get it within some 100 ms, and without a request within a
 * minute. From any thread, after shared_admission_start. state is the struct shared_admission. */
void shared_admission_request_on_link(void *state);

/* Sends nothing more. Call it before worker_finish is posted to the workers. */
void shared_admission_stop(struct shared_admission *admission);

#endif
