#include "server/listen/startup_sockets.h"

#include "net/socket/reuseport_group.h"
#include "server/listen/unicast_sockets.h"
#include "server/listen/unicast_takeover.h"

int startup_sockets_open(struct startup_sockets *sockets, const struct config *config,
                         size_t worker_count, const struct identity *owner,
                         const struct existing_sockets *existing)
{
    int error = unicast_sockets_open(&sockets->listeners, config, worker_count, owner, existing);
    return error != 0 ? error
                      : first_worker_sockets_open(&sockets->first_worker, &sockets->listeners,
                                                  config, owner, existing);
}

/* Writes all listeners that have sockets. Returns how many, also if writer is NULL. */
static size_t put_listeners(const struct startup_sockets *sockets, struct handover_writer *writer)
{
    const struct listeners *listeners = &sockets->listeners;
    const struct first_worker_sockets *first = &sockets->first_worker;
    size_t count = unicast_takeover_hand_over(listeners, writer);
    for (size_t i = 0; i < first->group_count; i++)
        count += multicast_group_sockets_hand_over(&first->groups[i], listeners, writer);
    return count + stream_sockets_hand_over(&first->streams, listeners, writer);
}

void startup_sockets_hand_over(const struct startup_sockets *sockets,
                               struct handover_writer *writer)
{
    const struct listeners *listeners = &sockets->listeners;
    handover_put16(writer, (uint16_t)listeners->worker_count);
    handover_put8(writer, (uint8_t)listeners->choice);
    handover_put32(writer, (uint32_t)listeners->choice_error);
    handover_put32(writer, listeners->shard_key.start);
    handover_put32(writer, listeners->shard_key.multipliers[0]);
    handover_put32(writer, listeners->shard_key.multipliers[1]);
    handover_put8(writer, (uint8_t)put_listeners(sockets, NULL));
    put_listeners(sockets, writer);
}

void startup_sockets_end_sharing(const struct startup_sockets *sockets)
{
    const struct listeners *listeners = &sockets->listeners;
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        listeners_share_port(listeners, listeners->list[i].bound.port, false);
        if (listeners->worker_count == 1)
            reuseport_group_end(listeners->list[i].sockets[0]);
    }
}

int startup_sockets_receive(const struct startup_sockets *sockets, const struct config *config)
{
    first_worker_sockets_enlarge(&sockets->first_worker);
    return unicast_sockets_receive(&sockets->listeners, config);
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
