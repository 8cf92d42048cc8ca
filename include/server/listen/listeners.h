#ifndef SERVER_LISTEN_LISTENERS_H
#define SERVER_LISTEN_LISTENERS_H

#include "address/source_shard.h"
#include "config/config.h"
#include "server/datagram/own_addresses.h"
#include "server/send/send_socket_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The table of all listeners: the unicast ones (server/listen/unicast_sockets), then the multicast
 * groups and streams (server/listen/first_worker_sockets), both in the order of server.listen. */
struct listener {
    enum transport transport;
    struct addr
        bound; /* the address that is bound, with the port that the kernel chose for port 0 */
    char text[CONFIG_LISTEN_TEXT_BYTES];
    int *sockets; /* of a unicast listener: the sockets that receive, by worker; else NULL */
    struct send_socket_set *senders; /* likewise: the sockets that send */
    bool passed;                     /* its socket, or sockets, are those of the service manager */
    size_t inherited; /* how many of the sockets of its workers, or whether its one, are those of
                         the process before (server/listen/inherited_sockets) */

    /* The interface or address that it depends on, which may appear later, or vanish and come back:
     * server/listen/restore_after_interface_change. */
    const struct config_listen *config;
    char zone[ADDR_ZONE_BYTES]; /* the interface that it is tied to, "" if there is none */
    uint32_t interface; /* its index, 0 while it does not exist; of a group: the index of the
                           interface that it is joined on, 0 if that is not known */
    bool missing;       /* the interface, or else the address, is missing */
    int logged_error;   /* of the last attempt to restore it: each error is logged once */
};

/* Who chooses the worker of a datagram among several, by all unicast listeners in the same way. */
enum worker_choice {
    WORKER_CHOICE_UNDECIDED, /* all unicast listeners wait for their interface */
    WORKER_CHOICE_BY_SOURCE, /* the server's key: reuseport_group_choose_by_source */
    WORKER_CHOICE_BY_KERNEL, /* the kernel, which has refused the choice by source */
};

struct listeners {
    struct listener list[CONFIG_LISTEN_MAX];
    size_t count;
    size_t unicast_count; /* of the unicast ones */
    size_t worker_count;
    enum worker_choice choice;
    int choice_error; /* under WORKER_CHOICE_BY_KERNEL: the -errno of its refusal */
    struct source_shard_key shard_key; /* random at each start, kept by upgrades; unused with one
                                          worker */
    struct own_ports ports;            /* of all listeners */
};

/* Returns the number of the worker that receives the datagrams of a source (ADDR_IPV4 or ADDR_IPV6)
 * by the unicast listeners, from 0; or -1 if only the kernel knows it. As long as the choice is
 * undecided, it is the one by source. */
int listeners_worker_of(const struct listeners *listeners, const struct addr *source);

/* Finds the interface that the configuration ties a listener to, if any. Returns 0 or -ENODEV. */
int listeners_find_interface(struct listener *listener);

/* Writes the address of a listener as the configuration has it, with the port that is bound. Unlike
 * listener->text it is the same after a restart: an interface that is configured by its name may
 * have another index then, or be missing. Returns text. */
const char *listeners_format_name(const struct listener *listener,
                                  char text[CONFIG_LISTEN_TEXT_BYTES]);

/* Checks whether the host has the address that a passed socket is bound to. If it has not, sets
 * listener->missing where listeners may wait for it, else returns -EADDRNOTAVAIL. Returns 0. */
int listeners_find_address(struct listener *listener, bool waits);

/* Logs that a listener waits for its interface or address. */
void listeners_warn_of_waiting(const struct listener *listener, int error);

/* Logs that a listener (or broadcast.multicast) cannot be restored, unless *logged_error is the
 * same error; then sets *logged_error. */
void listeners_log_failed(const char *address, int error, const char *advice, int *logged_error);

/* Sets whether further sockets of this server may be bound to the port beside the unicast sockets,
 * if they ask for it, too (udp_socket_allow_sharing). */
void listeners_share_port(const struct listeners *listeners, uint16_t port, bool may);

/* Allocates the arrays of a unicast listener's sockets. Returns 0 or -ENOMEM. */
int listeners_make_tables(struct listener *listener, size_t worker_count);

/* Closes the first sockets and sets of a unicast listener, and frees the arrays. */
void listeners_close_sockets(struct listener *listener, size_t socket_count, size_t sender_count);

#endif
