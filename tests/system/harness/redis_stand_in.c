/* A stand-in for Redis: see redis_stand_in.h. */
#include "redis_stand_in.h"

#include "fake_server.h"
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void redis_open(struct redis *redis, const char *path)
{
    if (path != NULL) {
        redis->listener = fake_server_listen(path);
        redis->url = harness_format("unix:%s", path);
        return;
    }
    struct endpoint name = endpoint_of("127.0.0.1:0");
    redis->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(bind(redis->listener, (struct sockaddr *)&name.sockaddr, name.size) == 0 &&
               listen(redis->listener, 5) == 0 &&
               getsockname(redis->listener, (struct sockaddr *)&name.sockaddr, &name.size) == 0,
           "expected to listen: %s", strerror(errno));
    redis->url = harness_format("redis://%s", endpoint_text(&name));
}

int redis_accept_only(const struct redis *redis)
{
    struct pollfd wait = {.fd = redis->listener, .events = POLLIN};
    expect(poll(&wait, 1, HARNESS_DEADLINE_MS) == 1, "expected a connection to Redis");
    return accept(redis->listener, NULL, NULL);
}

int redis_accept(const struct redis *redis)
{
    int connection = redis_accept_only(redis);
    const char *command = redis_command(connection);
    expect(command != NULL && strcmp(command, "PING") == 0, "expected PING, got '%s'",
           command != NULL ? command : "the end");
    redis_answer(connection, "+PONG\r\n");
    return connection;
}

/* Reads size bytes. Returns false at the end of the connection. */
static bool read_bytes(int connection, char *bytes, size_t size)
{
    for (size_t got = 0; got < size;) {
        struct pollfd wait = {.fd = connection, .events = POLLIN};
        expect(poll(&wait, 1, HARNESS_DEADLINE_MS) == 1, "expected a command to Redis");
        ssize_t part = recv(connection, bytes + got, size - got, 0);
        if (part <= 0)
            return false;
        got += (size_t)part;
    }
    return true;
}

/* Reads a line "TYPE number". Returns false at the end. */
static bool read_number(int connection, char type, size_t *number)
{
    char line[32];
    size_t size = 0;
    do {
        if (size == sizeof line - 1 || !read_bytes(connection, line + size, 1))
            return false;
    } while (line[size++] != '\n');
    line[size] = '\0';
    expect(line[0] == type, "expected %c, got '%s'", type, line);
    *number = strtoul(line + 1, NULL, 10);
    return true;
}

const char *redis_command(int connection)
{
    struct bytes words = {0};
    size_t count, size;
    if (!read_number(connection, '*', &count))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        char word[70000];
        expect(read_number(connection, '$', &size) && size < sizeof word - 2 &&
                   read_bytes(connection, word, size + 2),
               "expected a whole command");
        if (i > 0)
            bytes_add(&words, " ", 1);
        bytes_add(&words, word, size);
    }
    return words.data;
}

void redis_expect(int connection, const char *command)
{
    const char *got = redis_command(connection);
    for (; got != NULL && strcmp(got, "PING") == 0; got = redis_command(connection))
        redis_answer(connection, "+PONG\r\n");
    expect(got != NULL && strcmp(got, command) == 0, "expected '%s', got '%s'", command,
           got != NULL ? got : "the end");
}

void redis_answer(int connection, const char *bytes)
{
    expect(operator_send(connection, bytes, strlen(bytes)), "expected to answer '%s'", bytes);
}

/* ---- a stream ---- */

void redis_stream_add(struct redis_stream *stream, const char *id, const char *fields)
{
    stream->ids[stream->count] = id;
    stream->fields[stream->count++] = fields;
    stream->added++;
}

static void add_text(struct bytes *out, const char *text)
{
    const char *bulk = harness_format("$%zu\r\n%s\r\n", strlen(text), text);
    bytes_add(out, bulk, strlen(bulk));
}

