#include "http/http_request.h"

#include "http/http_host.h"

#include <string.h>
#include <strings.h>

/* A part of a line. */
struct span {
    const char *bytes;
    size_t size;
};

static enum http_progress refuse(struct http_request *request, int status)
{
    request->status = status;
    request->keeps_alive = false;
    return HTTP_REQUEST_BAD;
}

void http_request_begin(struct http_request *request)
{
    *request = (struct http_request){.method = HTTP_METHOD_OTHER};
}

/* ---- characters ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A character of a token (RFC 9110, section 5.6.2). */
static bool is_token_character(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_token_character(text.bytes[i]))
            return false;
    return text.size > 0;
}

/* Whether all are printable ASCII characters other than the blank. */
static bool is_visible(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7f)
            return false;
    return true;
}

/* A value has no control characters except tabs; bytes above 127 are allowed (obs-text). */
static bool is_field_value(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_equal(struct span text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.bytes, word, text.size) == 0;
}

static bool is_equal_caseless(struct span text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.bytes, word, text.size) == 0;
}

/* Takes what stands before the first `end`, or all. text continues after it. */
static struct span take(struct span *text, char end)
{
    const char *found = text->size > 0 ? memchr(text->bytes, end, text->size) : NULL;
    struct span taken = {text->bytes, found != NULL ? (size_t)(found - text->bytes) : text->size};
    size_t skipped = taken.size + (found != NULL);
    text->bytes += skipped;
    text->size -= skipped;
    return taken;
}

