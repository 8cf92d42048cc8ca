#ifndef SERVER_LISTEN_LISTENERS_H
#define SERVER_LISTEN_LISTENERS_H

#include "config/config.h"
#include "server/datagram/datagram_decision.h"
#include "server/listen/send_socket_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The addresses that the service listens on, and for each of them a socket for each worker. Groups
 * and streams stand behind the others, where server/listen/first_worker_sockets has put them, and
 * their sockets are there. */
struct listener {
    enum transport transport;
    struct addr bound; /* the address really bound, port 0 resolved */
    char text[CONFIG_LISTEN_TEXT_BYTES];
    int *sockets;                    /* that receive, by worker; NULL if they aren't here */
    struct send_socket_set *senders; /* likewise */

    /* What it depends on, and may come later, or go and come back: server/listen/listener_recovery
     * sees to that. */
    const struct config_listen *config;
    char zone[ADDR_ZONE_BYTES]; /* the interface that it is tied to, "" if there is none */
    uint32_t interface; /* its index, 0 while it isn't there; of a group: where it is joined,
                           as far as that is known */
    bool missing;       /* the interface, or else the address, is not there */
    int told;           /* the error of the last try, which is told once */
};

struct listeners {
    struct listener list[CONFIG_LISTEN_MAX];
    size_t count;
    size_t own_count; /* of them, the first so many have sockets here */
    size_t worker_count;
    struct own_ports ports; /* of all of them */
};

/* Opens what [server] listen says of unicast datagrams for so many workers (at least 1), all or
 * nothing, and logs why where it can't. The built-in pair does without the one whose family the
 * host lacks, and logs that. One worker's sockets hear from now on; those of several are deaf until
 * listeners_receive. 0 or -errno. */
int listeners_open(struct listeners *listeners, const struct config *config, size_t worker_count);

/* Has all of them receive. 0 or -errno. */
int listeners_receive(const struct listeners *listeners);

/* Opens the sockets of one unicast listener once more, on the interface of that name as it is now
 * and on the port that it had, even if no interface has the address as yet; they hear from now on.
 * 0 or -errno. */
int listeners_open_again(const struct listener *listener, const struct config *config,
                         size_t worker_count, struct listener *fresh);

/* Finds the interface that the configuration ties a listener to, if it does. 0 or -ENODEV. */
int listeners_find_interface(struct listener *listener);

/* Says that a listener waits for its interface or address. */
void listeners_warn_of_waiting(const struct listener *listener, int error);

/* Whether the listener is one that listeners_open opens. */
bool listeners_has(const struct config_listen *listen);

/* Lets sockets of ours with that port, if they ask for it, too, be bound beside those that there
 * are, or no longer. */
void listeners_share(const struct listeners *listeners, uint16_t port, bool may);

void listeners_close(struct listeners *listeners);

#endif
