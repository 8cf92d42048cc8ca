/* Sockets on their way to a worker. */
#include "server/renewal.h"

#include "net/socket.h"

static void clear(struct renewed_listener *listener)
{
    listener->socket = -1;
    sender_sockets_init(&listener->senders);
}

static void close_listener(struct renewed_listener *listener)
{
    sender_sockets_close(&listener->senders);
    if (listener->socket >= 0)
        socket_close(listener->socket);
    clear(listener);
}

void renewal_init(struct renewal *renewal)
{
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        clear(&renewal->listeners[i]);
    renewal->multicast = -1;
}

void renewal_add(struct renewal *renewal, size_t listener, int socket,
                 const struct sender_sockets *senders)
{
    close_listener(&renewal->listeners[listener]);
    renewal->listeners[listener].socket = socket;
    if (senders != NULL)
        renewal->listeners[listener].senders = *senders;
}

void renewal_close(struct renewal *renewal)
{
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        close_listener(&renewal->listeners[i]);
    if (renewal->multicast >= 0)
        socket_close(renewal->multicast);
    renewal->multicast = -1;
}
