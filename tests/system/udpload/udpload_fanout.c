/* Tests of udpload --fanout: the copies that it counts, its errors, and the clients that it
 * unregisters. */

#include "udpload_stand_in.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(system_udpload_fanout, .fini = harness_end, .timeout = 60);

Test(system_udpload_fanout, counts_the_copies_of_broadcasts)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    load_start(harness_format("--fanout --control %s -c 3000 -n 3 -t 2 -T 8 --json FILE @",
                              server.socket));
    const char *json = load_report();
    report_count(json, "sent", 3000);
    report_count(json, "broadcasts", 3);
    report_count(json, "expected", 9000);
    report_count(json, "received", 9000);
    report_count(json, "missing", 0);
    report_count(json, "doubled", 0);
    report_count(json, "targets", 9000);
    harness_equal("copies", server_stat(&server, "copies_sent"), 9000);
    server_stop(&server);
}

/* Runs two fan-outs with one server, at which other clients are registered already. */
static void fan_out_twice(const char *config, const char *local, int others)
{
    struct server server = {0};
    server_start(&server, config, "-l", local, NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    for (int i = 0; i < others; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_clients(&server, others);
    for (int i = 0; i < 2; i++) {
        load_process = (struct process){.pid = 0};
        load_start(harness_format("--fanout --control %s -c 400 -n 2 -t 2 -T 8 --json FILE @",
                                  server.socket));
        const char *json = load_report();
        report_count(json, "expected", 800);
        report_count(json, "received", 800);
        report_count(json, "targets", 2 * (400 + others));
        expect((strstr(load_text(0), "the server has other clients") != NULL) == (others > 0),
               "expected a note about other clients: %s", load_text(0));
        server_await_clients(&server, others);
        harness_equal("unregistered clients", server_stat(&server, "left"), 400 * (i + 1));
    }
    server_stop(&server);
}

Test(system_udpload_fanout, unregisters_its_clients_after_a_fan_out)
{
    fan_out_twice(NULL, "127.0.0.1:0", 0);
    fan_out_twice(NULL, "[::1]:0", 0);
}

Test(system_udpload_fanout, unregisters_with_a_cookie_if_one_is_needed)
{
    fan_out_twice("[admission]\npolicy = cookie\n", "127.0.0.1:0", 0);
}

/* Leave frames are not answered: if a small receive buffer dropped some, their clients would stay.
 */
Test(system_udpload_fanout, unregisters_no_faster_than_the_server_receives)
{
    struct server server = {0};
    server_start(&server, "[server]\nreceive-buffer = 64k\n[admission]\npolicy = cookie\n", "-l",
                 "127.0.0.1:0", NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    load_start(
        harness_format("--fanout --control %s -c 5000 -q 40 -t 2 --json FILE @", server.socket));
    report_count(load_report(), "received", 5000);
    server_await_clients(&server, 0);
    harness_equal("unregistered clients", server_stat(&server, "left"), 5000);
    server_stop(&server);
}

Test(system_udpload_fanout, reports_other_clients_of_the_server)
{
    fan_out_twice(NULL, "127.0.0.1:0", 30);
}

/* A program that accepts connections and never answers. */
Test(system_udpload_fanout, fails_if_the_control_socket_does_not_answer, .init = stand_in_open)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", harness_path("control"));
    expect(bind(control, (struct sockaddr *)&at, sizeof at) == 0 && listen(control, 4) == 0,
           "expected to listen");
    int64_t began_ms = harness_now_ms();
    load_start(harness_format("--fanout --control %s -c 20 -t 300ms --json FILE @", at.sun_path));
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    process_wait(&load_process);
    harness_equal("status", load_process.status, 1);
    harness_contains("error", load_text(1), "the control socket does not answer");
    expect(harness_now_ms() - began_ms < HARNESS_DEADLINE_MS, "expected an end in time");
    close(control);
}

Test(system_udpload_fanout, fails_if_the_server_hangs_during_a_broadcast)
{
    struct server server = {0};
    server_start(&server, "[broadcast]\nrate = 20\n", "-l", "127.0.0.1:0", NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    load_start(harness_format("--fanout --control %s -c 400 -t 1 --json FILE @", server.socket));
    server_await_stat(&server, "copies_sent", 1);
    process_kill(&server.process, SIGSTOP);
    process_wait(&load_process);
    process_kill(&server.process, SIGCONT);
    harness_equal("status", load_process.status, 1);
    harness_contains("error", load_text(1), "the control socket does not answer");
    server_kill(&server);
}

/* The first line shows it; the rest of the answer never ends. */
Test(system_udpload_fanout, detects_another_program_at_the_control_socket, .init = stand_in_open)
{
    static const char other[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", harness_path("control"));
    expect(bind(control, (struct sockaddr *)&at, sizeof at) == 0 && listen(control, 4) == 0,
           "expected to listen");
    load_start(harness_format("--fanout --control %s -c 20 -t 300ms --json FILE @", at.sun_path));
    int connection = accept4(control, NULL, NULL, SOCK_CLOEXEC);
    expect(connection >= 0 && write(connection, other, sizeof other - 1) > 0, "expected to answer");
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    process_wait(&load_process);
    harness_equal("status", load_process.status, 1);
    harness_contains("error", load_text(1), "cannot read the server's answer");
    harness_contains("error", load_text(1), "HTTP/1.1 400 Bad Request");
    close(connection);
    close(control);
}
