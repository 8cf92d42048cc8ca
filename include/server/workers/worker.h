#ifndef SERVER_WORKERS_WORKER_H
#define SERVER_WORKERS_WORKER_H

#include "server/broadcast/relay.h"
#include "server/broadcast/shard_broadcast.h"
#include "server/workers/worker_clients.h"
#include "server/workers/worker_events.h"
#include "server/workers/worker_messages.h"
#include "server/workers/worker_options.h"
#include "server/workers/worker_send.h"

#include <stdbool.h>

/* One worker: a thread that serves its shard of the clients, with sockets, a registry, counters and
 * an event loop of its own. Other threads reach it only by messages
 * (server/workers/worker_messages).
 */
struct worker;

/* Reserves all memory that the worker will need, and commits what is used from the start. Returns
 * 0, or -errno with *failed set to the name of the part that failed, a static string. */
int worker_new(struct worker **worker, const struct worker_options *options, const char **failed);

/* worker_relay returns the worker's relay. worker_set_relays sets the list of the relays of all
 * workers, by number, to which it sends; the caller keeps the list. Call both before any thread
 * starts. */
struct relay *worker_relay(struct worker *worker);
void worker_set_relays(struct worker *worker, struct relay *const *relays);

/* Makes the thread, "worker-NUMBER", which waits for worker_start. With several workers it is
 * pinned to a processor, round-robin by number over those that the process may use. A single worker
 * is not pinned. Returns 0 or -errno. */
int worker_open_thread(struct worker *worker);

/* Starts the worker, with sockets whose buffers have their sizes. With several workers, the
 * datagrams that its sockets dropped while their groups were incomplete are not counted. */
void worker_start(struct worker *worker);

/* Stops a worker that runs, between two events, without any other effect: its thread waits, the
 * caller may use the worker in its place, and start it again, which goes on where it was.
 * worker_hold asks for it, and worker_await_hold waits for it. */
void worker_hold(struct worker *worker);
void worker_await_hold(struct worker *worker);
void worker_resume(struct worker *worker);

/* Handles the messages to a worker that is held. Returns whether there were any. */
bool worker_settle(struct worker *worker);

/* Ends its broadcasts, sends the replies that still wait as far as the sockets have space, stops
 * using the sockets, and stops the loop. Call it in the worker's thread, from the run of its last
 * call; that call may then read the counters. */
void worker_finish(struct worker *worker);

/* Waits for the end of its thread (after worker_finish, if it was started), and frees its mailbox.
 * Messages in its memory may still be in the mailboxes of other workers: free a worker after all
 * are joined. */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker);

/* Returns the worker's queues of shard jobs; NULL after worker_finish. Call it in the worker's
 * thread. */
struct broadcast *worker_broadcast(struct worker *worker);

/* Returns the worker's table of confirmations. Call it before its thread starts, or while it is
 * held. */
struct confirmations *worker_confirmations_table(const struct worker *worker);

#endif
