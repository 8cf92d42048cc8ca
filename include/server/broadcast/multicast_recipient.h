#ifndef SERVER_BROADCAST_MULTICAST_RECIPIENT_H
#define SERVER_BROADCAST_MULTICAST_RECIPIENT_H

#include "server/broadcast/recipients.h"

/* The multicast group (broadcast.multicast) that gets each of the operator's broadcasts once, in
 * addition to the clients' copies. It belongs to one worker. Relayed messages are not sent to the
 * group: a member that only listens has not joined the conversation, and a group on which the
 * server itself listens would get every message twice. Neither are broadcasts with a selector,
 * which are for some clients only: members of the group are no clients, and cannot be told apart.
 * Used by the worker's thread. */
struct multicast_recipient;

/* socket is connected to the group; the caller closes it after multicast_recipient_close. Returns 0
 * or -errno. */
int multicast_recipient_open(struct multicast_recipient **multicast, struct loop *loop, int socket,
                             int *last_errno);
void multicast_recipient_close(struct multicast_recipient *multicast);

/* Replaces the socket by another one, which takes over the number of the descriptor. Sets *socket
 * to -1 on success. */
void multicast_recipient_replace_socket(struct multicast_recipient *multicast, int *socket);

/* Returns the group as recipients of broadcasts, for broadcast_add_recipients. */
struct recipients multicast_recipient_as_recipients(struct multicast_recipient *multicast);

#endif
