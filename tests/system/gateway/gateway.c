/* `udpctl gateway`: requests and results, messages and events, over all transports. */
#include "gateway_program.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_gateway, .fini = harness_end, .timeout = 120);

static const char SILENT[] = "[server]\nworkers = %d\n[admission]\npolicy = open\n"
                             "[reply]\nmode = none\n";

static void start_server(struct server *server, int workers)
{
    server_start(server, harness_format(SILENT, workers), "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", "-l", harness_format("unix:%s", harness_path("chat")), NULL);
}

static const char *name_of(int fd, const char *prefix)
{
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(fd, (struct sockaddr *)&name.sockaddr, &name.size);
    return harness_format("%s%s", prefix, endpoint_text(&name));
}

/* Expects the message of a client, and answers it. */
static void expect_and_answer(struct gateway *gateway, const char *client, const char *listener,
                              const char *text)
{
    const char *line = gateway_line(gateway);
    harness_contains("a message", line,
                     harness_format("\"address\":\"%s\",\"listener\":\"%s\",\"size\":%zu,"
                                    "\"text\":\"%s\"}",
                                    client, listener, strlen(text), text));
    gateway_write(gateway, harness_format("{\"ref\":[\"%s\"],\"to\":\"%s\",\"text\":\"to %s\"}",
                                          text, client, text));
    gateway_expect(gateway, harness_format("{\"ref\":[\"%s\"],\"sent\":1,\"failed\":0}", text));
}

/* ---- messages both ways ---- */

static void talk_over_all_transports(int workers)
{
    struct server server = {0};
    struct gateway gateway;
    start_server(&server, workers);
    gateway_start(&gateway, &server, NULL);
    const char *udp_listener = harness_format("%s", endpoint_text(&server.at[0]));
    int udp = udp_open("127.0.0.1"), tcp = stream_open(server.others[0]),
        local = stream_open(server.others[1]);
    for (int i = 0; i < 3; i++) {
        const char *text = harness_format("udp %d", i);
        udp_send_text(udp, &server.at[0], text);
        expect_and_answer(&gateway, name_of(udp, ""), udp_listener, text);
        udp_expect(udp, &server.at[0], harness_format("to %s", text));
        stream_write_text(tcp, harness_format("tcp %d\n", i));
        expect_and_answer(&gateway, name_of(tcp, "tcp:"), server.others[0],
                          harness_format("tcp %d", i));
        stream_expect(tcp, harness_format("to tcp %d", i));
        stream_write_text(local, harness_format("unix %d\n", i));
        expect_and_answer(&gateway, "unix:#1", server.others[1], harness_format("unix %d", i));
        stream_expect(local, harness_format("to unix %d", i));
    }
    harness_equal("direct_sent", server_stat(&server, "direct_sent"), 9);
    gateway_end(&gateway);
    server_stop(&server);
}

Test(system_gateway, talks_with_clients_of_each_transport_on_one_worker)
{
    talk_over_all_transports(1);
}

Test(system_gateway, talks_with_clients_of_each_transport_on_four_workers)
{
    talk_over_all_transports(4);
}

Test(system_gateway, a_request_without_a_reference_has_no_result_unless_it_fails)
{
    struct server server = {0};
    struct gateway gateway;
    start_server(&server, 1);
    int udp = udp_open("127.0.0.1");
    udp_send_text(udp, &server.at[0], "hi");
    server_await_clients(&server, 1);
    gateway_start(&gateway, &server, NULL);
    const char *client = name_of(udp, "");
    gateway_write(&gateway, harness_format("{\"to\":\"%s\",\"hex\":\"00fF\"}", client));
    gateway_write(&gateway, harness_format("{\"to\":\"%s\",\"text\":\"\"}", client));
    gateway_write(&gateway, "{\"to\":\"127.0.0.1:9\",\"text\":\"x\"}");
    gateway_expect(&gateway, "{\"error\":\"cannot send to 127.0.0.1:9: no such client is "
                             "registered; `clients` lists the registered ones\"}");
    char bytes[8];
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), 2);
    harness_equal("bytes", memcmp(bytes, "\0\xff", 2), 0);
    harness_equal("an empty message", udp_receive(udp, bytes, sizeof bytes, NULL), 0);
    gateway_end(&gateway);
    server_stop(&server);
}

