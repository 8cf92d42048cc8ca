/* HTTP: connections that are kept, pipelined requests, what is refused, and limits. */

#include "http.h"
#include "harness.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_http, .fini = harness_end, .timeout = 60);

static struct server server;
static const char *address;

static void start(void)
{
    server = (struct server){0};
    server_start(&server, "[metrics]\nlisten = 127.0.0.1:0\n", "-l", "127.0.0.1:0", NULL);
    address = http_address(&server);
}

Test(system_http, a_connection_is_kept_for_further_requests)
{
    start();
    int connection = stream_open(address);
    for (int i = 0; i < 3; i++) {
        http_send(connection, "GET", i == 1 ? "/metrics" : "/healthz");
        struct http_response response = http_read(connection, true);
        harness_equal("the status", response.status, 200);
        expect(http_field(&response, "Connection") == NULL, "expected that it is kept");
    }
    server_stop(&server);
}

Test(system_http, pipelined_requests_are_answered_in_their_order)
{
    start();
    int connection = stream_open(address);
    http_send(connection, "GET", "/metrics");
    http_send(connection, "HEAD", "/healthz");
    http_send(connection, "GET", "/nothing");
    http_send(connection, "GET", "/metrics");
    harness_contains("the metrics", http_read(connection, true).body, "udpsrv_clients 0");
    harness_equal("the health", http_read(connection, false).status, 200);
    harness_equal("nothing", http_read(connection, true).status, 404);
    harness_contains("the metrics", http_read(connection, true).body, "udpsrv_clients 0");
    server_stop(&server);
}

Test(system_http, a_connection_that_ends_after_its_request_gets_the_answer)
{
    start();
    int connection = stream_open(address);
    http_send(connection, "GET", "/metrics");
    shutdown(connection, SHUT_WR);
    harness_equal("the status", http_read(connection, true).status, 200);
    stream_expect_end(connection);
    server_stop(&server);
}

Test(system_http, a_request_byte_by_byte_is_a_request)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    start();
    int connection = stream_open(address);
    for (const char *byte = request; *byte != '\0'; byte++)
        stream_write_text(connection, (char[]){*byte, '\0'});
    harness_equal("the status", http_read(connection, true).status, 200);
    server_stop(&server);
}

Test(system_http, http_1_0_is_closed_unless_it_asks_to_be_kept)
{
    start();
    harness_equal("the status",
                  http_raw(address, "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").status,
                  200);
    int connection = stream_open(address);
    for (int i = 0; i < 2; i++) {
        stream_write_text(connection, "GET /healthz HTTP/1.0\r\nHost: localhost\r\n"
                                      "Connection: keep-alive\r\n\r\n");
        struct http_response response = http_read(connection, true);
        cr_expect_str_eq(http_field(&response, "Connection"), "keep-alive");
    }
    server_stop(&server);
}

Test(system_http, a_client_that_wants_to_close_is_closed)
{
    start();
    struct http_response response =
        http_raw(address, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    harness_equal("the status", response.status, 200);
    cr_expect_str_eq(http_field(&response, "Connection"), "close");
    server_stop(&server);
}

Test(system_http, head_has_the_head_of_get)
{
    start();
    int connection = stream_open(address);
    http_send(connection, "HEAD", "/healthz");
    struct http_response response = http_read(connection, false);
    cr_expect_str_eq(http_field(&response, "Content-Length"), "8");
    http_send(connection, "GET", "/healthz");
    cr_expect_str_eq(http_read(connection, true).body, "serving\n");
    server_stop(&server);
}

Test(system_http, other_methods_are_refused_with_those_that_are_allowed)
{
    start();
    int connection = stream_open(address);
    const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        http_send(connection, methods[i], "/metrics");
        struct http_response response = http_read(connection, true);
        harness_equal(methods[i], response.status, 405);
        cr_expect_str_eq(http_field(&response, "Allow"), "GET, HEAD");
    }
    http_send(connection, "BREW", "/metrics");
    harness_equal("BREW", http_read(connection, true).status, 501);
    server_stop(&server);
}

