/* Reloads of the configuration: a reload applies the whole configuration or nothing of it, and
 * loses no reply. */

#include "harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_reload, .fini = harness_end, .timeout = 60);

static const char TWO[] = "[reply]\nmessage = one, two\n";

Test(system_reload, a_changed_list_of_messages_restarts_the_rotation)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = a, b, c\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "a");
    server_configure(&server, "[reply]\nmessage = x, y, z\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "x");
    udp_ask(udp, &server.at[0], "hi", "y");
    server_configure(&server, "[reply]\nmode = echo\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "hi");
    server_stop(&server);
}

Test(system_reload, an_unchanged_list_of_messages_continues_the_rotation)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = a, b, c\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "a");
    server_configure(&server, "[clients]\nttl = 90s\n[reply]\nmessage = a\nmessage = b, c\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "b");
    harness_equal("clients", server_stat(&server, "clients"), 1);
    harness_equal("joined", server_stat(&server, "joined"), 1);
    server_stop(&server);
}

Test(system_reload, a_configuration_with_errors_changes_nothing_and_reports_every_error)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct result result;

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "one");
    server_configure(&server, "[reply]\nmessage = new\n[clients]\nttl = 0s\nsweeep = 1s\n");
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, harness_format("%s:4:", server.config));
    harness_contains("the error", result.err, harness_format("%s:5:", server.config));
    harness_contains("the error", result.err, "'sweep'");
    udp_ask(udp, &server.at[0], "hi", "two");
    server_configure(&server, "[reply]\nmessage = new\n[clients]\nttl = 2s\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "new");
    server_stop(&server);
}

Test(system_reload, a_missing_file_changes_nothing)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct result result;

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    unlink(server.config);
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, server.config);
    udp_ask(udp, &server.at[0], "hi", "one");
    server_stop(&server);
}

Test(system_reload, keys_that_need_a_restart_are_listed)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    char bytes[1000] = {'x'};
    const char *out;

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    out = ctl_ok(&server, "reload", NULL);
    expect(strstr(out, "clients.") == NULL && strstr(out, "server.") == NULL,
           "expected no key that needs a restart, '%s'", out);
    server_configure(&server, "[server]\nmax-datagram = 500\n[clients]\nmax = 5\nttl = 5s\n"
                              "[control]\nmode = 0600\n[reply]\nmessage = new\n");
    out = ctl_ok(&server, "reload", NULL);
    harness_contains("the report", out, "server.max-datagram");
    harness_contains("the report", out, "clients.max");
    harness_contains("the report", out, "control.mode");
    expect(strstr(out, "clients.ttl") == NULL && strstr(out, "server.listen") == NULL,
           "expected only the keys that need a restart, '%s'", out);
    udp_send(udp, &server.at[0], bytes, sizeof bytes); /* still below the old limit */
    udp_expect(udp, &server.at[0], "new");
    harness_equal("max", json_integer(ctl_ok(&server, "status", "--json", NULL), "max"), 1000000);
    server_stop(&server);
}

Test(system_reload, the_answer_states_whether_there_is_a_file)
{
    struct server with = {0}, without = {0};

    server_start(&with, "[clients]\nttl = 30s\n", "-l", "127.0.0.1:0", NULL);
    cr_assert_str_eq(ctl_ok(&with, "reload", NULL), "applied\n");
    cr_assert_str_eq(
        ctl_ok(&with, "--json", "reload", NULL),
        harness_format("{\"applied\":true,\"restart\":[],\"upgrade\":[],\"file\":\"%s\"}\n",
                       with.config));
    server_start(&without, NULL, "-l", "127.0.0.1:0", NULL);
    harness_contains("the answer", ctl_ok(&without, "reload", NULL),
                     "applied; there is no configuration file (udpsrv -c FILE)");
    cr_assert_str_eq(ctl_ok(&without, "--json", "reload", NULL),
                     "{\"applied\":true,\"restart\":[],\"upgrade\":[],\"file\":null}\n");
    server_stop(&with);
    server_stop(&without);
}

