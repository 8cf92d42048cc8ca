#include "ctl/bridge/redis_connection.h"

#include "ctl/bridge/retry_delay.h"
#include "net/message/framed_stream.h"
#include "net/socket/name_lookup.h"
#include "net/socket/tcp_socket.h"
#include "net/unix/unix_client.h"
#include "os/log/error_message.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/random.h"
#include "redis/redis_error.h"
#include "redis/resp_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 64 << 10, /* of input */
    ADDRS_MAX = 16,
    PING_MS = 5000, /* without a command, after which PING is sent */
};

static const uint64_t NS_PER_MS = 1000000;

struct redis_connection {
    const struct redis_connection_settings *settings;
    const struct redis_connection_callbacks *callbacks;
    void *state;
    const char *purpose;
    struct loop *loop;
    struct framed_stream *stream; /* NULL: not open */
    struct loop_timer timer;      /* for the next attempt, reply or PING, whichever is awaited */
    struct retry_delay delay;
    uint32_t attempts; /* to open it: a host that has several addresses is tried at each in turn */
    unsigned own;      /* replies to AUTH, SELECT and PING that are missing; they come first */
    unsigned missing;  /* replies to the caller's commands */
    bool is_ready;     /* ready was called, and lost was not */
    bool is_refused;
    uint32_t extra_ms; /* that the next reply may take longer */
    struct resp_parser parser;
};

/* ---- the end of a connection ---- */

static void close_stream(struct redis_connection *connection)
{
    bool was_ready = connection->is_ready;
    framed_stream_free(connection->stream);
    connection->stream = NULL;
    connection->is_ready = false;
    connection->own = connection->missing = 0;
    loop_timer_once(&connection->timer, 0);
    if (was_ready)
        connection->callbacks->lost(connection->state);
}

static void try_later(struct redis_connection *connection, const char *why, const char *next)
{
    char advice[200];
    uint32_t delay_ms = retry_delay_take_ms(&connection->delay);
    snprintf(advice, sizeof advice, "%s; the next attempt follows in %u.%u s", next,
             delay_ms / 1000, delay_ms % 1000 / 100);
    print_error(why, advice, "%s at %s", connection->purpose, connection->settings->url_text);
    close_stream(connection);
    loop_timer_once(&connection->timer, delay_ms * NS_PER_MS);
}

void redis_connection_fail(struct redis_connection *connection, const char *why, const char *next)
{
    if (connection->stream != NULL && !connection->is_refused)
        try_later(connection, why, next);
}

void redis_connection_fail_by_error(struct redis_connection *connection, const char *error,
                                    uint64_t size)
{
    char reply[256], why[300];
    snprintf(reply, sizeof reply, "%.*s", (int)(size < sizeof reply ? size : sizeof reply), error);
    snprintf(why, sizeof why, "Redis answers '%s'", reply);
    const char *advice = redis_error_advice(reply);
    if (advice == NULL) {
        redis_connection_fail(connection, why, "check Redis");
    } else if (connection->stream != NULL && !connection->is_refused) {
        print_error(why, advice, "%s at %s", connection->purpose, connection->settings->url_text);
        connection->is_refused = true;
        close_stream(connection);
        connection->callbacks->refused(connection->state);
    }
}

static void on_closed(void *state, int error)
{
    struct redis_connection *connection = state;
    if (error == -ECONNREFUSED)
        try_later(connection, "refused: no program listens there", "start Redis, or check the URL");
    else if (error == 0 || error == -EPIPE)
        try_later(connection, "Redis has closed the connection", "check whether it is running");
    else
        try_later(connection, strerror(-error), "check Redis and the network");
}

/* ---- commands ---- */

static bool is_idle(const struct redis_connection *connection)
{
    return connection->own + connection->missing == 0;
}

/* Sets the timer for what is awaited: a reply, or the time for the next PING. */
static void await(struct redis_connection *connection)
{
    uint64_t ms = PING_MS;
    if (!is_idle(connection))
        ms = (uint64_t)connection->settings->timeout_ms + connection->extra_ms;
    loop_timer_once(&connection->timer, ms * NS_PER_MS);
}

/* Writes commands, and empties the buffer. Further commands don't extend the time for the reply to
 * the first one. A write that fails is reported by on_closed. */
static void write_commands(struct redis_connection *connection, struct text_buffer *commands,
                           unsigned *awaited, unsigned replies)
{
    bool was_idle = is_idle(connection), failed = commands->failed;
    if (!failed)
        framed_stream_write(connection->stream, commands->bytes, commands->size);
    text_buffer_free(commands);
    *awaited += replies;
    if (failed)
        redis_connection_fail(connection, "out of memory", "free some");
    else if (was_idle)
        await(connection);
}

void redis_connection_send(struct redis_connection *connection, struct text_buffer *commands,
                           unsigned replies, uint32_t extra_ms)
{
    connection->extra_ms = extra_ms;
    write_commands(connection, commands, &connection->missing, replies);
}

static void ping(struct redis_connection *connection)
{
    struct text_buffer commands = {0};
    resp_command_words(&commands, (const char *[]){"PING"}, 1);
    write_commands(connection, &commands, &connection->own, 1);
}

