#include "load/send/client_batch.h"

#include <errno.h>

int client_batch_open(struct client_batch *batch, const struct simulated_clients *clients,
                      const void *bytes, size_t size)
{
    *batch = (struct client_batch){.clients = clients, .batch = batch_new(0)};
    if (batch->batch == NULL)
        return -ENOMEM;
    simulated_clients_prepare(clients, batch->batch, bytes, size);
    return 0;
}

void client_batch_close(struct client_batch *batch)
{
    batch_free(batch->batch);
    batch->batch = NULL;
}

bool client_batch_add(struct client_batch *batch, uint32_t client)
{
    uint32_t ip = 0, socket = simulated_clients_socket(batch->clients, client, &ip);
    uint32_t capacity = batch->clients->by_address ? BATCH_MAX : 1;
    if (batch->count == capacity || (batch->count > 0 && batch->socket != socket))
        return false;
    batch->socket = socket;
    batch->picked[batch->count++] = client;
    batch_repeat_from(batch->batch, ip);
    return true;
}

uint32_t client_batch_send(struct client_batch *batch)
{
    uint32_t done = batch->count;
    if (done == 0)
        return 0;
    if (batch_send(batch->batch, batch->clients->sockets[batch->socket]) != 0)
        done = (uint32_t)batch_done(batch->batch);
    for (uint32_t i = 0; i < done; i++)
        batch->refused[i] = batch_is_refused(batch->batch, (int)i);
    batch_clear(batch->batch);
    batch->count = 0;
    return done;
}