Test(system_reload, sighup_reloads_the_configuration_too)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "one");
    server_configure(&server, "[reply]\nmessage = broken\n[clients]\nttl = soon\n");
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, harness_format("%s:4:", server.config));
    udp_ask(udp, &server.at[0], "hi", "two");
    server_configure(&server, "[server]\nmax-datagram = 500\n[reply]\nmessage = new\n");
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, "server.max-datagram");
    udp_ask(udp, &server.at[0], "hi", "new");
    server_stop(&server);
}

Test(system_reload, frequent_changes_of_the_sweep_interval_do_not_delay_the_sweep)
{
    static const char *const sweeps[] = {"1s", "1100ms"};
    struct server server = {0};
    int64_t start = harness_now_ms();

    server_start(&server, "[clients]\nttl = 100ms\nsweep = 1s\n", "-l", "127.0.0.1:0", NULL);
    udp_send_from_new_client(&server.at[0]);
    for (size_t i = 1; server_stat(&server, "expired") == 0; i++) {
        expect(harness_now_ms() - start < 5000, "expected a sweep within 5 s");
        server_configure(&server,
                         harness_format("[clients]\nttl = 100ms\nsweep = %s\n", sweeps[i % 2]));
        server_ask(&server, "reload");
        harness_wait_ms(100);
    }
    server_stop(&server);
}

Test(system_reload, a_new_ttl_applies_from_the_next_datagram_of_a_client)
{
    struct server server = {0};
    int early = udp_open("127.0.0.1"), late = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = yes\n[clients]\nttl = 1h\nsweep = 1h\n", "-l",
                 "127.0.0.1:0", NULL);
    udp_ask(early, &server.at[0], "hi", "yes");
    server_configure(&server, "[reply]\nmessage = yes\n[clients]\nttl = 200ms\nsweep = 20ms\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(late, &server.at[0], "hi", "yes");
    server_await_stat(&server, "expired", 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    udp_ask(late, &server.at[0], "hi", "yes");
    harness_equal("joined", server_stat(&server, "joined"),
                  3); /* the client that expired was `late` */
    udp_ask(early, &server.at[0], "hi", "yes");
    server_await_stat(&server, "expired", 3);
    server_stop(&server);
}

Test(system_reload, a_longer_ttl_does_not_apply_to_silent_clients)
{
    struct server server = {0};
    int silent = udp_open("127.0.0.1"), active = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = yes\n[clients]\nttl = 500ms\nsweep = 20ms\n", "-l",
                 "127.0.0.1:0", NULL);
    udp_ask(silent, &server.at[0], "hi", "yes");
    server_configure(&server, "[reply]\nmessage = yes\n[clients]\nttl = 1h\nsweep = 20ms\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(active, &server.at[0], "hi", "yes");
    server_await_stat(&server, "expired", 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    udp_ask(active, &server.at[0], "hi", "yes");
    harness_equal("joined", server_stat(&server, "joined"),
                  2); /* the client that expired was not `active` */
    server_stop(&server);
}

Test(system_reload, a_policy_that_a_listener_needs_cannot_be_removed)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct endpoint to;
    struct result result;

    server_start(&server, "[admission]\npolicy = open\n[reply]\nmessage = yes\n", "-l", "0.0.0.0:0",
                 NULL);
    to = endpoint_with_port("127.0.0.1", endpoint_port(&server.at[0]));
    server_configure(&server, "[reply]\nmessage = no\n");
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, "policy");
    udp_ask(udp, &to, "hi", "yes");
    server_stop(&server);
}

Test(system_reload, a_policy_that_a_listener_needs_until_the_restart_cannot_be_removed)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct endpoint to;
    struct result result;
    char challenge[64];

    server_start(&server, "[server]\nlisten = 0.0.0.0:0\n[admission]\npolicy = cookie\n", NULL);
    to = endpoint_with_port("127.0.0.1", endpoint_port(&server.at[0]));
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n");
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, "admission.policy");
    udp_send_text(udp, &to, "hi");
    harness_equal("the bytes of a challenge", udp_receive(udp, challenge, sizeof challenge, NULL),
                  21);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n[admission]\npolicy = open\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &to, "hi", "audi");
    server_stop(&server);
}