/* Sends AUTH, SELECT and PING, by which the connection is known to be usable. */
static void introduce(struct redis_connection *connection)
{
    const struct redis_connection_settings *settings = connection->settings;
    struct text_buffer commands = {0};
    unsigned replies = 1;
    char db[16];
    if (settings->password != NULL && settings->user != NULL)
        resp_command_words(&commands, (const char *[]){"AUTH", settings->user, settings->password},
                           3);
    else if (settings->password != NULL)
        resp_command_words(&commands, (const char *[]){"AUTH", settings->password}, 2);
    replies += settings->password != NULL;
    if (settings->url->db > 0) {
        snprintf(db, sizeof db, "%u", settings->url->db);
        resp_command_words(&commands, (const char *[]){"SELECT", db}, 2);
        replies++;
    }
    resp_command_words(&commands, (const char *[]){"PING"}, 1);
    connection->extra_ms = 0;
    write_commands(connection, &commands, &connection->own, replies);
}

void redis_connection_settle(struct redis_connection *connection)
{
    retry_delay_reset(&connection->delay);
}

/* ---- replies ---- */

static void take_own(struct redis_connection *connection, const struct resp_element *element)
{
    if (element->kind == RESP_ERROR) {
        redis_connection_fail_by_error(connection, element->bytes, element->size);
        return;
    }
    connection->own -= element->ends_reply;
    if (connection->own == 0 && !connection->is_ready) {
        connection->is_ready = true;
        connection->callbacks->ready(connection->state);
    }
}

static void take(struct redis_connection *connection, const struct resp_element *element)
{
    connection->extra_ms = 0;
    if (connection->own > 0) {
        take_own(connection, element);
    } else if (connection->missing > 0) {
        connection->missing -= element->ends_reply;
        connection->callbacks->element(connection->state, element);
    } else {
        redis_connection_fail(connection, "a reply came that no command was sent for",
                              "check that it is Redis");
    }
}

/* Takes all elements that are complete. A callback may have closed the stream. */
static void take_elements(struct redis_connection *connection)
{
    const struct framed_stream *stream = connection->stream;
    while (connection->stream == stream) {
        struct resp_element element = resp_parser_next(&connection->parser);
        if (element.kind == RESP_NONE) {
            await(connection);
            return;
        }
        if (element.kind != RESP_INVALID) {
            take(connection, &element);
            continue;
        }
        char why[128];
        snprintf(why, sizeof why, "the reply is not that of Redis: %s", connection->parser.wrong);
        redis_connection_fail(connection, why, "check that Redis listens there");
    }
}

static void on_bytes(void *state, char *bytes, size_t size)
{
    struct redis_connection *connection = state;
    size_t capacity;
    char *space = resp_parser_space(&connection->parser, &capacity);
    memcpy(space, bytes, size); /* capacity is at least PIECE_BYTES after RESP_NONE */
    resp_parser_add(&connection->parser, size);
    take_elements(connection);
}

static void on_drained(void *state)
{
    (void)state;
}

/* ---- opening ---- */

/* Returns a socket that connects, or -errno, or sets *why to a reason in words. */
static int open_socket(struct redis_connection *connection, const char **why)
{
    const struct redis_url *url = connection->settings->url;
    struct addr addrs[ADDRS_MAX];
    if (url->host[0] == '\0')
        return unix_client_connect_nonblocking(url->path);
    /* The resolver blocks, which delays nothing that could be done without this connection but
     * results and messages of the server, which wait. */
    int count = name_lookup(url->host, url->port, addrs, ADDRS_MAX);
    if (count <= 0) {
        *why = name_lookup_error(count);
        return -EHOSTUNREACH;
    }
    return tcp_connect(&addrs[connection->attempts % (uint32_t)count]);
}

static void open_stream(struct redis_connection *connection)
{
    static const struct framed_stream_callbacks callbacks = {on_bytes, on_drained, on_closed};
    const char *why = NULL;
    int fd = open_socket(connection, &why);
    connection->attempts++;
    if (fd < 0) {
        if (why != NULL)
            try_later(connection, why, "check the host");
        else
            on_closed(connection, fd);
        return;
    }
    resp_parser_init(&connection->parser);
    connection->stream =
        framed_stream_new(connection->loop, fd, PIECE_BYTES, &callbacks, connection);
    if (connection->stream == NULL) {
        try_later(connection, "out of memory", "free some");
        return;
    }
    framed_stream_deliver_bytes(connection->stream);
    introduce(connection);
}

static void on_timer(void *state)
{
    struct redis_connection *connection = state;
    if (connection->stream == NULL)
        open_stream(connection);
    else if (is_idle(connection))
        ping(connection);
    else
        try_later(connection,
                  connection->is_ready ? "Redis does not answer in time"
                                       : "Redis does not answer in time to the first command",
                  "check whether it stands still, or set a longer time with -t");
}

struct redis_connection *redis_connection_new(struct loop *loop,
                                              const struct redis_connection_settings *settings,
                                              const char *purpose,
                                              const struct redis_connection_callbacks *callbacks,
                                              void *state)
{
    struct redis_connection *connection = calloc(1, sizeof *connection);
    uint64_t seed = 0;
    if (connection == NULL ||
        loop_timer_open(loop, &connection->timer, on_timer, connection) != 0) {
        free(connection);
        return NULL;
    }
    if (random_fill(&seed, sizeof seed) != 0)
        seed = clock_now_ns();
    connection->settings = settings;
    connection->callbacks = callbacks;
    connection->state = state;
    connection->purpose = purpose;
    connection->loop = loop;
    retry_delay_init(&connection->delay, seed);
    loop_timer_once(&connection->timer, 1); /* the first attempt: at once */
    return connection;
}

void redis_connection_free(struct redis_connection *connection)
{
    if (connection == NULL)
        return;
    framed_stream_free(connection->stream);
    loop_timer_close(&connection->timer);
    free(connection);
}