Test(system_http, what_is_no_request_is_refused_and_closed)
{
    static const struct {
        const char *request;
        int status;
    } refused[] = {
        {"nonsense\r\n", 400},
        {"GET /\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400},
        {"GET / HTTP/9.9\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"\x16\x03\x01\x02\n", 400},
        {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nGET ", 405},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nGET ", 413},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
    };
    start();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct http_response response = http_raw(address, refused[i].request);
        harness_equal(refused[i].request, response.status, refused[i].status);
        cr_expect_str_eq(http_field(&response, "Connection"), "close");
    }
    server_stop(&server);
}

Test(system_http, no_path_leads_to_a_file)
{
    static const char *const paths[] = {"/../../../../etc/passwd",
                                        "/metrics/../../etc/passwd",
                                        "/%2e%2e/%2e%2e/etc/passwd",
                                        "//etc/passwd",
                                        "/metrics/",
                                        "/metrics%00"};
    start();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        harness_equal(paths[i], http_get(address, paths[i]).status, 404);
    server_stop(&server);
}

/* Sends a text of size bytes 'x' after the beginning of a request, as far as the server reads. */
static void send_long(int connection, const char *begin, size_t size)
{
    static char bytes[65536];
    memset(bytes, 'x', sizeof bytes);
    stream_write_text(connection, begin);
    for (size_t sent = 0; sent < size; sent += sizeof bytes)
        if (send(connection, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
            break;
}

Test(system_http, a_target_or_a_head_of_10_megabytes_is_refused)
{
    start();
    int connection = stream_open(address);
    send_long(connection, "GET /", 10 << 20);
    harness_equal("the target", http_read(connection, true).status, 414);
    close(connection);
    connection = stream_open(address);
    send_long(connection, "GET / HTTP/1.1\r\nX: ", 10 << 20);
    harness_equal("the head", http_read(connection, true).status, 431);
    close(connection);
    harness_equal("afterwards", http_get(address, "/healthz").status, 200);
    server_stop(&server);
}

/* ---- limits ---- */

Test(system_http, a_connection_beyond_32_takes_the_place_of_the_one_idle_longest)
{
    int connections[33];
    start();
    for (size_t i = 0; i < 32; i++) {
        connections[i] = stream_open(address);
        http_send(connections[i], "GET", "/healthz");
        http_read(connections[i], true);
    }
    http_send(connections[0], "GET", "/healthz");
    http_read(connections[0], true);
    connections[32] = stream_open(address);
    http_send(connections[32], "GET", "/healthz");
    harness_equal("the new one", http_read(connections[32], true).status, 200);
    stream_expect_end(connections[1]);
    http_send(connections[0], "GET", "/healthz");
    harness_equal("the first one", http_read(connections[0], true).status, 200);
    server_stop(&server);
}

Test(system_http, silent_and_slow_peers_are_closed_after_ten_seconds)
{
    if (harness_sanitized())
        cr_skip("it measures a time");
    start();
    int64_t begin_ms = harness_now_ms();
    int silent = stream_open(address), slow = stream_open(address), idle = stream_open(address);
    stream_write_text(slow, "GET / HTTP/1.1\r\nHo");
    http_send(idle, "GET", "/healthz");
    http_read(idle, true);
    harness_equal("the slow one", http_read(slow, true).status, 408);
    harness_equal("the silent one", http_read(silent, true).status, 408);
    stream_expect_end(slow);
    stream_expect_end(silent);
    stream_expect_end(idle);
    int64_t passed_ms = harness_now_ms() - begin_ms;
    expect(passed_ms > 9900 && passed_ms < 14000, "expected 10 s, not %d ms", (int)passed_ms);
    server_stop(&server);
}

Test(system_http, a_peer_that_does_not_read_delays_no_other)
{
    start();
    int connection = stream_open(address);
    for (int i = 0; i < 2000; i++) {
        char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if (send(connection, request, strlen(request), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
    }
    harness_equal("another one", http_get(address, "/metrics").status, 200);
    ctl_ok(&server, "status", NULL);
    server_stop(&server);
}

Test(system_http, ten_thousand_connections_do_not_lock_out_the_next_one)
{
    start();
    int files = server_files(&server);
    for (int i = 0; i < 10000; i++)
        close(stream_open(address));
    harness_equal("the next one", http_get(address, "/metrics").status, 200);
    server_await_files(&server, files);
    server_stop(&server);
}
