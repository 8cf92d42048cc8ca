/* Questions to the server out of a loop. */
#include "ctl/link.h"

#include "net/socket.h"
#include "net/stream.h"
#include "net/stream_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct link {
    const struct answer_server *server;
    const struct link_callbacks *callbacks;
    void *state;
    struct stream *stream;
    struct loop_timer timer;
    struct answer answer;
    char error[ANSWER_ERROR_BYTES];
};

/* Nothing of the link may be touched behind it. */
static void end(struct link *link, enum answer_result result)
{
    char error[ANSWER_ERROR_BYTES];
    loop_timer_once(&link->timer, 0);
    link->answer = (struct answer){0};
    memcpy(error, link->error, sizeof error);
    link->callbacks->ended(link->state, result, error);
}

static void on_line(void *state, char *line, size_t size)
{
    struct link *link = state;
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
    struct link *link = state;
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
    struct link *link = state;
    snprintf(link->error, sizeof link->error,
             "cannot wait longer for %s: it doesn't answer; -t TIME waits longer",
             link->server->path);
    end(link, ANSWER_BROKEN);
}

/* Takes the descriptor over. */
static struct link *make(struct loop *loop, int fd)
{
    static const struct stream_callbacks callbacks = {on_line, on_drained, on_closed};
    struct link *link = calloc(1, sizeof *link);
    if (!link || loop_timer_open(loop, &link->timer, on_timeout, link) != 0) {
        socket_close(fd);
        free(link);
        return NULL;
    }
    link->stream = stream_new(loop, fd, ANSWER_LINE_BYTES, &callbacks, link);
    if (link->stream)
        return link;
    loop_timer_close(&link->timer);
    free(link);
    return NULL;
}

enum answer_result link_open(struct link **link, struct loop *loop,
                             const struct answer_server *server,
                             const struct link_callbacks *callbacks, void *state,
                             char error[ANSWER_ERROR_BYTES])
{
    if (answer_check_place(server, error) != ANSWER_OK)
        return ANSWER_BROKEN;
    int fd = stream_connect_for_loop(server->path);
    if (fd < 0)
        return answer_no_connection(server, -fd, error);
    struct link *made = make(loop, fd);
    if (!made)
        return answer_no_connection(server, ENOMEM, error);
    made->server = server;
    made->callbacks = callbacks;
    made->state = state;
    *link = made;
    return ANSWER_OK;
}

void link_ask(struct link *link, const char *command)
{
    /* If it can't be written, the closing says so. */
    if (stream_write(link->stream, command, strlen(command)))
        stream_write(link->stream, "\n", 1);
    if (link->server->timeout_ms != ANSWER_NO_TIMEOUT)
        loop_timer_once(&link->timer, link->server->timeout_ms * UINT64_C(1000000));
}

void link_close(struct link *link)
{
    if (!link)
        return;
    loop_timer_close(&link->timer);
    stream_free(link->stream);
    free(link);
}
