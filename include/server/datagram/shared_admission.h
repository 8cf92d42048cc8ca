#ifndef SERVER_DATAGRAM_SHARED_ADMISSION_H
#define SERVER_DATAGRAM_SHARED_ADMISSION_H

#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/loop/thread.h"
#include "server/datagram/datagram_decision.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* What all workers share to admit by: the lists, the tables of limits, and the secrets of cookies,
 * which are replaced each minute. */
struct shared_admission;

/* Draws the first secrets; tables come with the rules that want them, for at most so many clients.
 * 0 or -errno (-EAGAIN: no entropy yet). */
int shared_admission_new(struct shared_admission **admission, uint32_t clients_max);

/* Behind the end of the workers. */
void shared_admission_free(struct shared_admission *admission);

/* The rules of a configuration. What tables they need is made now, and stays: limits that are
 * switched off and on again go on where they were. 0 or -ENOMEM, and then nothing has changed. The
 * lists are the rules' own, to be freed by access_list_free once no worker goes by them. */
int shared_admission_rules(struct shared_admission *admission, const struct config *config,
                           struct admission_rules *rules);

/* The secrets as they are now. */
struct cookie_secrets shared_admission_secrets(const struct shared_admission *admission);

/* Replaces the secrets every COOKIE_MINUTE_MS from now on and sends the workers letters about it,
 * which come home to that mailbox. Where no entropy is to be had, that is logged, and cookies die
 * out until there is. 0 or -errno. */
int shared_admission_start(struct shared_admission *admission, struct loop *loop,
                           struct worker *const *workers, size_t worker_count,
                           struct mailbox *reply_mailbox);

/* Says that challenges to addresses on our links could not be sent, or that the links have changed:
 * the workers get a new list of these addresses within some 100 ms (without a wish, within a
 * minute). From any thread, after shared_admission_start; state is the admission. */
void shared_admission_request_on_link(void *state);

/* Sends no more letters: before the workers' last ones. */
void shared_admission_stop(struct shared_admission *admission);

#endif
