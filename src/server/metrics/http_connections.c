#include "server/metrics/http_connections.h"

#include "http/http_answer.h"
#include "net/message/framed_stream.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_MS = 1000 /* how often the time limits are checked while a connection is open */ };

enum connection_state {
    CONNECTION_READING,   /* waits for the head of a request, or for the rest of it */
    CONNECTION_ANSWERING, /* the request is with the owner */
    CONNECTION_WRITING,   /* the answer is being sent */
    CONNECTION_LINGERING, /* what the peer still sends is discarded */
    CONNECTION_DETACHED,  /* closed while the request is with the owner; has no stream */
};

struct http_connection {
    struct http_connections *all;
    struct framed_stream *stream;
    struct addr peer;
    enum connection_state state;
    bool has_answered; /* one request at least */
    uint64_t until_ms; /* when the present state ends by its time limit */
    uint64_t active;   /* value of all->uses when the state last changed */
    struct http_request request;
};

struct http_connections {
    struct http_connections_options options;
    struct loop_timer timer;
    uint64_t uses;
    size_t count;
    /* One more than the limit, since a new connection takes part in the choice of the one that is
     * closed. */
    struct http_connection *list[HTTP_CONNECTIONS_MAX + 1];
};

/* ---- the end of a connection ---- */

static void leave_list(struct http_connection *connection)
{
    struct http_connections *all = connection->all;
    size_t place = 0;
    while (all->list[place] != connection)
        place++;
    all->list[place] = all->list[--all->count];
    if (all->count == 0)
        loop_timer_every(&all->timer, 0);
}

/* The owner of a request still has the connection, so it is freed when that answers. */
static void close_connection(struct http_connection *connection)
{
    leave_list(connection);
    framed_stream_free(connection->stream);
    connection->stream = NULL;
    if (connection->state == CONNECTION_ANSWERING)
        connection->state = CONNECTION_DETACHED;
    else
        free(connection);
}

static void set_state(struct http_connection *connection, enum connection_state state,
                      uint64_t limit_ms)
{
    connection->state = state;
    connection->until_ms = clock_now_ms() + limit_ms;
    connection->active = ++connection->all->uses;
}

/* A peer that gets an answer while it still sends would get a reset, and might lose the answer. */
static void linger(struct http_connection *connection)
{
    set_state(connection, CONNECTION_LINGERING, HTTP_LINGER_MS);
    framed_stream_pause(connection->stream);
    framed_stream_discard_input(connection->stream);
}

/* ---- answers ---- */

static const char *connection_field(const struct http_request *request)
{
    if (!request->keeps_alive)
        return "close";
    return request->is_http_1_0 ? "keep-alive" : NULL;
}

static void await_request(struct http_connection *connection)
{
    connection->has_answered = true;
    http_request_begin(&connection->request);
    set_state(connection, CONNECTION_READING, HTTP_TIMEOUT_MS);
    framed_stream_resume(connection->stream);
}

static void end_answer(struct http_connection *connection)
{
    if (connection->request.keeps_alive)
        await_request(connection);
    else
        linger(connection);
}

static bool write_answer(struct http_connection *connection, int status,
                         const struct http_content *content)
{
    struct text_buffer text = {.bytes = NULL};
    const struct http_answer answer = {.status = status,
                                       .type = content->type,
                                       .length = content->size,
                                       .fields = content->fields,
                                       .connection = connection_field(&connection->request),
                                       .wall_ms = clock_wall_ms()};
    http_answer_add_head(&text, &answer);
    if (connection->request.method != HTTP_METHOD_HEAD)
        text_buffer_add_bytes(&text, content->bytes, content->size);
    bool written = !text.failed && framed_stream_write(connection->stream, text.bytes, text.size);
    text_buffer_free(&text);
    return written;
}

void http_connection_answer(struct http_connection *connection, int status,
                            const struct http_content *content)
{
    if (connection->state == CONNECTION_DETACHED) {
        free(connection);
        return;
    }
    set_state(connection, CONNECTION_WRITING, HTTP_TIMEOUT_MS);
    if (!write_answer(connection, status, content))
        close_connection(connection);
    else if (!framed_stream_is_backed_up(connection->stream))
        end_answer(connection);
}

static void answer_line(struct http_connection *connection, int status, const char *text,
                        const char *fields)
{
    struct text_buffer line = {.bytes = NULL};
    text_buffer_format(&line, "%s\n", text);
    const struct http_content content = {.type = "text/plain; charset=utf-8",
                                         .bytes = line.bytes,
                                         .size = line.size,
                                         .fields = fields};
    http_connection_answer(connection, status, &content);
    text_buffer_free(&line);
}

void http_connection_answer_text(struct http_connection *connection, int status, const char *text)
{
    answer_line(connection, status, text, NULL);
}

