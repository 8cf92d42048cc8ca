#ifndef LOAD_SEND_CLIENT_BATCH_H
#define LOAD_SEND_CLIENT_BATCH_H

#include "load/send/simulated_clients.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A batch of the same datagram from several simulated clients that share a socket. Used by one
 * thread. */
struct client_batch {
    const struct simulated_clients *clients;
    struct batch *batch;
    uint32_t picked[BATCH_MAX]; /* the clients whose datagrams are queued */
    uint32_t count;             /* of them */
    uint32_t socket;            /* theirs, if there are any */
    bool refused[BATCH_MAX];    /* of those last sent, by position in picked: by the kernel */
};

/* The bytes and the clients stay the caller's; the bytes may change while none is queued, their
 * size may not. Returns 0 or -ENOMEM. Close it in either case. */
int client_batch_open(struct client_batch *batch, const struct simulated_clients *clients,
                      const void *bytes, size_t size);
void client_batch_close(struct client_batch *batch);

/* Queues the datagram of a client. Returns false, and does nothing, if the batch is full or holds
 * datagrams of another socket: then send it first. */
bool client_batch_add(struct client_batch *batch, uint32_t client);

/* Sends what is queued, and empties the batch. Returns how many of the picked clients are done, in
 * their order: sent, or refused by the kernel as `refused` says. For the others the send buffer was
 * full; they stay in picked until the next client_batch_add. */
uint32_t client_batch_send(struct client_batch *batch);

#endif
