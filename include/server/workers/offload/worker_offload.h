#ifndef SERVER_WORKERS_OFFLOAD_WORKER_OFFLOAD_H
#define SERVER_WORKERS_OFFLOAD_WORKER_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* The offload in one worker: it has the program in the kernel answer for the clients of its
 * registry whose datagrams the sockets would only renew and answer by the rotation, and counts what
 * the program did. A client is offered to the program with its second datagram, so that forged
 * sources which send one each cost nothing.
 *
 * The program answers nothing while something else has to see the datagrams: a subscriber to
 * messages, or the relay; or while the messages do not fit into its tables. Under admission.rate it
 * takes tokens from the buckets of the workers, and passes on what has none.
 *
 * Called in the worker's thread. All of it does nothing without an offload. */
struct worker;
struct frame_copies;

/* Called by worker_new and worker_free. worker_offload_open returns 0 or -errno. */
int worker_offload_open(struct worker *worker);
void worker_offload_free(struct worker *worker);

/* Begins, when no other process uses the tables any more; before the thread runs. If the counters
 * of the program cannot be read then, the sockets answer all datagrams until a resume can. Until it
 * is called, nothing of this module changes what the program does. */
void worker_offload_start(struct worker *worker);

/* Has the program pass on all datagrams, before anything changes that its answers depend on; and
 * has it go on by what is in effect now. Between the two nothing is received. Clients that it
 * answered for before are answered by the sockets once, and then by the program again. */
void worker_offload_pause(struct worker *worker);
void worker_offload_resume(struct worker *worker);

/* The callback for messages of clients was set or removed. */
void worker_offload_update(struct worker *worker);

/* Adds what the program did since the last call to the worker's counters. */
void worker_offload_count(struct worker *worker);

/* How the copies of a broadcast leave as frames; NULL: they leave by the sockets only. */
struct frame_copies *worker_offload_frames(const struct worker *worker);

/* How many clients the program may answer for. */
uint32_t worker_offload_clients(const struct worker *worker);

/* Takes a number of clients back, and returns whether there are more. The program answers nothing
 * from then on, until worker_offload_return (server/offload/offload_withdrawal). */
bool worker_offload_withdraw(struct worker *worker, uint32_t budget);
void worker_offload_return(struct worker *worker);

#endif
