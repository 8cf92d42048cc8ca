#ifndef SYSTEM_HTTP_H
#define SYSTEM_HTTP_H

#include "harness.h"

/* A client of the metrics: HTTP/1.1 over a connection of stream_open. */

struct http_response {
    int status;
    const char *head; /* all its lines */
    const char *body; /* a NUL follows */
    size_t size;      /* of the body */
};

/* Returns the name of metrics.listen for stream_open, "tcp:127.0.0.1:40000", from the log of a
 * server that has started. Call it once. */
const char *http_address(struct server *server);

/* Sends a request of HTTP/1.1 with Host: localhost. method is "GET" or another one. */
void http_send(int connection, const char *method, const char *path);
/* Reads a response; one to HEAD has no body. */
struct http_response http_read(int connection, bool has_body);
/* Returns the response to GET over a new connection. */
struct http_response http_get(const char *address, const char *path);
/* Sends bytes over a new connection, and returns the response; expects that the server closes the
 * connection after it. */
struct http_response http_raw(const char *address, const char *request);

/* Returns the value of a line of a field, without its name, or NULL: http_field(&response, "Date").
 */
const char *http_field(const struct http_response *response, const char *name);

/* Returns the integer value of a metric with its labels, as it is written. Fails the test if it is
 * missing. */
int64_t metric(const char *metrics, const char *name);

#ifndef HARNESS_INTERNAL
#define http_address(...) HERE(http_address(__VA_ARGS__))
#define http_read(...)    HERE(http_read(__VA_ARGS__))
#define http_get(...)     HERE(http_get(__VA_ARGS__))
#define http_raw(...)     HERE(http_raw(__VA_ARGS__))
#define metric(...)       HERE(metric(__VA_ARGS__))
#endif

#endif
