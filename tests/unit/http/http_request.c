/* Tests of http/http_request: heads of requests, line by line. */
#include "http/http_request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct http_request request;

static void begin(void)
{
    http_request_begin(&request);
}

TestSuite(http_request, .init = begin);

/* Adds the lines of a text, each ended by LF, until the parser has a result. */
static enum http_progress add(const char *text)
{
    enum http_progress progress = HTTP_REQUEST_MORE;
    while (*text != '\0' && progress == HTTP_REQUEST_MORE) {
        size_t size = strcspn(text, "\n");
        progress = http_request_add_line(&request, text, size);
        text += size + (text[size] == '\n');
    }
    return progress;
}

static void expect_served(const char *head, const char *path, bool keeps_alive)
{
    begin();
    cr_expect_eq(add(head), HTTP_REQUEST_COMPLETE, "%s", head);
    cr_expect_eq(request.status, 0, "%s", head);
    cr_expect_str_eq(request.path, path);
    cr_expect_eq(request.keeps_alive, keeps_alive, "%s", head);
}

/* A head that is complete, and is refused; the connection may be kept. */
static void expect_refused(const char *head, int status, bool keeps_alive)
{
    begin();
    cr_expect_eq(add(head), HTTP_REQUEST_COMPLETE, "%s", head);
    cr_expect_eq(request.status, status, "%s: %d", head, request.status);
    cr_expect_eq(request.keeps_alive, keeps_alive, "%s", head);
}

/* A head after which nothing can be read. */
static void expect_bad(const char *head, int status)
{
    begin();
    cr_expect_eq(add(head), HTTP_REQUEST_BAD, "%s", head);
    cr_expect_eq(request.status, status, "%s: %d", head, request.status);
    cr_expect_not(request.keeps_alive);
}

Test(http_request, a_request_has_a_method_a_path_and_a_host)
{
    expect_served("GET /metrics HTTP/1.1\nHost: localhost:9300\n\n", "/metrics", true);
    cr_assert_eq(request.method, HTTP_METHOD_GET);
    cr_assert_str_eq(request.host, "localhost:9300");
    expect_served("HEAD / HTTP/1.1\nhOST:\t a \t\n\n", "/", true);
    cr_assert_eq(request.method, HTTP_METHOD_HEAD);
    cr_assert_str_eq(request.host, "a");
}

Test(http_request, the_query_is_not_part_of_the_path)
{
    expect_served("GET /metrics?a=/b?c HTTP/1.1\nHost: a\n\n", "/metrics", true);
    expect_served("GET /? HTTP/1.1\nHost: a\n\n", "/", true);
}

Test(http_request, the_path_is_not_decoded)
{
    expect_served("GET /%6detrics HTTP/1.1\nHost: a\n\n", "/%6detrics", true);
    expect_served("GET /../../etc/passwd HTTP/1.1\nHost: a\n\n", "/../../etc/passwd", true);
}

Test(http_request, a_path_that_is_too_long_to_exist_is_empty)
{
    char head[256], path[HTTP_PATH_BYTES + 1];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[HTTP_PATH_BYTES - 1] = '\0';
    snprintf(head, sizeof head, "GET %s HTTP/1.1\nHost: a\n\n", path);
    expect_served(head, path, true);
    path[HTTP_PATH_BYTES - 1] = 'a';
    path[HTTP_PATH_BYTES] = '\0';
    snprintf(head, sizeof head, "GET %s HTTP/1.1\nHost: a\n\n", path);
    expect_served(head, "", true);
}

Test(http_request, an_absolute_target_has_the_host)
{
    expect_served("GET http://b:1/metrics?c HTTP/1.1\nHost: a\n\n", "/metrics", true);
    cr_assert_str_eq(request.host, "b:1");
    expect_served("GET HTTP://b HTTP/1.1\nHost: a\n\n", "/", true);
    expect_served("GET http://b?c HTTP/1.1\nHost: a\n\n", "/", true);
    expect_bad("GET http:///metrics HTTP/1.1\nHost: a\n\n", 400);
    expect_bad("GET http://u@b/metrics HTTP/1.1\nHost: a\n\n", 400);
    expect_bad("GET https://b/metrics HTTP/1.1\nHost: a\n\n", 400);
}

