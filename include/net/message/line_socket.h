#ifndef NET_MESSAGE_LINE_SOCKET_H
#define NET_MESSAGE_LINE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A client's end of a stream on which a line is a message: sent and received one at a time, as
 * net/message/datagram does it with datagrams, by whoever waits for the socket himself. */

enum {
    /* The longest message that comes is one that fits into a datagram; a longer line comes in
     * pieces of that size. */
    LINE_SOCKET_BYTES_MAX = 65535,
};

struct line_socket {
    int fd; /* connected and non-blocking; the caller's to close */
    bool ended;
    size_t begin, end;         /* what has come */
    size_t out_begin, out_end; /* what is still to go */
    char in[LINE_SOCKET_BYTES_MAX + 2];
    char out[LINE_SOCKET_BYTES_MAX + 1];
};

void line_socket_open(struct line_socket *lines, int fd);

/* Sends a message of at most LINE_SOCKET_BYTES_MAX bytes and its LF; one within it becomes a space.
 * 0 or -errno: -EAGAIN when earlier ones are still to go, and this one is not taken; -EMSGSIZE. */
int line_socket_send(struct line_socket *lines, const void *bytes, size_t size);

/* Sends what is still to go. 0 when that is nothing any more, -EAGAIN when the socket has no room,
 * or another -errno. */
int line_socket_flush(struct line_socket *lines);

/* Says that no more messages will come from us; behind a flush that left nothing. */
void line_socket_finish(const struct line_socket *lines);

/* Receives a message, without its LF or CRLF, into LINE_SOCKET_BYTES_MAX bytes at most (room is at
 * least that). The last one needs no newline. *time_ms as in datagram_receive. Returns its size, or
 * -errno: -EAGAIN when none is there whole, -ENODATA when the peer has ended and none is left. */
ssize_t line_socket_receive(struct line_socket *lines, void *bytes, size_t room, uint64_t *time_ms);

#endif
