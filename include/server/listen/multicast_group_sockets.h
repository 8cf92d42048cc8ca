#ifndef SERVER_LISTEN_MULTICAST_GROUP_SOCKETS_H
#define SERVER_LISTEN_MULTICAST_GROUP_SOCKETS_H

#include "server/listen/inherited_sockets.h"
#include "server/listen/listeners.h"

#include <stdint.h>

enum { NO_LISTENER = 0xff };

/* The sockets of one multicast group that the server listens to. The first worker uses them.
 *
 * Nothing can be sent from a group's address. So replies leave by the unicast listener of the same
 * family and port, if there is one: a client and its firewall expect them from the port that the
 * client sent to. Otherwise they leave by a reply socket on a port that the kernel chose, which
 * also receives requests. A reply socket on the group's port would not do: other members of the
 * group on this host may use that port, too, and the kernel would give unicast datagrams to one of
 * them. */
struct multicast_group_sockets {
    uint8_t listener; /* number of the group in the table of listeners */
    uint8_t
        reply_listener; /* number of the unicast listener that replies leave by, or NO_LISTENER */
    int socket;
    int reply_socket;                     /* -1 if there is a reply_listener */
    struct send_socket_set senders;       /* for datagrams received by the group */
    struct send_socket_set reply_senders; /* for datagrams received by reply_socket */
};

/* Opens the sockets of the group that is next in the table, and joins it; or takes those of the
 * process before. With server.missing-address = wait it may be joined later, once its interface
 * exists. Adds the address of a reply socket to own_addrs. Returns 0 or -errno. After -errno with
 * group->socket < 0 nothing is open; in all other cases call multicast_group_sockets_close. */
int multicast_group_sockets_open(struct multicast_group_sockets *group, struct listeners *listeners,
                                 struct own_addrs *own_addrs, const struct config *config,
                                 struct inherited_sockets *inherited);

/* Writes the group to the record that is being written, if it has a socket. Returns whether it has
 * one, also if writer is NULL. */
bool multicast_group_sockets_hand_over(const struct multicast_group_sockets *group,
                                       const struct listeners *listeners,
                                       struct handover_writer *writer);

/* Gives the socket of a unicast listener, by which the group sends, the send buffer that it needs.
 * In an upgrade it is that of the process before, too, until that has left. */
void multicast_group_sockets_enlarge(const struct multicast_group_sockets *group);

void multicast_group_sockets_close(struct multicast_group_sockets *group);

/* Returns what to do about an error of opening a group, or of a socket that sends to one. */
const char *multicast_group_sockets_advice(int error);

#endif
