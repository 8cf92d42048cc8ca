/* Questions to the server out of a loop. */
#include "ctl/connection/async_connection.h"

#include "net/message/line_stream.h"
#include "net/socket/udp_socket.h"
#include "net/socket/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct async_connection {
    const struct answer_server *server;
    const struct async_connection_callbacks *callbacks;
    void *state;
    struct line_stream *stream;
    struct loop_timer timer;
    struct answer answer;
    char error[ANSWER_ERROR_BYTES];
};

/* Nothing of the link may be touched behind it. */
static void end(struct async_connection *link, enum answer_result result)
{
    char error[ANSWER_ERROR_BYTES];
    loop_timer_once(&link->timer, 0);
    link->answer = (struct answer){0};
    memcpy(error, link->error, sizeof error);
    link->callbacks->ended(link->state, result, error);
}

static void on_line(void *state, char *line, size_t size)
{
    struct async_connection *link = state;
    (void)size;
    enum answer_result result =
        answer_take(&link->answer, line, link->callbacks->line, link->state, link->error);
    if (result != ANSWER_MORE)
        end(link, result);
}

static void on_drained(void *state)
{
    (void)state;
}

static void on_closed(void *state, int error)
{
    struct async_connection *link = state;
    /* A refusal is the better news even if its end is missing. */
    if (!link->answer.refused)
        snprintf(
            link->error, sizeof link->error,
            "cannot read the answer of %s: %s; look whether udpsrv still runs", link->server->path,
            error < 0 && error != -EPIPE ? strerror(-error) : "the server closed the connection");
    end(link, ANSWER_BROKEN);
}

static void on_timeout(void *state)
{
    struct async_connection *link = state;
    snprintf(link->error, sizeof link->error,
             "cannot wait longer for %s: it doesn't answer; -t TIME waits longer",
             link->server->path);
    end(link, ANSWER_BROKEN);
}

/* Takes the descriptor over. */
static struct async_connection *make(struct loop *loop, int fd)
{
    static const struct line_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    struct async_connection *link = calloc(1, sizeof *link);
    if (!link || loop_timer_open(loop, &link->timer, on_timeout, link) != 0) {
        socket_close(fd);
        free(link);
        return NULL;
    }
    link->stream = line_stream_new(loop, fd, ANSWER_LINE_BYTES, &callbacks, link);
    if (link->stream)
        return link;
    loop_timer_close(&link->timer);
    free(link);
    return NULL;
}

enum answer_result async_connection_open(struct async_connection **link, struct loop *loop,
                                         const struct answer_server *server,
                                         const struct async_connection_callbacks *callbacks,
                                         void *state, char error[ANSWER_ERROR_BYTES])
{
    if (answer_check_place(server, error) != ANSWER_OK)
        return ANSWER_BROKEN;
    int fd = unix_socket_connect_for_loop(server->path);
    if (fd < 0)
        return answer_no_connection(server, -fd, error);
    struct async_connection *made = make(loop, fd);
    if (!made)
        return answer_no_connection(server, ENOMEM, error);
    made->server = server;
    made->callbacks = callbacks;
    made->state = state;
    *link = made;
    return ANSWER_OK;
}

void async_connection_ask(struct async_connection *link, const char *command)
{
    /* If it can't be written, the closing says so. */
    if (line_stream_write(link->stream, command, strlen(command)))
        line_stream_write(link->stream, "\n", 1);
    if (link->server->timeout_ms != ANSWER_NO_TIMEOUT)
        loop_timer_once(&link->timer, link->server->timeout_ms * UINT64_C(1000000));
}

void async_connection_close(struct async_connection *link)
{
    if (!link)
        return;
    loop_timer_close(&link->timer);
    line_stream_free(link->stream);
    free(link);
}
