#include "server/metrics/metrics_server.h"

#include "http/http_answer.h"
#include "http/http_host.h"
#include "net/unix/unix_listener.h"
#include "os/process/clock.h"
#include "server/metrics/http_connections.h"
#include "server/metrics/http_listener.h"
#include "server/metrics/metrics_text.h"
#include "server/metrics/page/live_page.h"
#include "server/metrics/status_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct metrics_server {
    struct http_connections *connections;
    struct http_listener *listener;
    struct access_list *allow; /* NULL: every source */
    bool is_on_loopback;       /* TCP at a loopback address */
    bool is_serving, is_stopping;
    struct metrics_source source; /* while it is serving */
    /* Runs only while the server starts, in which its own loop does not run; then NULL. */
    struct loop *start_loop;
    struct loop_task end_of_round;
    struct live_page page;
};

/* ---- resources ---- */

static void answer_health(struct metrics_server *server, struct http_connection *connection)
{
    if (server->is_stopping)
        http_connection_answer_text(connection, 503, "draining");
    else if (!server->is_serving)
        http_connection_answer_text(connection, 503, "starting");
    else
        http_connection_answer_text(connection, 200, "serving");
}

static void answer_buffer(struct http_connection *connection, const char *type,
                          struct text_buffer *text)
{
    const struct http_content content = {.type = type, .bytes = text->bytes, .size = text->size};
    if (text->failed)
        http_connection_answer_text(connection, 500, "out of memory");
    else
        http_connection_answer(connection, 200, &content);
    text_buffer_free(text);
}

static void write_metrics(void *state, const struct metrics_snapshot *snapshot)
{
    struct text_buffer text = {.bytes = NULL};
    struct process_usage usage;
    process_usage_read(&usage);
    metrics_text_add(&text, snapshot, &usage);
    answer_buffer(state, METRICS_TEXT_TYPE, &text);
}

static void write_status(void *state, const struct metrics_snapshot *snapshot)
{
    struct text_buffer text = {.bytes = NULL};
    status_json_add(&text, snapshot);
    answer_buffer(state, STATUS_JSON_TYPE, &text);
}

/* Answers when all workers have. */
static void answer_snapshot(struct metrics_server *server, struct http_connection *connection,
                            metrics_query_done *write)
{
    if (!server->is_serving || server->is_stopping)
        answer_health(server, connection);
    else if (metrics_query_start(&server->source, write, connection) != 0)
        http_connection_answer_text(connection, 500, "out of memory");
}

/* ---- requests ---- */

static bool is_allowed(const struct metrics_server *server, const struct addr *peer)
{
    return server->allow == NULL || peer->family == ADDR_NONE ||
           access_list_admits(server->allow, peer);
}

static void answer_part(struct http_connection *connection, const char *type,
                        const struct text_buffer *part)
{
    const struct http_content content = {.type = type,
                                         .bytes = part->bytes,
                                         .size = part->size,
                                         .fields =
                                             "Content-Security-Policy: " LIVE_PAGE_POLICY "\r\n"
                                             "Referrer-Policy: no-referrer\r\n"
                                             "Cross-Origin-Resource-Policy: same-origin\r\n"};
    http_connection_answer(connection, 200, &content);
}

static void answer(struct metrics_server *server, struct http_connection *connection,
                   const char *path)
{
    if (strcmp(path, "/healthz") == 0)
        answer_health(server, connection);
    else if (strcmp(path, "/metrics") == 0)
        answer_snapshot(server, connection, write_metrics);
    else if (strcmp(path, "/status.json") == 0)
        answer_snapshot(server, connection, write_status);
    else if (strcmp(path, "/") == 0)
        answer_part(connection, "text/html; charset=utf-8", &server->page.markup);
    else if (strcmp(path, "/live.css") == 0)
        answer_part(connection, "text/css; charset=utf-8", &server->page.style);
    else if (strcmp(path, "/live.js") == 0)
        answer_part(connection, "text/javascript; charset=utf-8", &server->page.script);
    else
        http_connection_answer_text(
            connection, 404, "Not Found: this server has /, /metrics, /status.json and /healthz");
}

static void on_request(void *state, struct http_connection *connection,
                       const struct http_request *request)
{
    struct metrics_server *server = state;
    if (!is_allowed(server, http_connection_peer(connection)))
        http_connection_answer_text(connection, 403, "this address is not in metrics.allow");
    else if (server->is_on_loopback && !http_host_is_local(request->host))
        http_connection_answer_text(connection, 421,
                                    "on loopback the host must be an address or localhost");
    else
        answer(server, connection, request->path);
}

/* ---- connections ---- */

