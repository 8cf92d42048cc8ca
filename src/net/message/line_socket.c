#include "net/message/line_socket.h"

#include "os/process/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void line_socket_open(struct line_socket *lines, int fd)
{
    lines->fd = fd;
    lines->ended = false;
    lines->begin = lines->end = lines->out_begin = lines->out_end = 0;
}

int line_socket_flush(struct line_socket *lines)
{
    while (lines->out_begin < lines->out_end) {
        ssize_t sent = send(lines->fd, lines->out + lines->out_begin,
                            lines->out_end - lines->out_begin, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            lines->out_begin += (size_t)sent;
        else if (errno != EINTR)
            return -errno;
    }
    lines->out_begin = lines->out_end = 0;
    return 0;
}

int line_socket_send(struct line_socket *lines, const void *bytes, size_t size)
{
    if (size > LINE_SOCKET_BYTES_MAX)
        return -EMSGSIZE;
    int error = line_socket_flush(lines);
    if (error != 0)
        return error;
    if (size > 0)
        memcpy(lines->out, bytes, size);
    for (char *at = lines->out, *end = at + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL;)
        *at++ = ' ';
    lines->out[size] = '\n';
    lines->out_end = size + 1;
    error = line_socket_flush(lines);
    return error == -EAGAIN ? 0 : error; /* accepted: the next flush sends the rest */
}

void line_socket_finish(const struct line_socket *lines)
{
    shutdown(lines->fd, SHUT_WR);
}

/* Reads once. Returns 0 or -errno; -EAGAIN: there is no input. */
static int fill(struct line_socket *lines)
{
    ssize_t got;

    memmove(lines->in, lines->in + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
    do
        got = recv(lines->fd, lines->in + lines->end, sizeof lines->in - lines->end, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    lines->end += (size_t)got;
    lines->ended = got == 0;
    return 0;
}

/* Returns size bytes to the caller, and removes the first next bytes of the input. */
static ssize_t return_message(struct line_socket *lines, void *bytes, size_t size, size_t next,
                              uint64_t *time_ms)
{
    memcpy(bytes, lines->in + lines->begin, size);
    lines->begin += next;
    *time_ms = clock_wall_ms();
    return (ssize_t)size;
}

ssize_t line_socket_receive(struct line_socket *lines, void *bytes, size_t capacity,
                            uint64_t *time_ms)
{
    (void)capacity;
    for (;;) {
        const char *line = lines->in + lines->begin;
        size_t size = lines->end - lines->begin;
        const char *newline = size > 0 ? memchr(line, '\n', size) : NULL;
        size_t length = newline != NULL ? (size_t)(newline - line) : size;
        if (newline != NULL && length > 0 && line[length - 1] == '\r')
            length--;
        if (length > LINE_SOCKET_BYTES_MAX)
            return return_message(lines, bytes, LINE_SOCKET_BYTES_MAX, LINE_SOCKET_BYTES_MAX,
                                  time_ms);
        if (newline != NULL)
            return return_message(lines, bytes, length, (size_t)(newline - line) + 1, time_ms);
        if (lines->ended)
            return size > 0 ? return_message(lines, bytes, size, size, time_ms) : -ENODATA;
        int error = fill(lines);
        if (error != 0)
            return error;
    }
}
