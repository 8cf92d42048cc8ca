#include "server/listen/startup_sockets.h"

#include "server/listen/unicast_sockets.h"

int startup_sockets_open(struct startup_sockets *sockets, const struct config *config,
                         size_t worker_count, const struct identity *owner,
                         struct passed_sockets *passed)
{
    int error = unicast_sockets_open(&sockets->listeners, config, worker_count, passed);
    return error != 0 ? error
                      : first_worker_sockets_open(&sockets->first_worker, &sockets->listeners,
                                                  config, owner, passed);
}

int startup_sockets_receive(const struct startup_sockets *sockets)
{
    return unicast_sockets_receive(&sockets->listeners);
}

void startup_sockets_remove_files(struct startup_sockets *sockets)
{
    stream_sockets_remove_files(&sockets->first_worker.streams);
}

void startup_sockets_close(struct startup_sockets *sockets)
{
    first_worker_sockets_close(&sockets->first_worker);
    unicast_sockets_close(&sockets->listeners);
}
