#ifndef SERVER_UPGRADE_BROADCAST_HANDOVER_H
#define SERVER_UPGRADE_BROADCAST_HANDOVER_H

#include "server/broadcast/broadcast_jobs.h"
#include "server/workers/worker_pool.h"

#include <stdbool.h>

/* The handover of everything that sends copies: the operator's broadcasts and confirmed messages,
 * the confirmations of the clients, and relayed messages that are under way. Used by the main
 * thread while no thread of a worker runs: it holds them, or has not started them. */

/* Returns why a process with another registry (its clients have other slots, or other workers)
 * cannot take over now, a static string: a job depends on the registry, or a worker has copies of a
 * relayed message to send. NULL: it can. held is NULL while the workers run; then only jobs are
 * looked at. */
const char *broadcasts_refusal(const struct jobs *jobs, const struct workers *held);

/* Adds it to a record of a handover. No message is in a mailbox. is_same_registry: the other
 * process uses the registry in the same memory, with the same workers. If it does not, and there is
 * no broadcasts_refusal, only jobs are handed over. */
void broadcasts_hand_over(const struct jobs *jobs, const struct workers *workers,
                          bool is_same_registry, struct handover_writer *writer);

/* Continues with it: when the workers' threads start, they send what is still to be sent. The
 * registry and the stream clients are taken over before. Returns 0, -ENOMEM, -EBUSY if
 * jobs_depend_on_registry and the registry is another one, -ENOBUFS if the ring of a relay has no
 * space, or -EPROTO if the record does not fit. */
int broadcasts_take_over(struct jobs *jobs, const struct workers *workers,
                         struct handover_reader *reader);

#endif
