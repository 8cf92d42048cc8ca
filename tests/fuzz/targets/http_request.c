/* http/http_request: lines of a connection, as the server splits them; whatever they contain, a
 * request is bounded, and what is served can be understood in one way only. */
#include "target.h"

#include "http/http_host.h"
#include "http/http_request.h"

#include <stdbool.h>
#include <string.h>

static bool is_terminated(const char *text, size_t capacity)
{
    return memchr(text, '\0', capacity) != NULL;
}

static void check(const struct http_request *request, enum http_progress progress)
{
    must(is_terminated(request->path, sizeof request->path));
    must(is_terminated(request->host, sizeof request->host));
    must(http_host_is_valid(request->host, strlen(request->host)));
    must(progress == HTTP_REQUEST_MORE || request->status == 0 ||
         (request->status >= 400 && request->status <= 505));
    must(progress != HTTP_REQUEST_BAD || (request->status != 0 && !request->keeps_alive));
    if (progress != HTTP_REQUEST_COMPLETE)
        return;
    must(request->head_bytes <= HTTP_HEAD_BYTES_MAX);
    if (request->status != 0)
        return;
    must(request->method != HTTP_METHOD_OTHER && !request->has_content && !request->has_coding);
    must(request->path[0] == '/' || request->path[0] == '\0');
    must(strpbrk(request->path, " ?#\r\n") == NULL);
    must(request->is_http_1_0 || request->has_host_field);
    http_host_is_local(request->host);
}

/* Adds the next line to the request, and begins with the next one at its end. Returns whether the
 * connection continues. */
static bool add(struct http_request *request, const uint8_t *line, size_t size)
{
    if (size > 0 && line[size - 1] == '\r')
        size--;
    /* Of the exact size, so that sanitizers find a byte too many. */
    char *copy = malloc(size + !size);
    must(copy != NULL);
    if (size > 0)
        memcpy(copy, line, size);
    enum http_progress progress = size > HTTP_HEAD_BYTES_MAX
                                      ? http_request_add_long_line(request)
                                      : http_request_add_line(request, copy, size);
    free(copy);
    check(request, progress);
    bool continues = progress == HTTP_REQUEST_MORE ||
                     (progress == HTTP_REQUEST_COMPLETE && request->keeps_alive);
    if (progress == HTTP_REQUEST_COMPLETE)
        http_request_begin(request);
    return continues;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct http_request request;
    http_request_begin(&request);
    for (bool continues = true; continues && size > 0;) {
        const uint8_t *end = memchr(bytes, '\n', size);
        size_t length = end != NULL ? (size_t)(end - bytes) : size;
        continues = add(&request, bytes, length);
        bytes += length + (end != NULL);
        size -= length + (end != NULL);
    }
    return 0;
}
