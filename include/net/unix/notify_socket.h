#ifndef NET_UNIX_NOTIFY_SOCKET_H
#define NET_UNIX_NOTIFY_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/* The socket to a service manager: a Unix datagram socket, connected to the address of
 * NOTIFY_SOCKET (sd_notify(3)). */

/* Connects to "/path", or to "@name" in the abstract namespace (unix(7)), at most 107 bytes. The
 * socket is connected once, and not opened anew for each message, since a process that has given up
 * its privileges may no longer be allowed to reach the path. It does not block, and programs that
 * this one executes do not get it. Returns the descriptor or -errno (-ENAMETOOLONG). */
int notify_socket_open(const char *address);

/* Sends a text as one datagram, without waiting. Returns 0 or -errno: -EAGAIN, -ENOBUFS or -ENOMEM
 * if there is no room at present; others, such as -ECONNREFUSED after the manager has opened
 * another socket there, last until the socket is opened again. */
int notify_socket_send(int socket, const char *text);

/* Whether an error of notify_socket_send passes by itself. */
#define notify_socket_is_full(error) \
    ((error) == -EAGAIN || (error) == -ENOBUFS || (error) == -ENOMEM)

/* Waits until there is room again, or an error is to be reported by the next notify_socket_send. If
 * it is until_ms of clock_now_ms, returns false. */
bool notify_socket_await_room(int socket, uint64_t until_ms);

void notify_socket_close(int socket);

#endif