Test(http_request, a_connection_is_kept_as_its_version_and_its_client_want)
{
    expect_served("GET / HTTP/1.1\nHost: a\nConnection: close\n\n", "/", false);
    expect_served("GET / HTTP/1.1\nHost: a\nConnection: x, Close\n\n", "/", false);
    expect_served("GET / HTTP/1.1\nHost: a\nConnection: keep-alive\n\n", "/", true);
    expect_served("GET / HTTP/1.0\n\n", "/", false);
    expect_served("GET / HTTP/1.0\nConnection: Keep-Alive\n\n", "/", true);
    expect_served("GET / HTTP/1.0\nConnection: keep-alive\nConnection: close\n\n", "/", false);
}

Test(http_request, a_later_version_1_is_read_as_1_1)
{
    expect_served("GET / HTTP/1.9\nHost: a\n\n", "/", true);
}

Test(http_request, empty_lines_before_a_request_are_ignored)
{
    expect_served("\n\nGET / HTTP/1.1\nHost: a\n\n", "/", true);
}

Test(http_request, other_fields_are_ignored)
{
    expect_served("GET / HTTP/1.1\nHost: a\nAccept: */*\nX-Empty:\nX-High: \xc3\xa4\n\n", "/",
                  true);
}

Test(http_request, methods_that_change_something_are_not_allowed)
{
    expect_refused("POST / HTTP/1.1\nHost: a\n\n", 405, true);
    expect_refused("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n", 405, false);
    expect_refused("OPTIONS * HTTP/1.1\nHost: a\n\n", 405, true);
    expect_refused("CONNECT a:80 HTTP/1.1\nHost: a\n\n", 405, true);
    expect_refused("TRACE / HTTP/1.1\nHost: a\n\n", 405, true);
}

Test(http_request, unknown_methods_are_not_implemented)
{
    expect_refused("get / HTTP/1.1\nHost: a\n\n", 501, true);
    expect_refused("PROPFIND / HTTP/1.1\nHost: a\n\n", 501, true);
}

Test(http_request, content_is_refused)
{
    expect_refused("GET / HTTP/1.1\nHost: a\nContent-Length: 05\n\n", 413, false);
    expect_refused("GET / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n", 501, false);
    expect_served("GET / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", "/", true);
    expect_bad("GET / HTTP/1.1\nHost: a\nContent-Length: 0\nContent-Length: 0\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a\nContent-Length: 1, 1\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a\nContent-Length: -1\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a\nContent-Length:\n\n", 400);
}

Test(http_request, two_ways_to_measure_content_are_an_error)
{
    expect_bad("POST / HTTP/1.1\nHost: a\nContent-Length: 0\nTransfer-Encoding: chunked\n\n", 400);
    expect_bad("POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n", 400);
}

Test(http_request, an_expectation_other_than_to_continue_fails)
{
    expect_refused("GET / HTTP/1.1\nHost: a\nExpect: a-pony\n\n", 417, true);
    expect_served("GET / HTTP/1.1\nHost: a\nExpect: 100-Continue\n\n", "/", true);
}

Test(http_request, other_versions_are_not_served)
{
    expect_bad("PRI * HTTP/2.0\n", 505);
    expect_bad("GET / HTTP/3.0\n", 505);
    expect_bad("GET / HTTP/0.9\n", 505);
    expect_bad("GET /\n", 400);
    expect_bad("GET / HTTP/1\n", 400);
    expect_bad("GET / HTTP/1.10\n", 400);
    expect_bad("GET / http/1.1\n", 400);
}

Test(http_request, a_request_line_has_three_parts_with_one_blank_between_them)
{
    expect_bad("GET  / HTTP/1.1\n", 400);
    expect_bad("GET /  HTTP/1.1\n", 400);
    expect_bad(" GET / HTTP/1.1\n", 400);
    expect_bad("GET / HTTP/1.1 \n", 400);
    expect_bad("GET\t/ HTTP/1.1\n", 400);
    expect_bad("G(T / HTTP/1.1\n", 400);
    expect_bad("\x16\x03\x01\n", 400);
}