Test(system_gateway, broadcasts_with_selectors_and_reports_their_tally)
{
    struct server server = {0};
    struct gateway gateway;
    start_server(&server, 2);
    int one = udp_open("127.0.0.1"), other = udp_open("127.0.0.2");
    udp_send_text(one, &server.at[0], "hi");
    udp_send_text(other, &server.at[0], "hi");
    server_await_clients(&server, 2);
    gateway_start(&gateway, &server, NULL);
    gateway_write(&gateway, "{\"ref\":1,\"broadcast\":{\"text\":\"all\"}}");
    gateway_expect_part(&gateway, "{\"ref\":1,\"id\":1,\"state\":\"done\",\"targets\":2,\"sent\":2,"
                                  "\"failed\":0,\"skipped\":0,\"duration_ms\":");
    gateway_write(&gateway, "{\"ref\":2,\"broadcast\":{\"to\":[\"127.0.0.2\",\"10.0.0.0/8\"],"
                            "\"idle_max\":3600,\"hex\":\"6f6e65\"}}");
    gateway_expect_part(&gateway,
                        "{\"ref\":2,\"id\":2,\"state\":\"done\",\"targets\":1,\"sent\":1,");
    gateway_write(&gateway, "{\"broadcast\":{\"text\":\"silent\"}}");
    gateway_write(&gateway, harness_format("{\"ref\":3,\"broadcast\":{\"text\":\"x\",\"listener\":"
                                           "\"%s\"}}",
                                           server.others[0]));
    gateway_expect_part(&gateway, "{\"ref\":3,\"id\":4,\"state\":\"done\",\"targets\":0,");
    udp_expect(one, &server.at[0], "all");
    udp_expect(one, &server.at[0], "silent");
    udp_expect(other, &server.at[0], "all");
    udp_expect(other, &server.at[0], "one");
    udp_expect(other, &server.at[0], "silent");
    gateway_end(&gateway);
    server_stop(&server);
}

Test(system_gateway, prints_events_if_asked_and_only_of_the_clients_that_are_selected)
{
    struct server server = {0};
    struct gateway all, some;
    start_server(&server, 2);
    gateway_start(&all, &server, "--events", NULL);
    gateway_start(&some, &server, "--address", "127.0.0.2", NULL);
    int one = udp_open("127.0.0.1"), other = udp_open("127.0.0.2");
    udp_send_text(one, &server.at[0], "not selected");
    server_await_clients(&server, 1);
    udp_send_text(other, &server.at[0], "selected");
    gateway_expect_part(&some, "\"text\":\"selected\"}");
    size_t joined = 0, messages = 0;
    while (joined < 2 || messages < 2) {
        const char *line = gateway_line(&all);
        joined += strstr(line, "\"event\":\"joined\"") != NULL;
        messages += strstr(line, "selected\"}") != NULL;
    }
    gateway_write(&all, "{\"ref\":1,\"broadcast\":{\"text\":\"x\"}}");
    gateway_expect_part(&all, "\"event\":\"job_queued\"");
    gateway_expect_part(&all, "\"event\":\"job_started\"");
    for (int i = 0; i < 2; i++) {
        const char *line = gateway_line(&all);
        expect(strstr(line, "\"event\":\"job_ended\"") != NULL || strstr(line, "{\"ref\":1,"),
               "expected the end of the broadcast, got '%s'", line);
    }
    gateway_end(&all);
    gateway_end(&some);
    server_stop(&server);
}

/* ---- what is invalid ---- */

