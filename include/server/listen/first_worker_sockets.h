#ifndef SERVER_LISTEN_FIRST_WORKER_SOCKETS_H
#define SERVER_LISTEN_FIRST_WORKER_SOCKETS_H

#include "net/socket/unix_socket.h"
#include "os/process/privilege.h"
#include "server/listen/listeners.h"
#include "server/streams/stream_clients.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one worker alone has, the first: multicast groups that are listened to, streams, and the
 * group that gets the broadcasts. Their sockets, opened before any thread starts. */

enum { NO_LISTENER = 0xff };

/* A multicast group. Answers can't leave from it, so they leave by a voice: the unicast listener of
 * the same family and port, if there is one, so that they come from the very port that was written
 * to, which is what a firewall and a careful client can expect. Else by a socket of its own on a
 * port that the kernel chose, where datagrams are served as well: the group's own port may be in
 * use by other members on this host, and unicast to it would reach one of them. */
struct group_sockets {
    uint8_t listener;       /* its number among all */
    uint8_t reply_listener; /* that of its voice, or NO_LISTENER */
    int socket;
    int reply_socket;                     /* if it is its own, else -1 */
    struct send_socket_set senders;       /* of what comes by the group */
    struct send_socket_set reply_senders; /* of what comes by the voice's own socket */
};

/* How datagrams reach the group of the broadcasts. */
struct multicast_destination {
    char zone[ADDR_ZONE_BYTES]; /* the interface that is named for it, "" if there is none */
    uint32_t interface;         /* its index, or that of the routes; 0: not known */
    struct addr *own;           /* the address that they leave from, in the list of the doors */
    bool missing;               /* there is no way at the moment */
    int told;                   /* the error of the last try, which is told once */
};

struct first_worker_sockets {
    struct group_sockets groups[CONFIG_LISTEN_MAX];
    size_t group_count;
    struct stream_listener streams[CONFIG_LISTEN_MAX];
    const char *stream_paths[CONFIG_LISTEN_MAX];             /* of Unix sockets, else NULL */
    struct unix_socket_file stream_files[CONFIG_LISTEN_MAX]; /* what we made at each path */
    struct identity owner;                                   /* of those files */
    size_t stream_count;
    int multicast; /* the socket of broadcast.multicast; 0, standard input's: none */
    struct multicast_destination multicast_path;
    /* The addresses that we speak from. */
    struct addr own[2 * CONFIG_LISTEN_MAX + 1];
    size_t own_count;
};

/* Opens what the configuration says of all this, all or nothing, adds it to the listeners, and logs
 * why where it can't. Files of Unix sockets belong to owner. The configuration outlives the doors.
 * 0 or -errno. */
int first_worker_sockets_open(struct first_worker_sockets *first_sockets,
                              struct listeners *listeners, const struct config *config,
                              const struct identity *owner);

/* Where the interface that is named for the group of the broadcasts is now, 0 if nowhere; where
 * none is named, the one that was taken as long as it is there. */
uint32_t first_worker_sockets_multicast_interface(const struct multicast_destination *multicast);

/* Opens a socket that sends to that group, and finds the interface. The descriptor or -errno. */
int first_worker_sockets_connect_multicast(const struct config *config,
                                           struct multicast_destination *multicast,
                                           struct addr *from);

/* Whether the file of a Unix socket among the streams is the one that was made there. */
bool first_worker_sockets_stream_is_there(const struct first_worker_sockets *first_sockets,
                                          size_t stream);

/* Makes the file of a Unix socket again, with a new socket, which takes the place of the old one.
 * Waits for nobody. The descriptor or -errno. */
int first_worker_sockets_make_stream(struct first_worker_sockets *first_sockets, size_t stream);

/* The groups among them, for server/datagram/datagram_decision; the addresses are the doors'. */
struct multicast_listeners first_worker_sockets_groups(
    const struct first_worker_sockets *first_sockets);

/* Removes the files of Unix sockets, and closes these: for a process that ends at once. */
void first_worker_sockets_remove_files(struct first_worker_sockets *first_sockets);

/* Behind the workers' end. */
void first_worker_sockets_close(struct first_worker_sockets *first_sockets);

#endif