static void refuse(struct http_connection *connection, int status)
{
    connection->request.status = status;
    answer_line(connection, status, http_answer_reason(status),
                status == 405 ? "Allow: GET, HEAD\r\n" : NULL);
}

/* Refuses what cannot be followed by another request. */
static void refuse_and_close(struct http_connection *connection, int status)
{
    connection->request.keeps_alive = false;
    refuse(connection, status);
}

/* ---- requests ---- */

static void take_progress(struct http_connection *connection, enum http_progress progress)
{
    struct http_connections *all = connection->all;
    if (progress == HTTP_REQUEST_MORE)
        return;
    framed_stream_pause(connection->stream);
    set_state(connection, CONNECTION_ANSWERING, 0);
    if (progress == HTTP_REQUEST_BAD || connection->request.status != 0)
        refuse(connection, connection->request.status);
    else
        all->options.request(all->options.state, connection, &connection->request);
}

static void on_line(void *state, char *line, size_t size)
{
    struct http_connection *connection = state;
    /* The time of the first request counts from the connection on. */
    if (connection->has_answered && !http_request_has_begun(&connection->request))
        set_state(connection, CONNECTION_READING, HTTP_TIMEOUT_MS);
    take_progress(connection, http_request_add_line(&connection->request, line, size));
}

static void on_drained(void *state)
{
    struct http_connection *connection = state;
    if (connection->state == CONNECTION_LINGERING)
        close_connection(connection);
    else
        end_answer(connection);
}

static void on_closed(void *state, int error)
{
    struct http_connection *connection = state;
    if (error == -EMSGSIZE && connection->state == CONNECTION_READING)
        take_progress(connection, http_request_add_long_line(&connection->request));
    else
        close_connection(connection);
}

/* ---- limits ---- */

static struct http_connection *find_idle(const struct http_connections *all)
{
    struct http_connection *found = NULL;
    for (size_t i = 0; i < all->count; i++) {
        struct http_connection *connection = all->list[i];
        if (connection->state != CONNECTION_ANSWERING &&
            (found == NULL || connection->active < found->active))
            found = connection;
    }
    return found;
}

bool http_connections_close_idle(struct http_connections *connections)
{
    struct http_connection *idle = find_idle(connections);
    if (idle != NULL)
        close_connection(idle);
    return idle != NULL;
}

/* A connection that was used already and waits for its next request is closed without an answer,
 * which its client could take for that of a request that is on its way. */
static void end_by_time(struct http_connection *connection)
{
    bool has_request = !connection->has_answered || http_request_has_begun(&connection->request);
    if (connection->state == CONNECTION_READING && has_request) {
        framed_stream_pause(connection->stream);
        refuse_and_close(connection, 408);
    } else if (connection->state != CONNECTION_ANSWERING) {
        close_connection(connection);
    }
}

/* The list is read from its end, since a connection that leaves it is replaced by the last one. */
static void check_times(void *state)
{
    struct http_connections *all = state;
    uint64_t now_ms = clock_now_ms();
    for (size_t i = all->count; i-- > 0;)
        if (now_ms >= all->list[i]->until_ms)
            end_by_time(all->list[i]);
}

/* ---- opening and closing ---- */

int http_connections_add(struct http_connections *connections, int fd, const struct addr *peer)
{
    static const struct framed_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    struct http_connection *connection = calloc(1, sizeof *connection);
    struct framed_stream *stream = framed_stream_new(connections->options.loop, fd,
                                                     HTTP_HEAD_BYTES_MAX, &callbacks, connection);
    if (connection == NULL || stream == NULL) {
        framed_stream_free(stream);
        free(connection);
        return -ENOMEM;
    }
    connection->all = connections;
    connection->stream = stream;
    connection->peer = *peer;
    http_request_begin(&connection->request);
    set_state(connection, CONNECTION_READING, HTTP_TIMEOUT_MS);
    if (connections->count == 0)
        loop_timer_every(&connections->timer, CHECK_MS);
    connections->list[connections->count++] = connection;
    if (connections->count > HTTP_CONNECTIONS_MAX)
        http_connections_close_idle(connections);
    return 0;
}

const struct addr *http_connection_peer(const struct http_connection *connection)
{
    return &connection->peer;
}

int http_connections_open(struct http_connections **connections,
                          const struct http_connections_options *options)
{
    struct http_connections *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    int error = loop_timer_open(options->loop, &made->timer, check_times, made);
    if (error != 0)
        free(made);
    else
        *connections = made;
    return error;
}

void http_connections_close(struct http_connections *connections)
{
    if (connections == NULL)
        return;
    while (connections->count > 0)
        close_connection(connections->list[connections->count - 1]);
    loop_timer_close(&connections->timer);
    free(connections);
}
