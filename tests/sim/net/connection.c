#include "sim/net/connection.h"
#include "sim/core/broken.h"

#include "os/loop/event_loop.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/os/files.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LISTENERS_MAX = 80, BUFFER_BYTES = 16384 };

static struct acceptor *listeners[LISTENERS_MAX];
static size_t listener_count;
static uint32_t last_number;
static uint64_t refused_ms;

/* ---- bytes ---- */

static size_t bytes_count(const struct bytes *bytes)
{
    return bytes->end - bytes->begin;
}

static size_t bytes_put(struct bytes *bytes, const void *from, size_t size)
{
    size_t space = bytes->limit - bytes_count(bytes);
    if (size > space)
        size = space;
    if (bytes->begin > 0)
        memmove(bytes->at, bytes->at + bytes->begin, bytes_count(bytes));
    bytes->end -= bytes->begin;
    bytes->begin = 0;
    if (bytes->end + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->end + size);
        bytes->at = realloc(bytes->at, bytes->capacity);
    }
    if (size > 0)
        memcpy(bytes->at + bytes->end, from, size);
    bytes->end += size;
    return size;
}

static size_t bytes_take(struct bytes *bytes, void *to, size_t size)
{
    if (size > bytes_count(bytes))
        size = bytes_count(bytes);
    if (size > 0)
        memcpy(to, bytes->at + bytes->begin, size);
    bytes->begin += size;
    return size;
}

/* ---- listening ---- */

static unsigned has_waiting(const struct object *object)
{
    return ((const struct acceptor *)object)->waiting > 0 ? LOOP_READ : 0;
}

static void release(struct connection *connection)
{
    if (--connection->references > 0)
        return;
    free(connection->to_server.at);
    free(connection->to_client.at);
    free(connection);
}

static void destroy_listener(struct object *object)
{
    struct acceptor *listener = (struct acceptor *)object;
    simulated_file_forget_listener(object);
    for (size_t i = 0; i < listener->waiting; i++) {
        listener->backlog[i]->server_closed = listener->backlog[i]->reset = true;
        release(listener->backlog[i]);
    }
    for (size_t i = 0; i < listener_count; i++)
        if (listeners[i] == listener)
            listeners[i] = listeners[--listener_count];
    free(listener);
}

struct acceptor *acceptor_new(const struct addr *bound)
{
    struct acceptor *listener = calloc(1, sizeof *listener);
    listener->object =
        (struct object){.kind = OBJECT_LISTENER, .ready = has_waiting, .destroy = destroy_listener};
    listener->bound = *bound;
    if (listener_count == LISTENERS_MAX)
        broken_promise("the number of listeners is bounded", "more than %d", (int)LISTENERS_MAX);
    return listeners[listener_count++] = listener;
}

struct acceptor *acceptor_at(const struct addr *addr)
{
    for (size_t i = 0; i < listener_count; i++) {
        const struct addr *bound = &listeners[i]->bound;
        if (bound->family == addr->family && bound->port == addr->port &&
            (bound->scope == 0 || bound->scope == addr->scope) &&
            (addr_is_wildcard(bound) || memcmp(bound->ip, addr->ip, sizeof addr->ip) == 0))
            return listeners[i];
    }
    return NULL;
}

uint64_t acceptor_refused_ms(void)
{
    return refused_ms;
}

int acceptor_accept(struct acceptor *listener, struct addr *peer)
{
    if (listener->waiting == 0)
        return -EAGAIN;
    int error = faults_refuse_accept();
    if (error != 0)
        return error;
    if (descriptor_is_limited(scheduler_process())) {
        refused_ms = event_queue_now_ms();
        return -EMFILE;
    }
    struct connection *connection = listener->backlog[0];
    memmove(&listener->backlog[0], &listener->backlog[1],
            --listener->waiting * sizeof listener->backlog[0]);
    connection->accepted_ms = event_queue_now_ms();
    *peer = connection->peer;
    return descriptor_open(&connection->object);
}

/* ---- connections ---- */

static unsigned ready(const struct object *object)
{
    const struct connection *connection = (const struct connection *)object;
    bool hangup = connection->client_closed || connection->reset;
    bool readable = bytes_count(&connection->to_server) > 0 || connection->client_ended || hangup;
    bool writable =
        bytes_count(&connection->to_client) * 2 <= connection->to_client.limit || hangup;
    return (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u) | (hangup ? LOOP_HANGUP : 0u);
}

static void destroy(struct object *object)
{
    struct connection *connection = (struct connection *)object;
    connection->server_closed = true;
    connection->closed_ns = event_queue_now_ns();
    release(connection);
}

