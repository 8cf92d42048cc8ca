#include "server/listen/listeners.h"

#include "net/interface/interface.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "os/log/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int listeners_worker_of(const struct listeners *listeners, const struct addr *source)
{
    if (listeners->worker_count == 1)
        return 0;
    if (listeners->choice == WORKER_CHOICE_BY_KERNEL)
        return -1;
    return (int)source_shard(&listeners->shard_key, source, (uint32_t)listeners->worker_count);
}

int listeners_find_interface(struct listener *listener)
{
    const struct config_listen *listen = listener->config;
    listener->interface = listen->addr.scope;
    memcpy(listener->zone, listen->zone, sizeof listener->zone);
    if (listener->zone[0] != '\0')
        listener->interface = interface_index(listener->zone);
    else if (listener->interface != 0)
        interface_name(listener->interface, listener->zone);
    return listener->zone[0] == '\0' || listener->interface != 0 ? 0 : -ENODEV;
}

const char *listeners_format_name(const struct listener *listener,
                                  char text[CONFIG_LISTEN_TEXT_BYTES])
{
    struct config_listen configured = *listener->config;
    configured.addr.port = listener->bound.port;
    return config_listen_text(&configured, text);
}

int listeners_find_address(struct listener *listener, bool waits)
{
    bool is_present = interface_address(&listener->bound) == INTERFACE_ADDRESS_PRESENT;
    listener->missing = !is_present && waits;
    return is_present || waits ? 0 : -EADDRNOTAVAIL;
}

void listeners_warn_of_waiting(const struct listener *listener, int error)
{
    log_event(LOG_LEVEL_WARNING, "waiting for an address to listen on", "address", listener->text,
              "reason", strerror(-error), "advice",
              "it is served once it exists; `ip address` lists what exists", NULL);
}

void listeners_log_failed(const char *address, int error, const char *advice, int *logged_error)
{
    if (*logged_error != error)
        log_event(LOG_LEVEL_ERROR, "cannot listen again on an address that has returned", "address",
                  address, "reason", strerror(-error), "advice", advice, NULL);
    *logged_error = error;
}

void listeners_share_port(const struct listeners *listeners, uint16_t port, bool may)
{
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        const struct listener *listener = &listeners->list[i];
        if (listener->bound.port != port)
            continue;
        for (size_t k = 0; k < listeners->worker_count; k++) {
            udp_socket_allow_sharing(listener->sockets[k], may);
            send_socket_set_share(&listener->senders[k], may);
        }
    }
}

int listeners_make_tables(struct listener *listener, size_t worker_count)
{
    listener->sockets = calloc(worker_count, sizeof listener->sockets[0]);
    listener->senders = calloc(worker_count, sizeof listener->senders[0]);
    if (listener->sockets != NULL && listener->senders != NULL)
        return 0;
    listeners_close_sockets(listener, 0, 0);
    return -ENOMEM;
}

void listeners_close_sockets(struct listener *listener, size_t socket_count, size_t sender_count)
{
    while (sender_count > 0)
        send_socket_set_close(&listener->senders[--sender_count]);
    while (socket_count > 0)
        socket_close(listener->sockets[--socket_count]);
    free(listener->senders);
    free(listener->sockets);
}
