#ifndef SERVER_METRICS_HTTP_LISTENER_H
#define SERVER_METRICS_HTTP_LISTENER_H

#include "address/addr.h"
#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/process/privilege.h"
#include "server/listen/inherited_sockets.h"

#include <stdbool.h>

/* The listening socket of metrics.listen, and the connections that it accepts. */
struct http_listener;

struct http_listener_options {
    struct loop *loop;
    const struct config *config;         /* with metrics.listen */
    const struct identity *owner;        /* of the file of a Unix socket */
    struct inherited_sockets *inherited; /* see metrics_server_options */
    /* A connection was accepted; peer is of family ADDR_NONE if it is a Unix socket. */
    void (*accepted)(void *state, int fd, const struct addr *peer);
    /* Closes a connection, since no descriptor is free. Returns false if it can close none. */
    bool (*make_room)(void *state);
    void *state;
};

/* Listens, and accepts connections once the loop runs; with a socket of the process before only
 * after http_listener_move, since that process may still serve there. Under missing-address = wait
 * it also listens at an address that no interface has yet. Any local user may connect to a Unix
 * socket that it can reach, as to a port on loopback. Returns 0 or -errno. */
int http_listener_open(struct http_listener **listener,
                       const struct http_listener_options *options);

/* The address that is bound, as in metrics.listen, with the port that the kernel chose for port 0.
 * Valid until the listener is closed. */
const char *http_listener_text(const struct http_listener *listener);

/* Continues in another loop. Returns 0 or -errno; then the listener must be closed. */
int http_listener_move(struct http_listener *listener, struct loop *loop);

/* Writes the socket to the record that is being written. */
void http_listener_hand_over(const struct http_listener *listener, struct handover_writer *writer);

/* Closes the socket, and removes the file of a Unix socket. NULL is ignored. */
void http_listener_close(struct http_listener *listener);

#endif
