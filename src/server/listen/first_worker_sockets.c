#include "server/listen/first_worker_sockets.h"

#include "net/socket/socket_option.h"
#include "os/log/log.h"
#include "server/listen/unicast_sockets.h"

/* Adds the addresses of the unicast listeners, except wildcards, from which no datagram comes. */
static void add_unicast_addrs(struct own_addrs *own_addrs, const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->unicast_count; i++)
        if (!addr_is_wildcard(&listeners->list[i].bound))
            own_addrs_add(own_addrs, &listeners->list[i].bound);
}

static int open_group(struct first_worker_sockets *sockets, struct listeners *listeners,
                      const struct config *config, struct inherited_sockets *inherited)
{
    struct multicast_group_sockets *group = &sockets->groups[sockets->group_count];
    int error =
        multicast_group_sockets_open(group, listeners, &sockets->own_addrs, config, inherited);
    sockets->group_count += group->socket >= 0;
    return error;
}

static int open_listener(struct first_worker_sockets *sockets, struct listeners *listeners,
                         const struct config_listen *listen, const struct config *config,
                         const struct existing_sockets *existing)
{
    struct listener *listener = &listeners->list[listeners->count];
    bool is_group = listen->transport == TRANSPORT_UDP;
    *listener = (struct listener){.transport = listen->transport, .config = listen};
    config_listen_text(listen, listener->text);
    int error = is_group
                    ? open_group(sockets, listeners, config, existing->inherited)
                    : stream_sockets_open(&sockets->streams, listeners, listener, config, existing);
    if (error == 0) {
        listeners->count++;
        return 0;
    }
    log_event(LOG_LEVEL_ERROR, is_group ? "cannot listen to a group" : "cannot listen for streams",
              "address", listener->text, "reason", socket_option_error(-error), "advice",
              is_group ? multicast_group_sockets_advice(error) : stream_sockets_advice(error),
              NULL);
    return error;
}

int first_worker_sockets_open(struct first_worker_sockets *sockets, struct listeners *listeners,
                              const struct config *config, const struct identity *owner,
                              const struct existing_sockets *existing)
{
    *sockets = (struct first_worker_sockets){.streams.owner = *owner};
    add_unicast_addrs(&sockets->own_addrs, listeners);
    int error = broadcast_multicast_socket_open(&sockets->multicast, &sockets->own_addrs, config);
    for (size_t i = 0; i < config->server.listen_count && error == 0; i++)
        if (!unicast_sockets_are_for(&config->server.listen[i]))
            error = open_listener(sockets, listeners, &config->server.listen[i], config, existing);
    return error;
}

struct multicast_listeners first_worker_sockets_groups(const struct first_worker_sockets *sockets)
{
    struct multicast_listeners groups = {.own_addrs = &sockets->own_addrs};
    for (size_t i = 0; i < sockets->group_count; i++)
        groups.bits |= UINT64_C(1) << sockets->groups[i].listener;
    return groups;
}

void first_worker_sockets_enlarge(const struct first_worker_sockets *sockets)
{
    for (size_t i = 0; i < sockets->group_count; i++)
        multicast_group_sockets_enlarge(&sockets->groups[i]);
}

void first_worker_sockets_close(struct first_worker_sockets *sockets)
{
    stream_sockets_close(&sockets->streams);
    for (size_t i = 0; i < sockets->group_count; i++)
        multicast_group_sockets_close(&sockets->groups[i]);
    sockets->group_count = 0;
    broadcast_multicast_socket_close(&sockets->multicast);
}
