#include "ctl/connection/async_connection.h"

#include "net/message/framed_stream.h"
#include "net/socket/socket_descriptor.h"
#include "net/unix/unix_client.h"
#include "os/loop/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct async_connection {
    const struct control_server *server;
    const struct async_connection_callbacks *callbacks;
    void *state;
    struct framed_stream *stream;
    struct loop_timer timer;
    struct answer_parser answer;
    char error[ANSWER_ERROR_BYTES];
};

/* The callback may free the connection: the caller must not use it afterwards. */
static void end_answer(struct async_connection *connection, enum answer_result result)
{
    char error[ANSWER_ERROR_BYTES];
    loop_timer_once(&connection->timer, 0);
    connection->answer = (struct answer_parser){0};
    memcpy(error, connection->error, sizeof error);
    connection->callbacks->ended(connection->state, result, error);
}

static void on_line(void *state, char *line, size_t size)
{
    struct async_connection *connection = state;
    bool is_first = !connection->answer.begun;
    (void)size;
    enum answer_result result =
        answer_parser_add_line(&connection->answer, line, connection->callbacks->line,
                               connection->state, connection->error);
    if (result != ANSWER_INCOMPLETE)
        end_answer(connection, result);
    else if (is_first && !connection->answer.refused && connection->callbacks->accepted != NULL)
        connection->callbacks->accepted(connection->state);
}

static void on_drained(void *state)
{
    const struct async_connection *connection = state;
    if (connection->callbacks->drained != NULL)
        connection->callbacks->drained(connection->state);
}

static void on_closed(void *state, int error)
{
    struct async_connection *connection = state;
    /* The reason of a refusal explains more than the missing end of the answer. */
    if (!connection->answer.refused)
        snprintf(connection->error, sizeof connection->error,
                 "cannot read the answer of %s: %s; check whether udpsrv is still running",
                 connection->server->path,
                 error < 0 && error != -EPIPE ? strerror(-error)
                                              : "the server closed the connection");
    end_answer(connection, ANSWER_FAILED);
}

static void on_timeout(void *state)
{
    struct async_connection *connection = state;
    snprintf(connection->error, sizeof connection->error,
             "cannot wait longer for %s: it does not answer; set a longer timeout with -t",
             connection->server->path);
    end_answer(connection, ANSWER_FAILED);
}

/* Takes ownership of the descriptor, also when it fails (NULL: memory is short). */
static struct async_connection *new_connection(struct loop *loop, int fd)
{
    static const struct framed_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    struct async_connection *connection = calloc(1, sizeof *connection);
    if (!connection || loop_timer_open(loop, &connection->timer, on_timeout, connection) != 0) {
        socket_close(fd);
        free(connection);
        return NULL;
    }
    connection->stream = framed_stream_new(loop, fd, ANSWER_LINE_BYTES, &callbacks, connection);
    if (connection->stream)
        return connection;
    loop_timer_close(&connection->timer);
    free(connection);
    return NULL;
}

enum answer_result async_connection_open(struct async_connection **connection, struct loop *loop,
                                         const struct control_server *server,
                                         const struct async_connection_callbacks *callbacks,
                                         void *state, char error[ANSWER_ERROR_BYTES])
{
    if (control_server_check_directory(server, error) != ANSWER_OK)
        return ANSWER_FAILED;
    int fd = unix_client_connect_nonblocking(server->path);
    if (fd < 0)
        return control_server_connect_error(server, -fd, error);
    struct async_connection *opened = new_connection(loop, fd);
    if (!opened)
        return control_server_connect_error(server, ENOMEM, error);
    opened->server = server;
    opened->callbacks = callbacks;
    opened->state = state;
    *connection = opened;
    return ANSWER_OK;
}

void async_connection_send(struct async_connection *connection, const char *command)
{
    /* If a write fails, on_closed follows and reports the error. */
    if (framed_stream_write(connection->stream, command, strlen(command)))
        framed_stream_write(connection->stream, "\n", 1);
    if (connection->server->timeout_ms != CONTROL_SERVER_NO_TIMEOUT)
        loop_timer_once(&connection->timer, connection->server->timeout_ms * UINT64_C(1000000));
}

void async_connection_write(struct async_connection *connection, const char *lines, size_t size)
{
    framed_stream_write(connection->stream, lines, size); /* on_closed reports a failure */
}

size_t async_connection_unsent_bytes(const struct async_connection *connection)
{
    return framed_stream_unsent_bytes(connection->stream);
}

void async_connection_pause(struct async_connection *connection)
{
    framed_stream_pause(connection->stream);
}

void async_connection_resume(struct async_connection *connection)
{
    framed_stream_resume(connection->stream);
}

void async_connection_wait_on(struct async_connection *connection)
{
    loop_timer_once(&connection->timer, 0);
}

void async_connection_close(struct async_connection *connection)
{
    if (!connection)
        return;
    loop_timer_close(&connection->timer);
    framed_stream_free(connection->stream);
    free(connection);
}
