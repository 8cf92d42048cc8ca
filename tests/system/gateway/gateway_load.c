/* `udpctl gateway` under load: the order of messages, programs that do not read, and floods. */
#include "gateway_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_gateway_load, .fini = harness_end, .timeout = 120);

static const char SILENT[] = "[server]\nworkers = %d\n[admission]\npolicy = open\n"
                             "[reply]\nmode = none\n";

static const char *name_of(int fd, const char *prefix)
{
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(fd, (struct sockaddr *)&name.sockaddr, &name.size);
    return harness_format("%s%s", prefix, endpoint_text(&name));
}

/* ---- order ---- */

enum { UDP_CLIENTS = 90, TCP_CLIENTS = 10, CLIENTS = UDP_CLIENTS + TCP_CLIENTS, SENDS = 5000 };

static void connect_clients(struct server *server, int fds[CLIENTS], const char *names[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        bool is_udp = i < UDP_CLIENTS;
        fds[i] = is_udp ? udp_open("127.0.0.1") : stream_open(server->others[0]);
        names[i] = name_of(fds[i], is_udp ? "" : "tcp:");
        if (is_udp)
            udp_send_text(fds[i], &server->at[0], "hi");
    }
    server_await_clients(server, CLIENTS);
}

/* The clients are drawn, so that each batch has several messages to some of them. */
static void send_in_order(int workers)
{
    struct server server = {0};
    struct gateway gateway;
    int fds[CLIENTS], receiver[SENDS];
    const char *names[CLIENTS];
    unsigned seed = 7;
    server_start(&server, harness_format(SILENT, workers), "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", NULL);
    connect_clients(&server, fds, names);
    gateway_start(&gateway, &server, NULL);
    for (int i = 0; i < SENDS; i++) {
        seed = seed * 1664525 + 1013904223;
        receiver[i] = (int)((seed >> 16) % CLIENTS);
        gateway_write(&gateway, harness_format("{\"ref\":%d,\"to\":\"%s\",\"text\":\"%d\"}", i,
                                               names[receiver[i]], i));
    }
    for (int i = 0; i < SENDS; i++)
        gateway_expect(&gateway, harness_format("{\"ref\":%d,\"sent\":1,\"failed\":0}", i));
    for (int i = 0; i < SENDS; i++) {
        int fd = fds[receiver[i]];
        if (receiver[i] < UDP_CLIENTS)
            udp_expect(fd, &server.at[0], harness_format("%d", i));
        else
            stream_expect(fd, harness_format("%d", i));
    }
    harness_equal("direct_sent", server_stat(&server, "direct_sent"), SENDS);
    gateway_end(&gateway);
    server_stop(&server);
}

Test(system_gateway_load, sends_to_one_client_leave_in_order_on_one_worker)
{
    send_in_order(1);
}

Test(system_gateway_load, sends_to_one_client_leave_in_order_on_four_workers)
{
    send_in_order(4);
}