Test(system_reload, broadcast_rate_and_log_format_change_at_once)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[broadcast]\nrate = 1\n[reply]\nmode = none\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < 50; i++)
        udp_send_from_new_client(&server.at[0]);
    udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "joined", 51);
    ctl_ok(&server, "broadcast", "news", "--no-wait", NULL);
    server_await_stat(&server, "copies_sent", 1);
    server_configure(&server, "[log]\nformat = json\n[reply]\nmode = none\n");
    ctl_ok(&server, "reload", NULL);
    server_await_stat(&server, "broadcasts", 1); /* at the old rate: 50 s */
    udp_expect(udp, &server.at[0], "news");
    server_stop(&server);
    harness_contains("the log", server_log(&server), "\n{\"");
}

enum { LOAD_CLIENTS = 8, RELOADS = 200 };

/* Clients that each have one request in flight all the time, and an operator that reloads. */
struct load {
    struct server server;
    struct pollfd waits[LOAD_CLIENTS + 1]; /* the operator's connection last */
    int64_t sent, replied;
    int reloads;
};

static const char *const GOOD[] = {"[reply]\nmessage = good one, good two\n",
                                   "[reply]\nmessage = good three\n[clients]\nttl = 30s\n"};
static const char *const BAD[] = {"[reply]\nmessage = bad\n[clients]\nttl = never\n",
                                  "[reply]\nmode = rotate\nmessage = \"bad\n"};

static void send_reload(struct load *load)
{
    int i = load->reloads;

    server_configure(&load->server, i % 2 == 0 ? GOOD[i / 2 % 2] : BAD[i / 2 % 2]);
    expect(operator_send(load->waits[LOAD_CLIENTS].fd, "reload\n", 7), "expected to send reload %d",
           i);
}

static void receive_reload_answer(struct load *load)
{
    const char *answer = operator_answer(load->waits[LOAD_CLIENTS].fd);
    const char *wanted = load->reloads % 2 == 0 ? "ok\n" : "error ";

    expect(answer != NULL && strncmp(answer, wanted, strlen(wanted)) == 0,
           "expected '%s' to reload %d, '%s' came", wanted, load->reloads,
           answer != NULL ? answer : "an end");
    if (++load->reloads < RELOADS)
        send_reload(load);
}

static void receive_reply(struct load *load, int udp)
{
    char reply[64];
    ssize_t size = recv(udp, reply, sizeof reply - 1, 0);

    reply[size > 0 ? size : 0] = '\0';
    expect(strncmp(reply, "good", 4) == 0, "expected a good reply, '%s' came", reply);
    load->replied++;
    if (load->reloads < RELOADS) {
        udp_send_text(udp, &load->server.at[0], "hi");
        load->sent++;
    }
}

Test(system_reload, many_reloads_under_load_lose_no_reply)
{
    struct load load = {0};
    int64_t deadline = harness_now_ms() + 3 * HARNESS_DEADLINE_MS;

    server_start(&load.server, GOOD[0], "-l", "127.0.0.1:0", NULL);
    load.waits[LOAD_CLIENTS] =
        (struct pollfd){.fd = control_client_open(&load.server), .events = POLLIN};
    for (int i = 0; i < LOAD_CLIENTS; i++) {
        load.waits[i] = (struct pollfd){.fd = udp_open("127.0.0.1"), .events = POLLIN};
        udp_send_text(load.waits[i].fd, &load.server.at[0], "hi");
        load.sent++;
    }
    send_reload(&load);
    while (load.replied < load.sent || load.reloads < RELOADS) {
        expect(poll(load.waits, LOAD_CLIENTS + 1, HARNESS_DEADLINE_MS) > 0 &&
                   harness_now_ms() < deadline,
               "expected %lld replies, %lld came; %d reloads", (long long)load.sent,
               (long long)load.replied, load.reloads);
        for (int i = 0; i < LOAD_CLIENTS; i++) {
            if (load.waits[i].revents != 0)
                receive_reply(&load, load.waits[i].fd);
        }
        if (load.waits[LOAD_CLIENTS].revents != 0)
            receive_reload_answer(&load);
        server_log(&load.server); /* each bad configuration is logged: empty the pipe */
    }
    expect(load.replied > RELOADS, "expected load beside the reloads, it was %lld replies",
           (long long)load.replied);
    harness_equal("replied", server_stat(&load.server, "replied"), load.sent);
    harness_equal("kernel_drops", server_stat(&load.server, "kernel_drops"), 0);
    server_stop(&load.server);
}
