#ifndef HTTP_HTTP_REQUEST_H
#define HTTP_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* The head of an HTTP/1 request (RFC 9112), for a server that has only resources to read: it is
 * parsed line by line, and what the server does not serve gets the status of its answer here.
 *
 * It is strict where a lenient parser would let two programs understand a request in two ways: no
 * blanks around names, no folded lines, no second Host or Content-Length, no content. */

enum {
    /* Of the whole head, with two bytes for the end of each line. A line may have all of them. */
    HTTP_HEAD_BYTES_MAX = 8 << 10,
    HTTP_PATH_BYTES = 64,  /* the longest path that is kept, its NUL included */
    HTTP_HOST_BYTES = 256, /* the same of the host: a name has at most 253 bytes (RFC 1035) */
};

enum http_method { HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_OTHER };

struct http_request {
    enum http_method method;
    /* Of the target, without its query, as it was sent; "" if it is longer, which no resource of
     * the server has. */
    char path[HTTP_PATH_BYTES];
    char host[HTTP_HOST_BYTES]; /* of the target, otherwise of the field Host; "" without one */
    bool is_http_1_0;
    /* Whether the connection can be used for a further request after the answer. */
    bool keeps_alive;
    int status; /* of the answer if the request is refused, such as 405; 0 if it is not */

    /* For the functions below. */
    size_t head_bytes;
    bool has_request_line, has_host, has_host_field, has_length, has_content, has_coding;
    bool asks_to_close, asks_to_keep_alive, expects_other;
};

enum http_progress {
    HTTP_REQUEST_MORE,     /* the head has further lines */
    HTTP_REQUEST_COMPLETE, /* status, keeps_alive and the other members are set */
    HTTP_REQUEST_BAD,      /* status is set; what follows cannot be read as requests */
};

/* Begins with the first line. */
void http_request_begin(struct http_request *request);

/* Takes the next line, without its LF or CRLF. The line may contain any bytes. */
enum http_progress http_request_add_line(struct http_request *request, const char *line,
                                         size_t size);

/* A line is longer than HTTP_HEAD_BYTES_MAX. */
enum http_progress http_request_add_long_line(struct http_request *request);

/* Whether a part of the head has been taken. */
static inline bool http_request_has_begun(const struct http_request *request)
{
    return request->head_bytes > 0;
}

#endif
