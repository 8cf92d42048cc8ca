#ifndef SERVER_METRICS_HTTP_CONNECTIONS_H
#define SERVER_METRICS_HTTP_CONNECTIONS_H

#include "address/addr.h"
#include "http/http_request.h"
#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>

/* The connections of an HTTP/1.1 server with resources to read, in an event loop: reads requests
 * one after the other, keeps and closes connections, and limits what a peer can take.
 *
 * - At most HTTP_CONNECTIONS_MAX are open. Another one takes the place of the one that has been
 *   idle longest: so peers that open connections and send nothing do not lock out the others.
 * - A peer has HTTP_TIMEOUT_MS to send the head of a request, and as long to read the answer. The
 *   time of the first request counts from the connection on; that of a further one from its first
 *   line, for which the peer has HTTP_TIMEOUT_MS, too.
 * - While a request is being answered, its connection is not read. */
struct http_connections;
struct http_connection;

enum {
    HTTP_CONNECTIONS_MAX = 32,
    HTTP_TIMEOUT_MS = 10000,
    /* How long what a peer still sends is read after the last answer, so that the answer is not
     * lost by a reset of the connection. */
    HTTP_LINGER_MS = 2000,
};

struct http_connections_options {
    struct loop *loop;
    /* A request that is not refused by http/http_request. It must be answered by one call of
     * http_connection_answer, at once or later. The request is valid until it returns. */
    void (*request)(void *state, struct http_connection *connection,
                    const struct http_request *request);
    void *state;
};

/* Returns 0, or -errno of a timer or of memory. */
int http_connections_open(struct http_connections **connections,
                          const struct http_connections_options *options);

/* Closes all connections, and frees them. No request may wait for its answer. NULL is ignored. */
void http_connections_close(struct http_connections *connections);

/* Takes over an accepted connection. peer is its other end, of family ADDR_NONE if it is a Unix
 * socket. Returns 0 or -ENOMEM; then the descriptor is closed. */
int http_connections_add(struct http_connections *connections, int fd, const struct addr *peer);

/* Closes the connection that has been idle longest. Returns false if none is idle. */
bool http_connections_close_idle(struct http_connections *connections);

/* The address that was passed to http_connections_add. */
const struct addr *http_connection_peer(const struct http_connection *connection);

/* Content for an answer. */
struct http_content {
    const char *type;  /* as in Content-Type */
    const void *bytes; /* not kept */
    size_t size;
    const char *fields; /* further lines of the head, each with its CRLF; NULL: none */
};

/* Answers the request. Of a request of HEAD only the head is sent. After it, the connection must
 * not be used any more. If the peer has closed the connection meanwhile, this does nothing else
 * than to free it. */
void http_connection_answer(struct http_connection *connection, int status,
                            const struct http_content *content);

/* Answers with a line of text, which ends without a newline. */
void http_connection_answer_text(struct http_connection *connection, int status, const char *text);

#endif
