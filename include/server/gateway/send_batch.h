#ifndef SERVER_GATEWAY_SEND_BATCH_H
#define SERVER_GATEWAY_SEND_BATCH_H

#include "address/client_name.h"
#include "server/control/commands/worker_query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages to single clients, in batches: finds each client, and has the worker that knows it send
 * the message. Used by the main thread.
 *
 * All workers are asked for all clients of the batch, one worker after the other, since any of them
 * may know a client; then those that know some send, again one after the other. So a batch costs at
 * most two messages between threads for each worker, whether it is one message or 256. A client
 * that is registered on several listeners gets its message once, by the listener that it last sent
 * to. */

/* Where a client is registered. */
struct send_registration {
    bool exists;
    uint8_t listener;
    size_t worker;      /* its index */
    uint64_t active_ms; /* when its last datagram was received */
};

/* The caller sets the first four members, and keeps bytes until the batch is done. */
struct send_message {
    struct client_name name;
    struct client_filter only; /* which of the clients of that name */
    const uint8_t *bytes;
    size_t size;
    struct send_registration client;
    int error; /* the result of worker_send, or -ESHUTDOWN if the server is stopping */
};

struct send_batch {
    struct worker_call call; /* first */
    struct worker_query_context *context;
    struct send_message *messages; /* the caller's */
    size_t count;
    bool finds_only; /* the clients are found, and nothing is sent: an error is -ENOENT, -ESHUTDOWN
                        or
                        0 */
    size_t worker;   /* the index of the one that has the call */
    void (*done)(struct send_batch *batch); /* called when each message has its result */
};

/* Sends the messages of a batch, at least one, whose context, messages, count and done are set; all
 * of it is the caller's until done is called, which may be before this function returns. The
 * messages to one client leave in their order. Batches that are to keep an order must not overlap.
 */
void send_batch_start(struct send_batch *batch);

/* Returns the reason for a message that the kernel or the client's stream did not take, from its
 * error. */
const char *send_batch_reason(int error);

#endif