/* Two gateways get all messages, each client's in its order. */
static void receive_in_order(int workers)
{
    enum { TALKERS = 20, EACH = 100 };
    struct server server = {0};
    struct gateway gateways[2];
    int fds[TALKERS];
    server_start(&server, harness_format(SILENT, workers), "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < TALKERS; i++)
        fds[i] = udp_open("127.0.0.1");
    for (int g = 0; g < 2; g++)
        gateway_start(&gateways[g], &server, NULL);
    for (int n = 0; n < EACH; n++)
        for (int i = 0; i < TALKERS; i++)
            udp_send_text(fds[i], &server.at[0], harness_format("%d", i * EACH + n));
    for (int g = 0; g < 2; g++) {
        int next[TALKERS] = {0};
        for (int n = 0; n < TALKERS * EACH; n++) {
            const char *line = gateway_line(&gateways[g]);
            int value = atoi(strstr(line, "\"text\":\"") + strlen("\"text\":\""));
            harness_equal("the next of a client", value % EACH, next[value / EACH]++);
        }
        gateway_end(&gateways[g]);
    }
    server_stop(&server);
}

Test(system_gateway_load, messages_of_one_client_come_in_order_from_one_worker)
{
    receive_in_order(1);
}

Test(system_gateway_load, messages_of_one_client_come_in_order_from_four_workers)
{
    receive_in_order(4);
}

/* ---- a program that writes before it reads ---- */

/* Messages wait in all pipes and buffers when the program writes some megabytes of requests. */
Test(system_gateway_load, a_program_may_write_all_its_requests_before_it_reads)
{
    enum { MESSAGES = 20000, REQUESTS = 60000 };
    struct server server = {0};
    struct gateway gateway;
    struct bytes requests = {0};
    char payload[600];
    server_start(&server, harness_format(SILENT, 2), "-l", "127.0.0.1:0", NULL);
    int talker = udp_open("127.0.0.1"), listener = udp_open("127.0.0.1");
    udp_send_text(listener, &server.at[0], "hi");
    server_await_clients(&server, 1);
    gateway_start(&gateway, &server, NULL);
    memset(payload, 'p', sizeof payload);
    for (int i = 0; i < MESSAGES; i++)
        udp_send(talker, &server.at[0], payload, sizeof payload);
    server_await_stat(&server, "listen_lost", 1);
    const char *request =
        harness_format("{\"to\":\"%s\",\"text\":\"answer\"}\n", name_of(listener, ""));
    size_t each = strlen(request);
    requests.data = malloc(each * REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        memcpy(requests.data + each * (size_t)i, request, each);
    gateway_write_without_reading(&gateway, requests.data, each * REQUESTS);
    server_await_stat(&server, "direct_sent", REQUESTS);
    free(requests.data);
    udp_expect(listener, &server.at[0], "answer");
    process_close_stdin(&gateway.process);
    while (gateway_line(&gateway) != NULL)
        ;
    harness_equal("status", process_wait(&gateway.process), 0);
    server_stop(&server);
}

/* ---- floods ---- */

/* Sends requests for as long as the server takes them, and reads no result. */
static void fill(int control, const char *request)
{
    while (send(control, request, strlen(request), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
}

static void expect_service(struct server *server, int udp, struct gateway *other)
{
    server_ask(server, "status");
    udp_send_text(udp, &server->at[0], "hi");
    gateway_expect_part(other, "\"text\":\"hi\"}");
    gateway_write(other, harness_format("{\"to\":\"%s\",\"text\":\"answer\"}", name_of(udp, "")));
    udp_expect(udp, &server->at[0], "answer");
}

/* Each of the sessions has sent as much as the kernel and the server take, and reads nothing; the
 * server's memory is bounded, and other sessions are served. */
Test(system_gateway_load, gateways_that_flood_and_do_not_read_delay_no_other)
{
    enum { FLOODS = 8, ROUNDS = 200 };
    static const char *const requests[] = {"send 31 127.0.0.1:9 61\n", "send 31 x\n", "\n"};
    struct server server = {0};
    struct gateway other;
    int floods[FLOODS];
    server_start(&server, harness_format(SILENT, 2), "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.3");
    gateway_start(&other, &server, "--address", "127.0.0.3", NULL);
    expect_service(&server, udp, &other);
    int64_t before_kb = server_resident_kb(&server);
    for (int i = 0; i < FLOODS; i++) {
        floods[i] = control_client_open(&server);
        operator_send(floods[i], "gateway\n", 8);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < FLOODS; i++)
            fill(floods[i], requests[i % 3]);
        server_ask(&server, "status");
    }
    expect_service(&server, udp, &other);
    if (!harness_sanitized())
        expect(server_resident_kb(&server) - before_kb < FLOODS * 4096,
               "expected at most 4 MiB for each session, it is %lld kB for all",
               (long long)(server_resident_kb(&server) - before_kb));
    for (int i = 0; i < FLOODS; i++)
        close(floods[i]);
    expect_service(&server, udp, &other);
    gateway_end(&other);
    server_stop(&server);
}

/* Reads from a session of which output waits. Returns whether text, of at most 64 bytes, was in it.
 */
static bool read_some(int control, const char *text)
{
    enum { KEPT = 64 /* of what was read before, since text may be incomplete */ };
    static char bytes[KEPT + 65536 + 1];
    if (bytes[0] == '\0')
        memset(bytes, ' ', KEPT);
    ssize_t size = recv(control, bytes + KEPT, 65536, 0);
    expect(size > 0, "expected output");
    bytes[KEPT + size] = '\0';
    bool is_found = strstr(bytes, text) != NULL;
    memmove(bytes, bytes + size, KEPT);
    return is_found;
}

/* Sends messages until some find no room in the output of the session. */
static void overload(struct server *server, int udp)
{
    static char payload[1000];
    int64_t lost = server_stat(server, "listen_lost");
    memset(payload, 'p', sizeof payload);
    do {
        for (int i = 0; i < 40; i++)
            udp_send(udp, &server->at[0], payload, sizeof payload);
    } while (server_stat(server, "listen_lost") == lost);
}

/* The output of the session is never sent whole, since messages come as fast as it reads. */
Test(system_gateway_load, requests_are_read_again_under_a_steady_overload)
{
    enum { ROUNDS = 200 /* of 64 KiB: several times what the session may have waiting */ };
    struct server server = {0};
    server_start(&server, harness_format(SILENT, 1), "-l", "127.0.0.1:0", NULL);
    int control = control_client_open(&server), udp = udp_open("127.0.0.1");
    operator_send(control, "gateway\n", 8);
    udp_send_text(udp, &server.at[0], "first");
    while (!read_some(control, "message "))
        udp_send_text(udp, &server.at[0], "again");
    for (int round = 0; round < 2000; round++) {
        fill(control, "send 31 127.0.0.1:9 61\n");
        if (round % 10 == 0)
            server_ask(&server, "status");
    }
    bool is_sent = false, is_found = false;
    for (int round = 0; round < ROUNDS && !is_found; round++) {
        overload(&server, udp);
        is_found = read_some(control, "error mark ");
        if (!is_sent)
            is_sent = send(control, "\nsend mark x\n", 13, MSG_DONTWAIT | MSG_NOSIGNAL) == 13;
    }
    expect(is_sent, "expected that the session takes another request");
    expect(is_found, "expected its result");
    close(control);
    server_stop(&server);
}

/* What a session that reads again gets is whole: one result for each request, in order. */
Test(system_gateway_load, a_session_that_reads_late_gets_each_result)
{
    enum { REQUESTS = 100000, REQUEST_BYTES = 64 };
    struct server server = {0};
    struct gateway gateway;
    char *requests = malloc(REQUESTS * REQUEST_BYTES), *end = requests;
    server_start(&server, harness_format(SILENT, 2), "-l", "127.0.0.1:0", NULL);
    gateway_start(&gateway, &server, NULL);
    for (int i = 0; i < REQUESTS; i++)
        end +=
            snprintf(end, REQUEST_BYTES, "{\"ref\":%d,\"to\":\"127.0.0.1:9\",\"text\":\"x\"}\n", i);
    process_write(&gateway.process, requests);
    free(requests);
    process_close_stdin(&gateway.process);
    for (int i = 0; i < REQUESTS; i++) {
        const char *line = gateway_line(&gateway);
        harness_equal("ref", line != NULL ? json_integer(line, "ref") : -1, i);
    }
    gateway_end(&gateway);
    server_stop(&server);
}
