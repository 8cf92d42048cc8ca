#ifndef SERVER_ADMISSION_ADMISSION_UPDATES_H
#define SERVER_ADMISSION_ADMISSION_UPDATES_H

#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "server/admission/admission_rules.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The admission state that all workers share, and its delivery to them: the tables of limits
 * (server/admission/admission_rules), the cookie secrets (cookie_rotation) and the list of on-link
 * addresses (on_link_refresh). Used by the main thread, except admission_updates_request_on_link.
 */
struct admission_updates;

/* Generates the first secret and makes the first list of on-link addresses; tables are made for at
 * most clients_max clients. The limiter is in the memory of the offload, unless that is NULL. In an
 * upgrade, handed has the tables of the former process; otherwise it is NULL. Returns 0 or -errno
 * (-EAGAIN: the kernel has no entropy yet). */
int admission_updates_new(struct admission_updates **admission, uint32_t clients_max,
                          const struct offload *offload, struct handed_clients *handed);

/* Call it after all worker threads have ended; the offload may be closed. */
void admission_updates_free(struct admission_updates *admission);

/* Fills in the rules of a configuration: see admission_rules_make. */
int admission_updates_rules(struct admission_updates *admission, const struct config *config,
                            struct admission_rules *rules);

/* Returns the secrets in use. */
struct cookie_secrets admission_updates_secrets(const struct admission_updates *admission);

/* From now on sends each worker the secrets of each minute and each new list of on-link addresses;
 * reply_mailbox is the mailbox of the main thread. Returns 0 or -errno. */
int admission_updates_start(struct admission_updates *admission, struct loop *loop,
                            struct worker *const *workers, size_t worker_count,
                            struct mailbox *reply_mailbox);

/* Requests a new list of on-link addresses, because a challenge to one could not be sent or the
 * interfaces have changed. The workers get it about 100 ms later; without a request they get one
 * every minute. From any thread, after admission_updates_start. state is the struct
 * admission_updates. */
void admission_updates_request_on_link(void *state);

/* In an upgrade, admission_updates_put_memory writes the pieces of the tables' memory into the
 * record, and admission_updates_hand_over the secrets. admission_updates_take_over takes the
 * secrets over for the workers, too, after admission_updates_start and before these are started; it
 * returns 0 or -EPROTO. admission_updates_has_new_prefixes returns whether the table of prefixes
 * was made by this process, and has yet to count the clients. */
void admission_updates_put_memory(const struct admission_updates *admission,
                                  struct handover_writer *writer);
void admission_updates_hand_over(const struct admission_updates *admission,
                                 struct handover_writer *writer);
int admission_updates_take_over(struct admission_updates *admission,
                                struct handover_reader *reader);
bool admission_updates_has_new_prefixes(const struct admission_updates *admission);

/* Sends nothing more. Call it before worker_finish is posted to the workers. */
void admission_updates_stop(struct admission_updates *admission);

#endif
