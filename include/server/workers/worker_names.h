#ifndef SERVER_WORKERS_WORKER_NAMES_H
#define SERVER_WORKERS_WORKER_NAMES_H

#include "server/names/name_orders.h"

#include <stddef.h>

/* What the main thread has a worker do about the names of its clients. Called in the worker's
 * thread, from the run of a call (server/workers/worker_messages). */
struct worker;

/* Carries out orders, and writes their results. A client that has joined again since is another
 * client, which stays. */
void worker_names_run(struct worker *worker, struct name_order *orders, size_t count);

#endif
