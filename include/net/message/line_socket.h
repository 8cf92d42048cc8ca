#ifndef NET_MESSAGE_LINE_SOCKET_H
#define NET_MESSAGE_LINE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Messages as lines over a stream socket, for clients: sends and receives one at a time, as
 * net/message/datagram does with datagrams. The caller waits for the socket. */

enum {
    /* The longest message is one that fits into a datagram; a longer line is received in pieces of
     * that size. */
    LINE_SOCKET_BYTES_MAX = 65535,
};

struct line_socket {
    int fd; /* connected and non-blocking; the caller closes it */
    bool ended;
    size_t begin, end;         /* received and not yet returned */
    size_t out_begin, out_end; /* not yet sent */
    char in[LINE_SOCKET_BYTES_MAX + 2];
    char out[LINE_SOCKET_BYTES_MAX + 1];
};

/* Prepares a connected, non-blocking socket, which the caller closes. */
void line_socket_open(struct line_socket *lines, int fd);

/* Sends a message of at most LINE_SOCKET_BYTES_MAX bytes and an LF; each LF within it becomes a
 * space. Returns 0 or -errno: -EAGAIN if earlier messages are not yet sent, and this one is not
 * accepted; -EMSGSIZE. */
int line_socket_send(struct line_socket *lines, const void *bytes, size_t size);

/* Sends what is not yet sent. Returns 0 if nothing is left, -EAGAIN if the socket is full, or
 * another -errno. */
int line_socket_flush(struct line_socket *lines);

/* Reports to the peer that no more messages will come. Call it after a flush that left nothing. */
void line_socket_finish(const struct line_socket *lines);

/* Receives a message without its LF or CRLF, of at most LINE_SOCKET_BYTES_MAX bytes (capacity is at
 * least that). The last message needs no newline. *time_ms as in datagram_receive. Returns its size
 * or -errno: -EAGAIN if no whole message is there, -ENODATA if the peer has ended and none is left.
 */
ssize_t line_socket_receive(struct line_socket *lines, void *bytes, size_t capacity,
                            uint64_t *time_ms);

#endif