struct connection *connection_open(struct acceptor *listener, const struct addr *peer)
{
    if (listener == NULL ||
        listener->waiting == sizeof listener->backlog / sizeof listener->backlog[0])
        return NULL;
    struct connection *connection = calloc(1, sizeof *connection);
    connection->object = (struct object){.kind = OBJECT_STREAM, .ready = ready, .destroy = destroy};
    connection->peer = *peer;
    connection->to_server.limit = connection->to_client.limit = BUFFER_BYTES;
    connection->references = 2;
    connection->number = ++last_number;
    return listener->backlog[listener->waiting++] = connection;
}

size_t connection_write(struct connection *connection, const void *bytes, size_t size)
{
    if (connection->server_closed || connection->reset || connection->client_ended)
        return 0;
    size_t written = bytes_put(&connection->to_server, bytes, size);
    if (written > 0 && connection->write_count < WRITES_MAX)
        connection->writes[connection->write_count++] = written;
    else if (written > 0)
        connection->writes[WRITES_MAX - 1] += written;
    trace(TRACE_STREAM_IN, connection->number, written, 0, 0);
    return written;
}

size_t connection_read(struct connection *connection, void *bytes, size_t size)
{
    return bytes_take(&connection->to_client, bytes, size);
}

bool connection_is_over(const struct connection *connection)
{
    return (connection->server_closed || connection->server_ended || connection->reset) &&
           bytes_count(&connection->to_client) == 0;
}

void connection_end(struct connection *connection)
{
    connection->client_ended = true;
}

void connection_close(struct connection *connection, bool reset)
{
    connection->client_closed = connection->client_ended = true;
    connection->reset |= reset || bytes_count(&connection->to_client) > 0;
    release(connection);
}

/* ---- the server's end ---- */

struct connection *connection_of(int fd)
{
    return (struct connection *)descriptor_object(fd, OBJECT_STREAM);
}

static void replace(struct bytes *bytes, const char *text, const char *by)
{
    char *found = memmem(bytes->at + bytes->begin, bytes_count(bytes), text, strlen(text));
    if (found != NULL)
        memcpy(found, by, strlen(by));
}

/* An answer that the server has not given. */
static void break_answer(struct bytes *bytes)
{
    if (broken_is("targets"))
        replace(bytes, "\nskipped 0", "\nskipped 9");
    if (broken_is("listed"))
        replace(bytes, "\nclient ", "\nno-one ");
    bool is_whole = bytes->end >= 3 && memcmp(bytes->at + bytes->end - 3, "\n.\n", 3) == 0;
    if (is_whole && broken_now("answer", 5))
        bytes_put(bytes, "ok\n.\n", 5);
}

long connection_server_write(struct connection *connection, const void *bytes, size_t size)
{
    int error = faults_refuse_stream();
    if (error != 0)
        connection->reset = true;
    if (connection->client_closed || connection->reset)
        return -EPIPE;
    if (connection->is_http && broken_now("http-lost", 20))
        return (long)size;
    size_t written = bytes_put(&connection->to_client, bytes, size);
    if (written > 0)
        connection->written_ms = event_queue_now_ms();
    if (connection->is_http && broken_is("http-counter"))
        replace(&connection->to_client, "{\"received\":", "{\"received\":99");
    if (connection->is_operator)
        break_answer(&connection->to_client);
    trace(TRACE_STREAM_OUT, connection->number, written, 0, 0);
    return written > 0 || size == 0 ? (long)written : -EAGAIN;
}

static void take_writes(struct connection *connection, size_t size)
{
    size_t whole = 0;
    while (whole < connection->write_count && size >= connection->writes[whole])
        size -= connection->writes[whole++];
    connection->write_count -= whole;
    memmove(connection->writes, connection->writes + whole,
            connection->write_count * sizeof connection->writes[0]);
    if (size > 0)
        connection->writes[0] -= size;
}

long connection_server_read(struct connection *connection, void *bytes, size_t size)
{
    if (connection->reset)
        return -ECONNRESET;
    if (bytes_count(&connection->to_server) == 0)
        return connection->client_ended ? 0 : -EAGAIN;
    size_t taken = bytes_take(&connection->to_server, bytes, size);
    take_writes(connection, taken);
    return (long)taken;
}

size_t connection_server_first_write(const struct connection *connection)
{
    return connection->write_count > 0 ? connection->writes[0] : 0;
}

void connection_server_end(struct connection *connection)
{
    connection->server_ended = true;
}
