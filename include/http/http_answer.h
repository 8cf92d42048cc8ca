#ifndef HTTP_HTTP_ANSWER_H
#define HTTP_HTTP_ANSWER_H

#include "text/text_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head of an HTTP/1.1 answer. */

struct http_answer {
    int status;
    const char *type;       /* of the content, as in Content-Type */
    size_t length;          /* of the content */
    const char *fields;     /* further lines, each with its CRLF; NULL: none */
    const char *connection; /* the value of Connection; NULL: none */
    uint64_t wall_ms;       /* the time, in milliseconds since 1970 UTC */
};

/* Returns the reason phrase of a status of RFC 9110 or RFC 6585 that a server of resources to read
 * uses; "Unknown" for others. */
const char *http_answer_reason(int status);

/* Adds the head with the empty line at its end. Every answer forbids caches to keep it, and clients
 * to take it for another type. */
void http_answer_add_head(struct text_buffer *text, const struct http_answer *answer);

#endif
