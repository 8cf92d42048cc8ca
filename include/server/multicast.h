#ifndef SERVER_MULTICAST_H
#define SERVER_MULTICAST_H

#include "server/broadcast.h"

#include <stdint.h>

/* The group that gets each of the operator's broadcasts once, beside the clients' own copies: an
 * audience of one. It lives on one worker. What clients say to each other doesn't go there: who
 * only listens to a group has not joined their room, and a group that the server itself listens on
 * would hear everything twice. */
struct multicast;

/* socket is one of group_connect, the caller's to close behind multicast_close. 0 or -errno. */
int multicast_open(struct multicast **multicast, struct loop *loop, int socket, int *last_errno);
void multicast_close(struct multicast *multicast);

/* Has it send by another socket, which takes the place of its own under that number. */
void multicast_renew(struct multicast *multicast, int *socket);

struct audience multicast_audience(struct multicast *multicast);

#endif
