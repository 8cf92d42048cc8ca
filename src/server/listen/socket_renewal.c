#include "server/listen/socket_renewal.h"

#include "net/socket/socket_descriptor.h"

static void clear(struct renewed_listener *listener)
{
    listener->socket = -1;
    send_socket_set_init(&listener->senders);
}

static void close_listener(struct renewed_listener *listener)
{
    send_socket_set_close(&listener->senders);
    if (listener->socket >= 0)
        socket_close(listener->socket);
    clear(listener);
}

void socket_renewal_init(struct socket_renewal *renewal)
{
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        clear(&renewal->listeners[i]);
    renewal->multicast = -1;
}

void socket_renewal_add(struct socket_renewal *renewal, size_t listener, int socket,
                        const struct send_socket_set *senders)
{
    close_listener(&renewal->listeners[listener]);
    renewal->listeners[listener].socket = socket;
    if (senders != NULL)
        renewal->listeners[listener].senders = *senders;
}

void socket_renewal_close(struct socket_renewal *renewal)
{
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        close_listener(&renewal->listeners[i]);
    if (renewal->multicast >= 0)
        socket_close(renewal->multicast);
    renewal->multicast = -1;
}
