#ifndef SERVER_DOORS_H
#define SERVER_DOORS_H

#include "net/privilege.h"
#include "server/listeners.h"
#include "server/streams.h"

#include <stddef.h>
#include <stdint.h>

/* What one worker alone has, the first: multicast groups that are listened to, streams, and the
 * group that gets the broadcasts. Their sockets, opened before any thread starts. */

enum { DOORS_NO_LISTENER = 0xff };

/* A multicast group. Answers can't leave from it, so they leave by a voice: the unicast listener of
 * the same family and port, if there is one, so that they come from the very port that was written
 * to, which is what a firewall and a careful client can expect. Else by a socket of its own on a
 * port that the kernel chose, where datagrams are served as well: the group's own port may be in
 * use by other members on this host, and unicast to it would reach one of them. */
struct door_group {
    uint8_t listener; /* its number among all */
    uint8_t voice;    /* that of its voice, or DOORS_NO_LISTENER */
    int socket;
    int voice_socket;                    /* if it is its own, else -1 */
    struct sender_sockets senders;       /* of what comes by the group */
    struct sender_sockets voice_senders; /* of what comes by the voice's own socket */
};

struct doors {
    struct door_group groups[CONFIG_LISTEN_MAX];
    size_t group_count;
    struct stream_door streams[CONFIG_LISTEN_MAX];
    const char *stream_paths[CONFIG_LISTEN_MAX]; /* of Unix sockets, else NULL */
    size_t stream_count;
    int multicast; /* the socket of broadcast.multicast; 0, standard input's: none */
    /* The addresses that we speak from. */
    struct addr own[2 * CONFIG_LISTEN_MAX + 1];
    size_t own_count;
};

/* Opens what the configuration says of all this, all or nothing, adds it to the listeners, and logs
 * why where it can't. Files of Unix sockets belong to owner. The configuration outlives the doors.
 * 0 or -errno. */
int doors_open(struct doors *doors, struct listeners *listeners, const struct config *config,
               const struct identity *owner);

/* The groups among them, for server/service; the addresses are the doors'. */
struct service_groups doors_groups(const struct doors *doors);

/* Behind the workers' end. */
void doors_close(struct doors *doors);

#endif
