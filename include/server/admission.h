#ifndef SERVER_ADMISSION_H
#define SERVER_ADMISSION_H

#include "config/config.h"
#include "net/loop.h"
#include "net/thread.h"
#include "server/service.h"
#include "server/worker.h"

#include <stddef.h>
#include <stdint.h>

/* What all workers share to admit by: the lists, the tables of limits, and the secrets of cookies,
 * which are replaced each minute. */
struct admission;

/* Draws the first secrets; tables come with the rules that want them, for at most so many clients.
 * 0 or -errno (-EAGAIN: no entropy yet). */
int admission_new(struct admission **admission, uint32_t clients_max);

/* Behind the end of the workers. */
void admission_free(struct admission *admission);

/* The rules of a configuration. What tables they need is made now, and stays: limits that are
 * switched off and on again go on where they were. 0 or -ENOMEM, and then nothing has changed. The
 * lists are the rules' own, to be freed by acl_free once no worker goes by them. */
int admission_rules(struct admission *admission, const struct config *config,
                    struct service_rules *rules);

/* The secrets as they are now. */
struct cookie_secrets admission_secrets(const struct admission *admission);

/* Replaces the secrets every COOKIE_MINUTE_MS from now on and sends the workers letters about it,
 * which come home to that mailbox. Where no entropy is to be had, that is logged, and cookies die
 * out until there is. 0 or -errno. */
int admission_start(struct admission *admission, struct loop *loop, struct worker *const *workers,
                    size_t worker_count, struct mailbox *home);

/* Says that challenges to addresses on our links could not be sent, or that the links have changed:
 * the workers get a new list of these addresses within some 100 ms (without a wish, within a
 * minute). From any thread, after admission_start; state is the admission. */
void admission_wish_on_link(void *state);

/* Sends no more letters: before the workers' last ones. */
void admission_stop(struct admission *admission);

#endif
