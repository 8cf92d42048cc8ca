#ifndef NET_SOCKET_DROP_FILTER_H
#define NET_SOCKET_DROP_FILTER_H

/* A socket filter that drops every datagram on reception (SO_ATTACH_FILTER, socket(7)): for sockets
 * that only send, and for a reuseport group until it is complete. The kernel drops the datagram
 * before it is queued, and counts it in socket_receive_drops. */

/* Attaches the filter. Returns 0 or -errno. */
int drop_filter_attach(int socket);

/* Removes the filter, so that the socket receives. Does nothing if there is none. Returns 0 or
 * -errno. */
int drop_filter_detach(int socket);

#endif
