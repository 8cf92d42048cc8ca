/* `udpctl gateway`: messages both ways as JSON lines, for a program. */

#include "harness.h"
#include "protocol_page.h"
#include "subscriber.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_gateway, .fini = harness_end, .timeout = 120);

static void start(struct server *server, int workers)
{
    *server = (struct server){.listeners = 0};
    server_start(server,
                 harness_format("[server]\nworkers = %d\n[admission]\npolicy = open\n"
                                "[reply]\nmode = none\n",
                                workers),
                 "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

static const char *name_of(int socket)
{
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(socket, (struct sockaddr *)&name.sockaddr, &name.size);
    return harness_format("%s", endpoint_text(&name));
}

/* Registers a client. */
static int join(struct server *server)
{
    int udp = udp_open("127.0.0.1");
    int64_t clients = server_stat(server, "clients");
    udp_send_text(udp, &server->at[0], "joins");
    server_await_clients(server, clients + 1);
    return udp;
}

/* Runs a gateway with these requests until it has ended. */
static struct result gateway(const struct server *server, const char *requests)
{
    return run(requests, "udpctl", "-s", server->socket, "gateway", NULL);
}

/* ---- requests and results ---- */

Test(system_gateway, sends_to_clients_of_every_transport_and_reports_by_reference)
{
    for (int workers = 1; workers <= 4; workers += 3) {
        struct server server;
        start(&server, workers);
        int udp = join(&server), tcp = stream_open(server.others[0]);
        int unix_client = stream_open(server.others[1]);
        server_await_clients(&server, 3);
        const char *requests =
            harness_format("{\"to\":\"%s\",\"text\":\"by datagram\",\"ref\":1}\n"
                           "{\"to\":\"tcp:%s\",\"text\":\"by TCP\",\"ref\":\"b\"}\n"
                           "{\"to\":\"unix:#1\",\"hex\":\"41ff\",\"ref\":[3]}\n"
                           "{\"to\":\"192.0.2.1:9\",\"text\":\"x\",\"ref\":4}\n"
                           "{\"to\":\"%s\",\"text\":\"\"}\n",
                           name_of(udp), name_of(tcp), name_of(udp));
        struct result result = gateway(&server, requests);
        harness_equal("status", result.status, 0);
        harness_contains("results", result.out, "{\"ref\":1,\"sent\":1,\"failed\":0}\n");
        harness_contains("results", result.out, "{\"ref\":\"b\",\"sent\":1,\"failed\":0}\n");
        harness_contains("results", result.out, "{\"ref\":[3],\"sent\":1,\"failed\":0}\n");
        harness_contains("results", result.out,
                         "{\"ref\":4,\"error\":\"cannot send to 192.0.2.1:9: no such client");
        harness_equal("results", (int64_t)text_count(result.out, "\n"), 4);
        udp_expect(udp, &server.at[0], "by datagram");
        udp_expect(udp, &server.at[0], "");
        stream_expect(tcp, "by TCP");
        stream_expect_bytes(unix_client, "A\xff\n");
        harness_equal("direct_sent", server_stat(&server, "direct_sent"), 4);
        server_stop(&server);
    }
}

Test(system_gateway, broadcasts_to_all_or_to_those_that_match)
{
    struct server server;
    start(&server, 2);
    int udp = join(&server), tcp = stream_open(server.others[0]);
    server_await_clients(&server, 2);
    struct result result = gateway(
        &server, harness_format("{\"broadcast\":{\"text\":\"all\"},\"ref\":1}\n"
                                "{\"broadcast\":{\"text\":\"some\",\"listener\":\"%s\","
                                "\"to\":[\"127.0.0.0/8\",\"::1\"],\"idle_max\":\"1m\"},\"ref\":2}\n"
                                "{\"broadcast\":{\"text\":\"x\",\"listener\":\"192.0.2.1:1\"},"
                                "\"ref\":3}\n",
                                endpoint_text(&server.at[0])));
    harness_equal("status", result.status, 0);
    harness_contains("results", result.out,
                     "{\"ref\":1,\"id\":1,\"state\":\"done\",\"targets\":2,"
                     "\"sent\":2,\"failed\":0,\"skipped\":0,");
    harness_contains("results", result.out,
                     "{\"ref\":2,\"id\":2,\"state\":\"done\",\"targets\":1,"
                     "\"sent\":1,\"failed\":0,\"skipped\":0,");
    harness_contains("results", result.out, "{\"ref\":3,\"error\":\"cannot broadcast: ");
    udp_expect(udp, &server.at[0], "all");
    udp_expect(udp, &server.at[0], "some");
    stream_expect(tcp, "all");
    stream_expect_nothing(tcp, "a message for others");
    harness_contains("log", server_log(&server), "name=broadcast job=2 bytes=4 selector=");
    server_stop(&server);
}

Test(system_gateway, goes_on_after_an_invalid_request)
{
    struct server server;
    start(&server, 1);
    int udp = join(&server);
    struct result result =
        gateway(&server, harness_format("not JSON\n\n{\"to\":\"%s\",\"txt\":\"x\",\"ref\":7}\n"
                                        "{\"to\":\"%s\",\"text\":\"after it\"}",
                                        name_of(udp), name_of(udp)));
    harness_equal("status", result.status, 0);
    harness_contains("results", result.out, "{\"error\":\"cannot read the request: an object is");
    harness_contains("results", result.out,
                     "{\"ref\":7,\"error\":\"cannot read the request: it has "
                     "an unknown member 'txt'");
    harness_equal("results", (int64_t)text_count(result.out, "\n"), 2);
    udp_expect(udp, &server.at[0], "after it");
    server_stop(&server);
}

Test(system_gateway, prints_what_listen_and_events_print)
{
    struct server server;
    struct process process;
    start(&server, 1);
    process_start(&process, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", "--events",
                                        "--address", "127.0.0.1", NULL});
    process_write(&process, "{\"to\":\"192.0.2.1:9\",\"text\":\"x\",\"ref\":\"begun\"}\n");
    process_await_text(&process, "\"begun\"");
    int other = udp_open("127.0.0.2"), udp = udp_open("127.0.0.1");
    udp_send_text(other, &server.at[0], "from another block");
    server_await_clients(&server, 1);
    udp_send_text(udp, &server.at[0], "hello");
    process_await_text(&process,
                       harness_format("\"event\":\"joined\",\"address\":\"%s\"", name_of(udp)));
    process_await_text(&process, "\"size\":5,\"text\":\"hello\"}\n");
    expect(strstr(process.texts[0].data, "127.0.0.2") == NULL, "expected no other client");
    process_close_stdin(&process);
    harness_equal("status", process_wait(&process), 0);
    server_stop(&server);
}

/* ---- order and pressure ---- */

Test(system_gateway, messages_to_a_client_leave_in_the_order_of_the_input)
{
    enum { CLIENTS = 20, MESSAGES = 3000 };
    struct server server;
    int clients[CLIENTS], next[CLIENTS] = {0};
    start(&server, 4);
    size_t room = MESSAGES * 64, size = 0;
    char *requests = malloc(room);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = join(&server);
    for (int i = 0; i < MESSAGES; i++)
        size += (size_t)snprintf(requests + size, room - size, "{\"to\":\"%s\",\"text\":\"%d\"}\n",
                                 name_of(clients[i % CLIENTS]), i / CLIENTS);
    harness_equal("status", gateway(&server, requests).status, 0);
    for (int i = 0; i < MESSAGES; i++)
        udp_expect(clients[i % CLIENTS], &server.at[0], harness_format("%d", next[i % CLIENTS]++));
    harness_equal("direct_sent", server_stat(&server, "direct_sent"), MESSAGES);
    free(requests);
    server_stop(&server);
}

/* Sends requests without reading results, until the server takes no more. *sent is how many bytes
 * were sent. */
static void flood(int session, const char *request, size_t *sent)
{
    size_t size = strlen(request);
    for (int refused = 0; refused < 5;) {
        ssize_t written = send(session, request + *sent % size, size - *sent % size, MSG_DONTWAIT);
        if (written < 0)
            harness_wait_ms(20);
        refused = written < 0 ? refused + 1 : 0;
        *sent += written > 0 ? (size_t)written : 0;
    }
}

Test(system_gateway, that_does_not_read_its_results_is_not_read_and_delays_nobody)
{
    struct server server;
    struct subscriber session;
    start(&server, 1);
    int udp = join(&server);
    server_configure(&server, "[admission]\npolicy = open\n[reply]\nmessage = yes\n");
    ctl_ok(&server, "reload", NULL);
    subscriber_open(&session, &server, "gateway");
    const char *request = harness_format("send flood 192.0.2.1:9 %0512d\n", 0);
    size_t sent = 0;
    flood(session.control, request, &sent);
    int64_t resident_kb = server_resident_kb(&server);
    flood(session.control, request, &sent);
    expect(server_resident_kb(&server) < resident_kb + 4096, "expected bounded memory");
    udp_ask(udp, &server.at[0], "hi", "yes");
    harness_contains("status", ctl_ok(&server, "status", NULL), "clients");
    for (size_t results = 0; results < sent / strlen(request);) {
        const char *line = subscriber_line(&session);
        bool is_result = strncmp(line, "error flood cannot send to 192.0.2.1:9", 38) == 0;
        expect(is_result || strcmp(line, "lost 1") == 0, "expected a result, not %s", line);
        results += is_result;
    }
    subscriber_close(&session);
    server_stop(&server);
}

Test(system_gateway, that_leaves_at_any_moment_harms_nobody)
{
    enum { ROUNDS = 50 };
    struct server server;
    start(&server, 2);
    int udp = join(&server);
    for (int i = 0; i < ROUNDS; i++) {
        struct subscriber session;
        const char *requests = harness_format("send 1 %s 00\nbroadcast 2 01\nsend 3 %s 00\nsend 4 ",
                                              name_of(udp), name_of(udp));
        subscriber_open(&session, &server, i % 2 == 0 ? "gateway events" : "gateway");
        expect(operator_send(session.control, requests, strlen(requests) - (size_t)i % 20),
               "expected to send");
        if (i % 3 == 0)
            subscriber_line(&session);
        subscriber_close(&session);
    }
    udp_send_text(udp, &server.at[0], "still here");
    harness_equal("sessions", (int64_t)text_count(server_log(&server), "name=gateway"), ROUNDS);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_gateway, fails_when_the_server_stops)
{
    struct server server;
    struct process process;
    start(&server, 1);
    process_start(&process, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", NULL});
    process_write(&process, "{\"to\":\"192.0.2.1:9\",\"text\":\"x\",\"ref\":\"begun\"}\n");
    process_await_text(&process, "\"begun\"");
    server_stop(&server);
    harness_equal("status", process_wait(&process), 1);
    harness_contains("output", process.texts[0].data, "\"error\":\"cannot read the answer of ");
}

Test(system_gateway, by_raw_lines_ends_with_the_last_result_and_the_session_goes_on)
{
    struct server server;
    struct subscriber session;
    start(&server, 2);
    int udp = join(&server);
    subscriber_open(&session, &server, "gateway");
    const char *lines = harness_format("send a %s 6869\nend\nstatus\n", name_of(udp));
    expect(operator_send(session.control, lines, strlen(lines)), "expected to send");
    cr_assert_str_eq(subscriber_line(&session), "result a sent=1 failed=0");
    cr_assert_str_eq(subscriber_line(&session), ".");
    cr_assert_str_eq(subscriber_line(&session), "ok");
    cr_assert_str_eq(subscriber_line(&session), "clients 1");
    subscriber_close(&session);
    server_stop(&server);
}

/* ---- the backend of the documents ---- */

/* Starts the Python program, which runs udpctl by its name. */
static void start_backend(struct process *backend, const struct server *server, const char *program)
{
    const char *command = harness_format("[\"%s\", \"-s\", \"%s\", \"gateway\"]",
                                         program_path("udpctl"), server->socket);
    const char *name = strstr(program, "[\"udpctl\", \"gateway\"]");
    expect(name != NULL, "expected the program to run udpctl gateway");
    const char *script = harness_format("%.*s%s%s", (int)(name - program), program, command,
                                        name + strlen("[\"udpctl\", \"gateway\"]"));
    process_start(backend, NULL, (const char *const[]){"python3", "-c", script, NULL});
}

static void expect_backend_answers(const char *program)
{
    struct server server;
    struct process backend;
    char answer[64] = "";
    start(&server, 1);
    int udp = udp_open("127.0.0.1");
    start_backend(&backend, &server, program);
    do { /* until it has subscribed */
        udp_send_text(udp, &server.at[0], "what time is it?");
        process_pump(&backend, 50);
    } while (server_stat(&server, "direct_sent") == 0);
    udp_receive(udp, answer, sizeof answer - 1, NULL);
    expect(strncmp(answer, "It is ", 6) == 0 && strstr(answer, " o'clock") != NULL,
           "expected the time, not %s", answer);
    process_kill(&backend, SIGKILL);
    process_wait(&backend);
    server_stop(&server);
}

Test(system_gateway, the_backend_of_the_protocol_page_answers)
{
    expect_backend_answers(page_block("python backend"));
}

/* The block of the README is indented by four blanks. */
Test(system_gateway, the_backend_of_the_readme_is_the_same)
{
    const char *readme = run_ok(NULL, "cat", "README.md", NULL);
    const char *lines = page_block("python backend"), *indented = "";
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
        indented = harness_format("%s    %.*s\n", indented, (int)(end - lines), lines);
    harness_contains("README.md", readme, indented);
}
