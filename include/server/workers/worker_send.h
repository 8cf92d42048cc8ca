#ifndef SERVER_WORKERS_WORKER_SEND_H
#define SERVER_WORKERS_WORKER_SEND_H

#include <stddef.h>
#include <stdint.h>

/* A direct message: one datagram, or one message on a stream, to one registered client of a worker,
 * for the command send of udpctl. It leaves by the socket for replies, from the address that the
 * client last sent to, so a running broadcast does not delay it. */
struct worker;
struct client_filter;
struct client_name;
struct client;

/* Returns 0 or -errno. */
int worker_send_open(struct worker *worker);
void worker_send_close(struct worker *worker);

/* Sends a message to the client of that name that is registered on that listener, if the filter
 * admits it, and counts it. Clients on streams have no filter. Returns 0 when the kernel has
 * accepted it; -ENOENT if no such client is registered, which is not counted; -EAGAIN if the send
 * buffer is full; -EPIPE if a stream has ended, or is disconnected because its buffer is full;
 * otherwise the -errno of the kernel. A message that fails is not sent again. Called in the
 * worker's thread, from the run of a call (server/workers/worker_messages). */
int worker_send(struct worker *worker, uint8_t listener, const struct client_name *name,
                const struct client_filter *only, const uint8_t *bytes, size_t size);

/* Sends a datagram to a client that is registered with this worker, without counting it. Returns 0
 * when the kernel has accepted it, or -errno, as worker_send. */
int worker_send_datagram(struct worker *worker, const struct client *client, const uint8_t *bytes,
                         size_t size);

#endif