Test(system_gateway, the_session_goes_on_after_each_invalid_request)
{
    static const struct {
        const char *request, *begin, *part;
    } rows[] = {
        {"hello", "{\"error\":", "an object is expected"},
        {"{\"ref\":1,\"to\":\"127.0.0.1:9\",\"text\":\"\\ud800\"}", "{\"ref\":1,", "surrogate"},
        {"{\"to\":\"nowhere\",\"text\":\"x\",\"ref\":2}",
         "{\"ref\":2,\"error\":\"cannot send to "
         "'nowhere': ",
         "; `clients`"},
        {"{\"to\":\"127.0.0.1:9\",\"text\":\"x\",\"ref\":3}", "{\"ref\":3,", "no such client"},
        {"{\"to\":\"127.0.0.1:9 00\\nend\",\"text\":\"x\",\"ref\":4}", "{\"ref\":4,",
         "has a blank"},
        {"{\"to\":\"127.0.0.1:9\",\"txt\":\"x\",\"ref\":5}", "{\"ref\":5,", "'txt' is unknown"},
        {"{\"broadcast\":{\"to\":\"10.0.0.0/33\",\"text\":\"x\"},\"ref\":6}", "{\"ref\":6,",
         "cannot broadcast: bad selector"},
        {"{\"broadcast\":{\"listener\":\"127.0.0.9:1\",\"text\":\"x\"},\"ref\":7}", "{\"ref\":7,",
         "no such listener"},
        {"{\"broadcast\":{\"idle_max\":-1,\"text\":\"x\"},\"ref\":8}", "{\"ref\":8,",
         "'idle_max' is not a whole number of seconds"},
        {"{\"broadcast\":{\"idle_max\":\"1.5\",\"text\":\"x\"},\"ref\":8}", "{\"ref\":8,",
         "bad selector 'idle-max=1.5': must be a whole number; "},
        {"{\"ref\":9,\"to\":\"127.0.0.1:9\",\"hex\":\"6\"}", "{\"ref\":9,", "hexadecimal digits"},
    };
    struct server server = {0};
    struct gateway gateway;
    start_server(&server, 1);
    gateway_start(&gateway, &server, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gateway_write(&gateway, rows[i].request);
        const char *line = gateway_line(&gateway);
        expect(line != NULL && strncmp(line, rows[i].begin, strlen(rows[i].begin)) == 0 &&
                   strstr(line, rows[i].part) != NULL,
               "expected '%s...%s', got '%s'", rows[i].begin, rows[i].part, line);
    }
    gateway_write(&gateway, "\n\r");
    gateway_end(&gateway);
    server_stop(&server);
}

/* Returns a request with a payload of size bytes. */
static const char *long_request(const char *client, int size)
{
    return harness_format("{\"ref\":1,\"to\":\"%s\",\"text\":\"%0*d\"}", client, size, 0);
}

Test(system_gateway, a_payload_may_have_65507_bytes_and_a_line_half_a_mebibyte)
{
    struct server server = {0};
    struct gateway gateway;
    static char bytes[65536];
    start_server(&server, 1);
    int udp = udp_open("127.0.0.1");
    udp_send_text(udp, &server.at[0], "hi");
    server_await_clients(&server, 1);
    gateway_start(&gateway, &server, NULL);
    gateway_write(&gateway, long_request(name_of(udp, ""), 65507));
    gateway_expect(&gateway, "{\"ref\":1,\"sent\":1,\"failed\":0}");
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), 65507);
    gateway_write(&gateway, long_request(name_of(udp, ""), 65508));
    gateway_expect_part(&gateway, "{\"ref\":1,\"error\":\"cannot send: the payload is longer than");
    gateway_write(&gateway, long_request(name_of(udp, ""), 600000));
    gateway_expect_part(&gateway, "{\"error\":\"cannot read the request: its line is longer than");
    gateway_write(&gateway, long_request(name_of(udp, ""), 1));
    gateway_expect(&gateway, "{\"ref\":1,\"sent\":1,\"failed\":0}");
    gateway_end(&gateway);
    server_stop(&server);
}