/* A peer that is not allowed does not take the place of another one. */
static void reject(int fd)
{
    static const char body[] = "this address is not in metrics.allow\n";
    struct text_buffer text = {.bytes = NULL};
    const struct http_answer answer = {.status = 403,
                                       .type = "text/plain; charset=utf-8",
                                       .length = sizeof body - 1,
                                       .connection = "close",
                                       .wall_ms = clock_wall_ms()};
    http_answer_add_head(&text, &answer);
    text_buffer_add(&text, body);
    unix_listener_reject(fd, text.bytes, text.size);
    text_buffer_free(&text);
}

static void on_accepted(void *state, int fd, const struct addr *peer)
{
    struct metrics_server *server = state;
    if (is_allowed(server, peer))
        http_connections_add(server->connections, fd, peer);
    else
        reject(fd);
}

static bool make_room(void *state)
{
    return http_connections_close_idle(((struct metrics_server *)state)->connections);
}

/* ---- opening and closing ---- */

static int open_connections(struct metrics_server *server, struct loop *loop)
{
    const struct http_connections_options options = {
        .loop = loop, .request = on_request, .state = server};
    return http_connections_open(&server->connections, &options);
}

static int open_listener(struct metrics_server *server,
                         const struct metrics_server_options *options)
{
    const struct http_listener_options listener = {.loop = server->start_loop,
                                                   .config = options->config,
                                                   .owner = options->owner,
                                                   .inherited = options->inherited,
                                                   .accepted = on_accepted,
                                                   .make_room = make_room,
                                                   .state = server};
    return http_listener_open(&server->listener, &listener);
}

static void end_round(void *state)
{
    loop_stop(((struct metrics_server *)state)->start_loop);
}

static int open_all(struct metrics_server *server, const struct metrics_server_options *options)
{
    server->start_loop = loop_new();
    if (server->start_loop == NULL)
        return -errno;
    server->end_of_round = (struct loop_task){.run = end_round, .state = server};
    int error = metrics_server_make_allow(&options->config->metrics.allow, &server->allow);
    if (error == 0)
        error = live_page_make(&server->page);
    if (error == 0)
        error = open_connections(server, server->start_loop);
    if (error == 0)
        error = open_listener(server, options);
    return error;
}

int metrics_server_open(struct metrics_server **server,
                        const struct metrics_server_options *options)
{
    const struct config *config = options->config;
    *server = NULL;
    if (!config_has_metrics(config))
        return 0;
    struct metrics_server *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->is_on_loopback = config->metrics.listen.transport == TRANSPORT_TCP &&
                           addr_is_loopback(&config->metrics.listen.addr);
    int error = open_all(made, options);
    if (error != 0)
        metrics_server_close(made);
    else
        *server = made;
    return error;
}

const char *metrics_server_text(const struct metrics_server *server)
{
    return http_listener_text(server->listener);
}

/* A round accepts connections, the next one reads their requests. */
void metrics_server_poll_start(struct metrics_server *server)
{
    if (server == NULL || server->start_loop == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        loop_defer(server->start_loop, &server->end_of_round);
        loop_run_until_stopped(server->start_loop);
    }
}

static void close_start_loop(struct metrics_server *server)
{
    if (server->start_loop == NULL)
        return;
    loop_cancel(server->start_loop, &server->end_of_round);
    loop_free(server->start_loop);
    server->start_loop = NULL;
}

int metrics_server_start(struct metrics_server *server, struct loop *loop,
                         const struct metrics_source *source)
{
    if (server == NULL)
        return 0;
    http_connections_close(server->connections);
    server->connections = NULL;
    int error = open_connections(server, loop);
    if (error == 0)
        error = http_listener_move(server->listener, loop);
    if (error != 0)
        return error; /* the listener may still be in the loop of the start */
    close_start_loop(server);
    server->source = *source;
    server->is_serving = true;
    return 0;
}

int metrics_server_make_allow(const struct config_blocks *blocks, struct access_list **allow)
{
    *allow = NULL;
    if (blocks->count == 0)
        return 0;
    *allow = access_list_new(blocks->list, blocks->count, NULL, 0);
    return *allow != NULL ? 0 : -ENOMEM;
}

void metrics_server_set_allow(struct metrics_server *server, struct access_list *allow)
{
    if (server == NULL) {
        access_list_free(allow);
        return;
    }
    access_list_free(server->allow);
    server->allow = allow;
}

void metrics_server_hand_over(const struct metrics_server *server, struct handover_writer *writer)
{
    http_listener_hand_over(server->listener, writer);
}

void metrics_server_stop(struct metrics_server *server)
{
    if (server != NULL)
        server->is_stopping = true;
}

void metrics_server_close(struct metrics_server *server)
{
    if (server == NULL)
        return;
    http_listener_close(server->listener);
    http_connections_close(server->connections);
    access_list_free(server->allow);
    live_page_free(&server->page);
    close_start_loop(server);
    free(server);
}