static void add(struct bytes *out, const char *bytes)
{
    bytes_add(out, bytes, strlen(bytes));
}

static void add_entry(struct bytes *out, const struct redis_stream *stream, size_t i)
{
    char *rest = strdup(stream->fields[i]), *begin = rest;
    size_t words = 1;
    for (const char *at = rest; (at = strchr(at, ' ')) != NULL; at++)
        words++;
    add(out, "*2\r\n");
    add_text(out, stream->ids[i]);
    add(out, harness_format("*%zu\r\n", words));
    for (const char *word; (word = strsep(&rest, " ")) != NULL;)
        add_text(out, word);
    free(begin);
}

/* Whether an id MS-SEQUENCE is after another one. */
static bool is_after(const char *id, const char *other)
{
    char *end;
    unsigned long long ms = strtoull(id, &end, 10), sequence = strtoull(end + 1, NULL, 10);
    unsigned long long other_ms = strtoull(other, &end, 10),
                       other_sequence = strtoull(end + 1, NULL, 10);
    return ms > other_ms || (ms == other_ms && sequence > other_sequence);
}

static void add_info(struct bytes *out, const struct redis_stream *stream)
{
    bool has_entries = stream->count > stream->first;
    add(out, "*8\r\n");
    add_text(out, "length");
    add(out, harness_format(":%zu\r\n", stream->count - stream->first));
    add_text(out, "last-generated-id");
    add_text(out, stream->count > 0 ? stream->ids[stream->count - 1] : "0-0");
    add_text(out, "entries-added");
    add(out, harness_format(":%llu\r\n", (unsigned long long)stream->added));
    add_text(out, "first-entry");
    if (has_entries)
        add_entry(out, stream, stream->first);
    else
        add(out, "$-1\r\n");
}

/* Adds the result of XREAD. Returns the number of entries. */
static size_t add_entries(struct bytes *out, const struct redis_stream *stream, const char *after,
                          size_t most)
{
    size_t from = stream->first, count;
    while (from < stream->count && !is_after(stream->ids[from], after))
        from++;
    count = stream->count - from < most ? stream->count - from : most;
    if (count == 0) {
        add(out, "*-1\r\n");
        return 0;
    }
    add(out, "*1\r\n*2\r\n");
    add_text(out, "orders");
    add(out, harness_format("*%zu\r\n", count));
    for (size_t i = from; i < from + count; i++)
        add_entry(out, stream, i);
    return count;
}

/* Answers commands that wait until MULTI comes. */
static void expect_multi(int connection)
{
    const char *command;
    while ((command = redis_command(connection)) != NULL && strcmp(command, "MULTI") != 0) {
        bool is_ping = strcmp(command, "PING") == 0;
        expect(is_ping || strstr(command, " BLOCK ") != NULL, "expected MULTI, got '%s'", command);
        redis_answer(connection, is_ping ? "+PONG\r\n" : "*-1\r\n");
    }
    expect(command != NULL, "expected MULTI, got the end");
}

size_t redis_serve(int connection, const struct redis_stream *stream, const char *after)
{
    struct bytes out = {0};
    char id[64];
    unsigned most;
    expect_multi(connection);
    redis_expect(connection, "XINFO STREAM orders");
    const char *read = redis_command(connection);
    expect(read != NULL && sscanf(read, "XREAD COUNT %u STREAMS orders %63s", &most, id) == 2,
           "expected XREAD, got '%s'", read != NULL ? read : "the end");
    expect(after == NULL || strcmp(after, id) == 0, "expected a read after %s, got '%s'", after,
           read);
    redis_expect(connection, "EXEC");
    add(&out, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n");
    add_info(&out, stream);
    size_t count = add_entries(&out, stream, id, most);
    expect(operator_send(connection, out.data, out.size), "expected to answer");
    return count;
}

void redis_expect_wait(int connection, const char *after)
{
    redis_expect(connection, harness_format("XREAD COUNT 1 BLOCK 1000 STREAMS orders %s", after));
}