Test(system_gateway, what_it_is_started_with_may_be_refused)
{
    struct server server = {0};
    start_server(&server, 1);
    struct result result = ctl(&server, "gateway", "--listener", "127.0.0.9:1", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stdout", result.out, "{\"error\":\"cannot open a gateway: ");
    result = ctl(&server, "gateway", "now", NULL);
    harness_equal("status", result.status, 2);
    server_stop(&server);
    result = ctl(&server, "gateway", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stdout", result.out, "{\"error\":\"cannot connect to ");
}

/* ---- the end ---- */

Test(system_gateway, the_end_of_its_input_waits_for_all_results)
{
    enum { REQUESTS = 2000 };
    struct server server = {0};
    struct gateway gateway;
    start_server(&server, 2);
    int tcp = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    gateway_start(&gateway, &server, NULL);
    for (int i = 0; i < REQUESTS; i++)
        gateway_write(&gateway, harness_format("{\"ref\":%d,\"to\":\"%s\",\"text\":\"%d\"}", i,
                                               name_of(tcp, "tcp:"), i));
    process_write(&gateway.process, "{\"ref\":\"last\",\"broadcast\":{\"text\":\"all\"}}");
    process_close_stdin(&gateway.process);
    int next = 0;
    bool ended = false;
    for (const char *line; (line = gateway_line(&gateway)) != NULL;) {
        if (strncmp(line, "{\"ref\":\"last\",\"id\":1,\"state\":\"done\",\"targets\":1,\"sent\":1,",
                    50) == 0)
            ended = true;
        else
            harness_equal("ref", json_integer(line, "ref"), next++);
    }
    harness_equal("results", next, REQUESTS);
    expect(ended, "expected the result of the broadcast");
    harness_equal("status", process_wait(&gateway.process), 0);
    server_stop(&server);
}

Test(system_gateway, the_end_of_the_server_is_an_error)
{
    struct server server = {0};
    struct gateway gateway;
    start_server(&server, 1);
    gateway_start(&gateway, &server, NULL);
    server_stop(&server);
    gateway_expect_part(&gateway, "{\"error\":\"cannot read the answer of ");
    harness_equal("status", process_wait(&gateway.process), 1);
}

/* A peer of the control protocol sends lines that udpctl never does, and leaves in each state. */
Test(system_gateway, a_peer_may_end_or_leave_at_any_point)
{
    static const char *const parts[] = {
        "gateway\n",
        "gateway\nsend 31 127.0.0.1:9",
        "gateway\nsend 31 127.0.0.1:9 61\n",
        "gateway\nsend 31 127.0.0.1:9 61\nend\n",
        "gateway events\nbroadcast 31 61\nbroadcast 32 61\n",
        "gateway\nbroadcast 31 61\nend\nhelp\n",
        "gateway\nend\ngateway\nend\n",
        "gateway\n\n\nend now\n",
    };
    struct server server = {0};
    start_server(&server, 4);
    udp_send_from_new_client(&server.at[0]);
    server_await_clients(&server, 1);
    int files = server_files(&server);
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            int control = control_client_open(&server);
            expect(operator_send(control, parts[i], strlen(parts[i])), "expected to send");
            if (round % 2 == 1)
                shutdown(control, SHUT_WR);
            if (round % 4 == 1)
                operator_expect_end(control);
            close(control);
        }
    server_await_files(&server, files);
    server_stop(&server);
}

Test(system_gateway, a_session_can_run_other_commands_after_its_end)
{
    struct server server = {0};
    start_server(&server, 2);
    int control = control_client_open(&server);
    const char *lines = "gateway\nsend 31 127.0.0.1:9 61\nsend - x y\nend\n", *answer;
    for (int i = 0; i < 2; i++) {
        expect(operator_send(control, lines, strlen(lines)), "expected to send");
        answer = operator_answer(control);
    }
    harness_contains("answer", answer, "ok\n");
    harness_contains("answer", answer, "\nerror 31 cannot send to 127.0.0.1:9: no such client");
    harness_contains("answer", answer, "\npermanent -\nerror - cannot send to 'x': ");
    operator_send(control, "ping\n", 5);
    harness_contains("the next answer", operator_answer(control), "unknown command 'ping'");
    close(control);
    server_stop(&server);
}

Test(system_gateway, an_unfinished_line_and_one_that_is_too_long_end_the_input)
{
    struct server server = {0};
    static char line[200000];
    start_server(&server, 1);
    int control = control_client_open(&server);
    operator_send(control, "gateway\nsend 31 127.0", 21);
    shutdown(control, SHUT_WR);
    harness_contains("answer", operator_answer(control),
                     "\nerror - cannot read the request: the "
                     "last line has no newline");
    close(control);
    control = control_client_open(&server);
    memset(line, 'x', sizeof line);
    memcpy(line, "gateway\n", 8);
    operator_send(control, line, sizeof line);
    harness_contains("answer", operator_answer(control),
                     "\nerror - cannot read the request: the "
                     "line is too long");
    operator_expect_end(control);
    close(control);
    server_stop(&server);
}

Test(system_gateway, an_observer_has_none)
{
    struct server server = {0};
    const char *path = harness_path("observers");
    server_start(&server, harness_format("[control]\nobserver-socket = %s\n", path), "-l",
                 "127.0.0.1:0", NULL);
    struct result result = run("", "udpctl", "-s", path, "gateway", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stdout", result.out, "this socket is for observers");
    server_stop(&server);
}
