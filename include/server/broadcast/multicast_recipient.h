#ifndef SERVER_BROADCAST_MULTICAST_RECIPIENT_H
#define SERVER_BROADCAST_MULTICAST_RECIPIENT_H

#include "server/broadcast/shard_broadcast.h"

#include <stdint.h>

/* The group that gets each of the operator's broadcasts once, beside the clients' own copies: an
 * audience of one. It lives on one worker. What clients say to each other doesn't go there: who
 * only listens to a group has not joined their room, and a group that the server itself listens on
 * would hear everything twice. */
struct multicast_recipient;

/* socket is one of multicast_connect, the caller's to close behind multicast_recipient_close. 0 or
 * -errno. */
int multicast_recipient_open(struct multicast_recipient **multicast, struct loop *loop, int socket,
                             int *last_errno);
void multicast_recipient_close(struct multicast_recipient *multicast);

/* Has it send by another socket, which takes the place of its own under that number. */
void multicast_recipient_renew(struct multicast_recipient *multicast, int *socket);

struct recipients multicast_recipient_recipients(struct multicast_recipient *multicast);

#endif
