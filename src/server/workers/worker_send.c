#include "server/workers/worker_send.h"

#include "address/client_name.h"
#include "os/process/clock.h"
#include "server/workers/worker_state.h"

#include <errno.h>

int worker_send_open(struct worker *worker)
{
    worker->direct = batch_new(0);
    return worker->direct != NULL ? 0 : -ENOMEM;
}

void worker_send_close(struct worker *worker)
{
    batch_free(worker->direct);
    worker->direct = NULL;
}

int worker_send_datagram(struct worker *worker, const struct client *client, const uint8_t *bytes,
                         size_t size)
{
    struct datagram_io *io = worker->io_by_listener[client->listener];
    size_t slot = datagram_io_copy_slot(io, &client->local);
    batch_add(worker->direct, &client->source, &client->local, bytes, size);
    int error = send_socket_try(datagram_io_replies(io, slot), worker->direct);
    if (error == 0)
        error = -batch_counts(worker->direct).last_errno;
    batch_clear(worker->direct);
    return error;
}

static int send_to_source(struct worker *worker, uint8_t listener, const struct addr *source,
                          const struct client_filter *only, const uint8_t *bytes, size_t size)
{
    struct client client;
    if (!registry_find(worker->decider.registry, listener, source, clock_now_ms(), &client) ||
        !client_filter_admits(only, &client))
        return -ENOENT;
    return worker_send_datagram(worker, &client, bytes, size);
}

static int send_line(struct worker *worker, const struct client_name *name, const uint8_t *bytes,
                     size_t size)
{
    struct stream_clients *streams = first_worker_streams(worker->first_worker);
    return streams != NULL ? stream_clients_send(streams, name, bytes, size) : -ENOENT;
}

int worker_send(struct worker *worker, uint8_t listener, const struct client_name *name,
                const struct client_filter *only, const uint8_t *bytes, size_t size)
{
    int error = name->transport == TRANSPORT_UDP
                    ? send_to_source(worker, listener, &name->addr, only, bytes, size)
                    : send_line(worker, name, bytes, size);
    if (error == 0)
        worker->stats.direct_sent++;
    else if (error != -ENOENT)
        worker->stats.direct_failed++;
    return error;
}