static struct span trim(struct span text)
{
    while (text.size > 0 && (*text.bytes == ' ' || *text.bytes == '\t')) {
        text.bytes++;
        text.size--;
    }
    while (text.size > 0 && (text.bytes[text.size - 1] == ' ' || text.bytes[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* ---- the request line ---- */

/* Methods that HTTP has (RFC 9110, RFC 5789) and the server does not serve. Others are unknown. */
static bool is_known_method(struct span method)
{
    static const char *const METHODS[] = {"POST",    "PUT",   "DELETE", "CONNECT",
                                          "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (is_equal(method, METHODS[i]))
            return true;
    return false;
}

static bool read_method(struct http_request *request, struct span method)
{
    if (is_equal(method, "GET"))
        request->method = HTTP_METHOD_GET;
    else if (is_equal(method, "HEAD"))
        request->method = HTTP_METHOD_HEAD;
    else
        request->status = is_known_method(method) ? 405 : 501;
    return is_token(method);
}

/* Returns 0, or the status if the version is not served. */
static int read_version(struct http_request *request, struct span version)
{
    static const char NAME[] = "HTTP/";
    size_t length = sizeof NAME - 1;
    if (version.size != length + 3 || memcmp(version.bytes, NAME, length) != 0 ||
        !is_digit(version.bytes[length]) || version.bytes[length + 1] != '.' ||
        !is_digit(version.bytes[length + 2]))
        return 400;
    request->is_http_1_0 = version.bytes[length + 2] == '0';
    return version.bytes[length] == '1' ? 0 : 505;
}

static bool set_host(struct http_request *request, struct span host)
{
    if (!http_host_is_valid(host.bytes, host.size) || host.size >= HTTP_HOST_BYTES)
        return false;
    if (host.size > 0)
        memcpy(request->host, host.bytes, host.size);
    request->host[host.size] = '\0';
    return true;
}

static void set_path(struct http_request *request, struct span target)
{
    struct span path = take(&target, '?');
    if (path.size >= HTTP_PATH_BYTES)
        return;
    memcpy(request->path, path.bytes, path.size);
    request->path[path.size] = '\0';
}

/* "http://HOST/PATH", as to a proxy: RFC 9112, section 3.2.2. */
static bool read_absolute_target(struct http_request *request, struct span target)
{
    static const char SCHEME[] = "http://";
    size_t length = sizeof SCHEME - 1;
    if (target.size <= length || strncasecmp(target.bytes, SCHEME, length) != 0)
        return false;
    target.bytes += length;
    target.size -= length;
    size_t host_size = 0;
    while (host_size < target.size && target.bytes[host_size] != '/' &&
           target.bytes[host_size] != '?')
        host_size++;
    struct span path = {target.bytes + host_size, target.size - host_size};
    if (host_size == 0 || !set_host(request, (struct span){target.bytes, host_size}))
        return false;
    request->has_host = true;
    if (path.size == 0 || *path.bytes == '?')
        strcpy(request->path, "/");
    else
        set_path(request, path);
    return true;
}

/* Of other methods than GET and HEAD the target does not matter: it may be "*" or HOST:PORT. */
static bool read_target(struct http_request *request, struct span target)
{
    if (target.size == 0 || !is_visible(target) || memchr(target.bytes, '#', target.size) != NULL)
        return false;
    if (request->method == HTTP_METHOD_OTHER)
        return true;
    if (*target.bytes != '/')
        return read_absolute_target(request, target);
    set_path(request, target);
    return true;
}

static enum http_progress read_request_line(struct http_request *request, struct span line)
{
    struct span method = take(&line, ' '), target = take(&line, ' ');
    request->has_request_line = true;
    if (!read_method(request, method))
        return refuse(request, 400);
    int status = read_version(request, line);
    if (status == 0 && !read_target(request, target))
        status = 400;
    return status != 0 ? refuse(request, status) : HTTP_REQUEST_MORE;
}

/* ---- fields ---- */

static bool read_host(struct http_request *request, struct span value)
{
    if (request->has_host_field)
        return false;
    request->has_host_field = true;
    /* The host of an absolute target counts. */
    return request->has_host ? http_host_is_valid(value.bytes, value.size)
                             : set_host(request, value);
}

static bool read_length(struct http_request *request, struct span value)
{
    if (request->has_length || value.size == 0)
        return false;
    request->has_length = true;
    for (size_t i = 0; i < value.size; i++) {
        if (!is_digit(value.bytes[i]))
            return false;
        request->has_content |= value.bytes[i] != '0';
    }
    return true;
}

static void read_connection(struct http_request *request, struct span value)
{
    while (value.size > 0) {
        struct span option = trim(take(&value, ','));
        request->asks_to_close |= is_equal_caseless(option, "close");
        request->asks_to_keep_alive |= is_equal_caseless(option, "keep-alive");
    }
}

static enum http_progress read_field(struct http_request *request, struct span line)
{
    struct span rest = line, name = take(&rest, ':');
    bool is_valid = name.size < line.size && is_token(name) && is_field_value(rest);
    struct span value = trim(rest);
    if (!is_valid)
        return refuse(request, 400);
    if (is_equal_caseless(name, "Host"))
        is_valid = read_host(request, value);
    else if (is_equal_caseless(name, "Content-Length"))
        is_valid = read_length(request, value);
    else if (is_equal_caseless(name, "Transfer-Encoding"))
        request->has_coding = true;
    else if (is_equal_caseless(name, "Connection"))
        read_connection(request, value);
    else if (is_equal_caseless(name, "Expect"))
        request->expects_other |= !is_equal_caseless(value, "100-continue");
    return is_valid ? HTTP_REQUEST_MORE : refuse(request, 400);
}

/* ---- the whole head ---- */

static enum http_progress end_head(struct http_request *request)
{
    if (!request->is_http_1_0 && !request->has_host_field)
        return refuse(request, 400);
    if (request->has_coding && (request->has_length || request->is_http_1_0))
        return refuse(request, 400); /* RFC 9112, section 6.3: it may be an attack */
    /* The content would be read as the next request, so the connection ends after the answer. */
    bool has_content = request->has_content || request->has_coding;
    if (request->status == 0 && request->has_coding)
        request->status = 501;
    else if (request->status == 0 && request->has_content)
        request->status = 413;
    else if (request->status == 0 && request->expects_other)
        request->status = 417;
    request->keeps_alive = !has_content && !request->asks_to_close &&
                           (!request->is_http_1_0 || request->asks_to_keep_alive);
    return HTTP_REQUEST_COMPLETE;
}

enum http_progress http_request_add_line(struct http_request *request, const char *line,
                                         size_t size)
{
    struct span text = {line, size};
    request->head_bytes += size + 2;
    if (request->head_bytes > HTTP_HEAD_BYTES_MAX)
        return refuse(request, request->has_request_line ? 431 : 414);
    /* RFC 9112, section 2.2: empty lines before a request are ignored. */
    if (!request->has_request_line)
        return size == 0 ? HTTP_REQUEST_MORE : read_request_line(request, text);
    return size == 0 ? end_head(request) : read_field(request, text);
}

enum http_progress http_request_add_long_line(struct http_request *request)
{
    return refuse(request, request->has_request_line ? 431 : 414);
}
