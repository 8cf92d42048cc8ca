/* A client of the metrics. */
#define HARNESS_INTERNAL
#include "http.h"
#include "process.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const char *http_address(struct server *server)
{
    const char *line = server_await_log(server, "metrics are served listen=");
    const char *address = strstr(line, "listen=") + strlen("listen=");
    const char *end = address + strcspn(address, " \n");
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    return harness_format("%s%.*s", is_unix ? "" : "tcp:", (int)(end - address), address);
}

void http_send(int connection, const char *method, const char *path)
{
    stream_write_text(connection,
                      harness_format("%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, path));
}

const char *http_field(const struct http_response *response, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = response->head; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strncasecmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0) {
            const char *value = line + length + 2;
            return harness_format("%.*s", (int)strcspn(value, "\r"), value);
        }
    return NULL;
}

/* Reads size bytes; fails the test at the end of the connection. */
static void read_body(int connection, struct bytes *body, size_t size)
{
    while (body->size < size) {
        char bytes[4096];
        struct pollfd wait = {.fd = connection, .events = POLLIN};
        size_t wanted = size - body->size < sizeof bytes ? size - body->size : sizeof bytes;
        ssize_t got =
            poll(&wait, 1, HARNESS_DEADLINE_MS) == 1 ? read(connection, bytes, wanted) : -1;
        if (got <= 0)
            harness_fail("expected %zu bytes of content, received %zu", size, body->size);
        bytes_add(body, bytes, (size_t)got);
    }
}

struct http_response http_read(int connection, bool has_body)
{
    struct bytes head = {0}, body = {0};
    const char *line;
    while ((line = stream_line(connection)) != NULL && strcmp(line, "\r") != 0) {
        bytes_add(&head, line, strlen(line));
        bytes_add(&head, "\n", 1);
    }
    if (line == NULL)
        harness_fail("expected a response, received '%s' and the end",
                     head.size > 0 ? head.data : "");
    struct http_response response = {.head = head.data, .body = ""};
    if (strncmp(head.data, "HTTP/1.1 ", 9) != 0)
        harness_fail("expected a response of HTTP/1.1, received '%s'", head.data);
    response.status = atoi(head.data + 9);
    const char *length = http_field(&response, "Content-Length");
    if (length == NULL)
        harness_fail("expected a response with a length, received '%s'", head.data);
    if (!has_body || strcmp(length, "0") == 0)
        return response;
    read_body(connection, &body, (size_t)atoll(length));
    response.body = body.data;
    response.size = body.size;
    return response;
}

struct http_response http_get(const char *address, const char *path)
{
    int connection = stream_open(address);
    http_send(connection, "GET", path);
    struct http_response response = http_read(connection, true);
    close(connection);
    return response;
}

struct http_response http_raw(const char *address, const char *request)
{
    int connection = stream_open(address);
    stream_write_text(connection, request);
    struct http_response response = http_read(connection, true);
    stream_expect_end(connection);
    close(connection);
    return response;
}

int64_t metric(const char *metrics, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = metrics; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            return atoll(line + length + 1);
    harness_fail("expected the metric %s", name);
}