Test(http_request, a_target_is_visible_ascii_and_begins_with_a_slash)
{
    expect_bad("GET metrics HTTP/1.1\n", 400);
    expect_bad("GET * HTTP/1.1\n", 400);
    expect_bad("GET /a#b HTTP/1.1\n", 400);
    expect_bad("GET /\x7f HTTP/1.1\n", 400);
    expect_bad("GET /\xc3\xa4 HTTP/1.1\n", 400);
    expect_bad("GET /\r HTTP/1.1\n", 400);
}

Test(http_request, http_1_1_needs_one_host)
{
    expect_bad("GET / HTTP/1.1\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a\nHost: a\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a b\n\n", 400);
    expect_bad("GET http://b/ HTTP/1.1\n\n", 400);
    expect_served("GET / HTTP/1.1\nHost:\n\n", "/", true);
}

Test(http_request, a_host_that_no_name_can_have_is_an_error)
{
    char head[2 * HTTP_HOST_BYTES], host[HTTP_HOST_BYTES + 1];
    memset(host, 'a', sizeof host);
    host[HTTP_HOST_BYTES] = '\0';
    snprintf(head, sizeof head, "GET / HTTP/1.1\nHost: %s\n\n", host);
    expect_bad(head, 400);
    snprintf(head, sizeof head, "GET / HTTP/1.1\nHost: %s\n\n", host + 1);
    expect_served(head, "/", true);
}

Test(http_request, a_field_has_a_name_and_no_blanks_before_its_colon)
{
    expect_bad("GET / HTTP/1.1\nHost : a\n\n", 400);
    expect_bad("GET / HTTP/1.1\n: a\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a\nX: b\r\rc\n\n", 400);
    expect_bad("GET / HTTP/1.1\nHost: a\nX: \x01\n\n", 400);
}

Test(http_request, folded_lines_are_refused)
{
    expect_bad("GET / HTTP/1.1\nHost: a\n b\n\n", 400);
    expect_bad("GET / HTTP/1.1\n Host: a\n\n", 400);
}

Test(http_request, a_nul_is_refused)
{
    cr_expect_eq(http_request_add_line(&request, "GET /\0 HTTP/1.1", 15), HTTP_REQUEST_BAD);
    begin();
    cr_expect_eq(add("GET / HTTP/1.1\n"), HTTP_REQUEST_MORE);
    cr_expect_eq(http_request_add_line(&request, "X: \0", 4), HTTP_REQUEST_BAD);
}

Test(http_request, a_head_of_8_KiB_is_read_and_a_longer_one_is_not)
{
    static char line[HTTP_HEAD_BYTES_MAX];
    size_t others = sizeof "GET / HTTP/1.1\r\nHost: a\r\n\r\n" - 1;
    memset(line, 'x', sizeof line);
    line[1] = ':';
    for (size_t more = 0; more < 2; more++) {
        begin();
        add("GET / HTTP/1.1\nHost: a\n");
        size_t size = HTTP_HEAD_BYTES_MAX - others - 2 + more;
        cr_expect_eq(http_request_add_line(&request, line, size), HTTP_REQUEST_MORE);
        cr_expect_eq(http_request_add_line(&request, "", 0),
                     more > 0 ? HTTP_REQUEST_BAD : HTTP_REQUEST_COMPLETE);
        cr_expect_eq(request.status, more > 0 ? 431 : 0);
    }
}

Test(http_request, a_line_that_is_too_long_is_the_target_or_a_field)
{
    cr_expect_eq(http_request_add_long_line(&request), HTTP_REQUEST_BAD);
    cr_expect_eq(request.status, 414);
    begin();
    add("GET / HTTP/1.1\n");
    cr_expect_eq(http_request_add_long_line(&request), HTTP_REQUEST_BAD);
    cr_expect_eq(request.status, 431);
}

Test(http_request, many_empty_lines_are_too_long)
{
    enum http_progress progress = HTTP_REQUEST_MORE;
    for (size_t i = 0; i <= HTTP_HEAD_BYTES_MAX / 2 && progress == HTTP_REQUEST_MORE; i++)
        progress = http_request_add_line(&request, "", 0);
    cr_expect_eq(progress, HTTP_REQUEST_BAD);
    cr_expect_eq(request.status, 414);
}

Test(http_request, has_begun_with_its_first_line)
{
    cr_assert_not(http_request_has_begun(&request));
    add("GET / HTTP/1.1\n");
    cr_assert(http_request_has_begun(&request));
}
