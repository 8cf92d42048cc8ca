/* The HTTP server of [metrics] from its start to its end, without workers. */
#include "server/metrics/metrics_server.h"

#include "config/config_defaults.h"
#include "config/config_keys.h"
#include "net/socket/tcp_socket.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 10000 };

static struct config *config;
static struct metrics_server *server;
static struct loop *loop;
static const struct identity nobody = {(uid_t)-1, (gid_t)-1};

static void set(const char *name, const char *value)
{
    char reason[CONFIG_REASON_BYTES];
    cr_assert_eq(
        config_key_set(config_key_find("metrics", name), config, value, strlen(value), reason), 0);
}

static void open_server(void)
{
    const struct metrics_server_options options = {.config = config, .owner = &nobody};
    cr_assert_eq(metrics_server_open(&server, &options), 0);
}

static void set_up(void)
{
    config = config_defaults();
    loop = loop_new();
    set("listen", "127.0.0.1:0");
}

static void tear_down(void)
{
    metrics_server_close(server);
    loop_free(loop);
    config_free(config);
}

TestSuite(metrics_server, .init = set_up, .fini = tear_down, .timeout = 30);

static int connect_to_server(void)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, metrics_server_text(server), 0));
    int fd = tcp_connect_within(&addr, DEADLINE_MS);
    cr_assert_geq(fd, 0);
    return fd;
}

static void send_request(int fd, const char *path)
{
    char request[128];
    int size =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    cr_assert_eq(send(fd, request, (size_t)size, MSG_NOSIGNAL), size);
}

/* Receives once, and ends the text. */
static const char *receive(int fd)
{
    static char answer[4096];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, DEADLINE_MS), 1);
    ssize_t size = recv(fd, answer, sizeof answer - 1, 0);
    answer[size > 0 ? size : 0] = '\0';
    return answer;
}

static bool has_input(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

/* Sends a request, and polls the start until it is answered. */
static const char *ask_at_start(const char *path)
{
    int fd = connect_to_server();
    send_request(fd, path);
    while (!has_input(fd))
        metrics_server_poll_start(server);
    const char *answer = receive(fd);
    close(fd);
    return answer;
}

struct asked {
    struct loop_handler handler;
    int fd;
};

static void stop_at_answer(void *state, unsigned events)
{
    (void)events;
    loop_remove(&((struct asked *)state)->handler);
    loop_stop(loop);
}

/* The same in the loop of the server. */
static const char *ask(const char *path)
{
    struct asked asked = {.fd = connect_to_server()};
    send_request(asked.fd, path);
    cr_assert_eq(loop_add(loop, &asked.handler, asked.fd, LOOP_READ, stop_at_answer, &asked), 0);
    loop_run_until_stopped(loop);
    const char *answer = receive(asked.fd);
    close(asked.fd);
    return answer;
}

static void start(void)
{
    const struct metrics_source source = {.config = config};
    cr_assert_eq(metrics_server_start(server, loop, &source), 0);
}

static void expect_answer(const char *answer, int status, const char *text)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    cr_expect_eq(strncmp(answer, line, strlen(line)), 0, "%s", answer);
    cr_expect_not_null(strstr(answer, text), "%s", answer);
}

Test(metrics_server, without_an_address_there_is_none)
{
    config->metrics.listen = (struct config_listen){.transport = TRANSPORT_UDP};
    open_server();
    cr_assert_null(server);
    metrics_server_poll_start(server);
    metrics_server_stop(server);
}

Test(metrics_server, says_that_it_starts_until_it_serves)
{
    open_server();
    expect_answer(ask_at_start("/healthz"), 503, "\r\n\r\nstarting\n");
    expect_answer(ask_at_start("/metrics"), 503, "\r\n\r\nstarting\n");
    start();
    expect_answer(ask("/healthz"), 200, "\r\n\r\nserving\n");
}

Test(metrics_server, the_start_waits_for_no_request)
{
    open_server();
    metrics_server_poll_start(server);
    int silent = connect_to_server();
    metrics_server_poll_start(server);
    metrics_server_poll_start(server);
    close(silent);
}

Test(metrics_server, a_connection_of_the_start_is_closed_and_the_next_one_is_served)
{
    open_server();
    int fd = connect_to_server();
    send_request(fd, "/healthz");
    while (!has_input(fd))
        metrics_server_poll_start(server);
    receive(fd);
    start();
    cr_expect_str_eq(receive(fd), "");
    close(fd);
    expect_answer(ask("/healthz"), 200, "serving");
}

Test(metrics_server, a_connection_that_waits_during_the_start_is_served_after_it)
{
    open_server();
    int fd = connect_to_server();
    start();
    send_request(fd, "/healthz");
    expect_answer(ask("/healthz"), 200, "serving");
    expect_answer(receive(fd), 200, "serving");
    close(fd);
}

Test(metrics_server, says_that_it_drains_when_it_stops)
{
    open_server();
    start();
    metrics_server_stop(server);
    expect_answer(ask("/healthz"), 503, "\r\n\r\ndraining\n");
    expect_answer(ask("/metrics"), 503, "\r\n\r\ndraining\n");
    expect_answer(ask("/status.json"), 503, "\r\n\r\ndraining\n");
    expect_answer(ask("/"), 200, "<!DOCTYPE html>");
}

Test(metrics_server, only_what_is_allowed_is_answered)
{
    set("allow", "192.0.2.0/24");
    open_server();
    expect_answer(ask_at_start("/healthz"), 403, "this address is not in metrics.allow");
    start();
    expect_answer(ask("/healthz"), 403, "this address is not in metrics.allow");
    struct access_list *allow;
    config_clear_metrics_allow(config);
    set("allow", "127.0.0.0/8");
    cr_assert_eq(metrics_server_make_allow(&config->metrics.allow, &allow), 0);
    metrics_server_set_allow(server, allow);
    expect_answer(ask("/healthz"), 200, "serving");
}

Test(metrics_server, a_list_of_none_that_is_not_used_is_freed)
{
    struct access_list *allow;
    set("allow", "127.0.0.0/8");
    cr_assert_eq(metrics_server_make_allow(&config->metrics.allow, &allow), 0);
    metrics_server_set_allow(NULL, allow);
}
