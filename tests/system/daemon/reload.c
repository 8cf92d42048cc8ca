/* A new configuration in a running service: all of it or nothing, and no reply is lost. */

#include "harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_reload, .fini = harness_end, .timeout = 60);

static const char TWO[] = "[reply]\nmessage = one, two\n";

Test(system_reload, restarts_the_rotation_when_the_list_has_changed)
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

Test(system_reload, goes_on_with_the_rotation_when_the_list_has_not_changed)
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

Test(system_reload, applies_all_or_nothing_and_tells_every_problem)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct result result;

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "one");
    server_configure(&server, "[reply]\nmessage = new\n[clients]\nttl = 0s\nsweeep = 1s\n");
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the complaint", result.err, harness_format("%s:4:", server.config));
    harness_contains("the complaint", result.err, harness_format("%s:5:", server.config));
    harness_contains("the complaint", result.err, "'sweep'");
    udp_ask(udp, &server.at[0], "hi", "two");
    server_configure(&server, "[reply]\nmessage = new\n[clients]\nttl = 2s\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "new");
    server_stop(&server);
}

Test(system_reload, keeps_what_it_has_when_the_file_is_gone)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct result result;

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    unlink(server.config);
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the complaint", result.err, server.config);
    udp_ask(udp, &server.at[0], "hi", "one");
    server_stop(&server);
}

Test(system_reload, names_the_keys_that_wait_for_a_restart)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    char bytes[1000] = {'x'};
    const char *out;

    server_start(&server, TWO, "-l", "127.0.0.1:0", NULL);
    out = ctl_ok(&server, "reload", NULL);
    expect(strstr(out, "clients.") == NULL && strstr(out, "server.") == NULL,
           "expected no key to wait for a restart, '%s'", out);
    server_configure(&server, "[server]\nmax-datagram = 500\n[clients]\nmax = 5\nttl = 5s\n"
                              "[control]\nmode = 0600\n[reply]\nmessage = new\n");
    out = ctl_ok(&server, "reload", NULL);
    harness_contains("the report", out, "server.max-datagram");
    harness_contains("the report", out, "clients.max");
    harness_contains("the report", out, "control.mode");
    expect(strstr(out, "clients.ttl") == NULL && strstr(out, "server.listen") == NULL,
           "expected only the keys that wait, '%s'", out);
    udp_send(udp, &server.at[0], bytes, sizeof bytes); /* still below the old limit */
    udp_expect(udp, &server.at[0], "new");
    harness_equal("max", json_integer(ctl_ok(&server, "status", "--json", NULL), "max"), 1000000);
    server_stop(&server);
}

Test(system_reload, says_whether_there_is_a_file)
{
    struct server with = {0}, without = {0};

    server_start(&with, "[clients]\nttl = 30s\n", "-l", "127.0.0.1:0", NULL);
    cr_assert_str_eq(ctl_ok(&with, "reload", NULL), "applied\n");
    cr_assert_str_eq(
        ctl_ok(&with, "--json", "reload", NULL),
        harness_format("{\"applied\":true,\"restart\":[],\"file\":\"%s\"}\n", with.config));
    server_start(&without, NULL, "-l", "127.0.0.1:0", NULL);
    harness_contains("what reload says", ctl_ok(&without, "reload", NULL),
                     "applied; there is no configuration file (udpsrv -c FILE)");
    cr_assert_str_eq(ctl_ok(&without, "--json", "reload", NULL),
                     "{\"applied\":true,\"restart\":[],\"file\":null}\n");
    server_stop(&with);
    server_stop(&without);
}

Test(system_reload, is_asked_for_by_sighup_too)
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

Test(system_reload, that_changes_the_sweep_more_often_than_it_comes_does_not_hold_it_up)
{
    static const char *const sweeps[] = {"1s", "1100ms"};
    struct server server = {0};
    int64_t start = harness_now_ms();

    server_start(&server, "[clients]\nttl = 100ms\nsweep = 1s\n", "-l", "127.0.0.1:0", NULL);
    udp_pass_by(&server.at[0]);
    for (size_t i = 1; server_stat(&server, "expired") == 0; i++) {
        expect(harness_now_ms() - start < 5000, "expected a sweep within 5 s");
        server_configure(&server,
                         harness_format("[clients]\nttl = 100ms\nsweep = %s\n", sweeps[i % 2]));
        server_ask(&server, "reload");
        harness_tick(100);
    }
    server_stop(&server);
}

Test(system_reload, gives_a_new_ttl_from_a_clients_next_datagram_on)
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
    harness_equal("joined", server_stat(&server, "joined"), 3); /* it was the late one who went */
    udp_ask(early, &server.at[0], "hi", "yes");
    server_await_stat(&server, "expired", 3);
    server_stop(&server);
}

Test(system_reload, does_not_lengthen_the_life_of_those_who_do_not_speak)
{
    struct server server = {0};
    int silent = udp_open("127.0.0.1"), talker = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = yes\n[clients]\nttl = 500ms\nsweep = 20ms\n", "-l",
                 "127.0.0.1:0", NULL);
    udp_ask(silent, &server.at[0], "hi", "yes");
    server_configure(&server, "[reply]\nmessage = yes\n[clients]\nttl = 1h\nsweep = 20ms\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(talker, &server.at[0], "hi", "yes");
    server_await_stat(&server, "expired", 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    udp_ask(talker, &server.at[0], "hi", "yes");
    harness_equal("joined", server_stat(&server, "joined"), 2); /* the talker was not who went */
    server_stop(&server);
}

Test(system_reload, does_not_open_a_listener_that_only_a_policy_allows)
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
    harness_contains("the complaint", result.err, "policy");
    udp_ask(udp, &to, "hi", "yes");
    server_stop(&server);
}

Test(system_reload, does_not_drop_the_policy_of_sockets_that_stay_until_a_restart)
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
    harness_contains("the complaint", result.err, "admission.policy");
    udp_say(udp, &to, "hi");
    harness_equal("the bytes of a challenge", udp_receive(udp, challenge, sizeof challenge, NULL),
                  21);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n[admission]\npolicy = open\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &to, "hi", "audi");
    server_stop(&server);
}

Test(system_reload, changes_pace_and_log_as_it_goes)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[broadcast]\nrate = 1\n[reply]\nmode = none\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < 50; i++)
        udp_pass_by(&server.at[0]);
    udp_say(udp, &server.at[0], "hi");
    server_await_stat(&server, "joined", 51);
    ctl_ok(&server, "broadcast", "news", "--no-wait", NULL);
    server_await_stat(&server, "copies_sent", 1);
    server_configure(&server, "[log]\nformat = json\n[reply]\nmode = none\n");
    ctl_ok(&server, "reload", NULL);
    server_await_stat(&server, "broadcasts", 1); /* at the old pace: 50 s */
    udp_expect(udp, &server.at[0], "news");
    server_stop(&server);
    harness_contains("the log", server_log(&server), "\n{\"");
}

enum { LOAD_CLIENTS = 8, RELOADS = 200 };

/* Clients who each have one request under way all the time, and an operator who reloads. */
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

static void ask_for_reload(struct load *load)
{
    int i = load->reloads;

    server_configure(&load->server, i % 2 == 0 ? GOOD[i / 2 % 2] : BAD[i / 2 % 2]);
    expect(operator_send(load->waits[LOAD_CLIENTS].fd, "reload\n", 7),
           "expected reload %d to go out", i);
}

static void take_reload(struct load *load)
{
    const char *answer = operator_answer(load->waits[LOAD_CLIENTS].fd);
    const char *wanted = load->reloads % 2 == 0 ? "ok\n" : "error ";

    expect(answer != NULL && strncmp(answer, wanted, strlen(wanted)) == 0,
           "expected '%s' to reload %d, '%s' came", wanted, load->reloads,
           answer != NULL ? answer : "an end");
    if (++load->reloads < RELOADS)
        ask_for_reload(load);
}

static void take_reply(struct load *load, int udp)
{
    char reply[64];
    ssize_t size = recv(udp, reply, sizeof reply - 1, 0);

    reply[size > 0 ? size : 0] = '\0';
    expect(strncmp(reply, "good", 4) == 0, "expected a good reply, '%s' came", reply);
    load->replied++;
    if (load->reloads < RELOADS) {
        udp_say(udp, &load->server.at[0], "hi");
        load->sent++;
    }
}

Test(system_reload, loses_no_reply_over_200_reloads_under_load)
{
    struct load load = {0};
    int64_t deadline = harness_now_ms() + 3 * HARNESS_DEADLINE_MS;

    server_start(&load.server, GOOD[0], "-l", "127.0.0.1:0", NULL);
    load.waits[LOAD_CLIENTS] =
        (struct pollfd){.fd = control_client_open(&load.server), .events = POLLIN};
    for (int i = 0; i < LOAD_CLIENTS; i++) {
        load.waits[i] = (struct pollfd){.fd = udp_open("127.0.0.1"), .events = POLLIN};
        udp_say(load.waits[i].fd, &load.server.at[0], "hi");
        load.sent++;
    }
    ask_for_reload(&load);
    while (load.replied < load.sent || load.reloads < RELOADS) {
        expect(poll(load.waits, LOAD_CLIENTS + 1, HARNESS_DEADLINE_MS) > 0 &&
                   harness_now_ms() < deadline,
               "expected %lld replies, %lld came; %d reloads", (long long)load.sent,
               (long long)load.replied, load.reloads);
        for (int i = 0; i < LOAD_CLIENTS; i++) {
            if (load.waits[i].revents != 0)
                take_reply(&load, load.waits[i].fd);
        }
        if (load.waits[LOAD_CLIENTS].revents != 0)
            take_reload(&load);
        server_log(&load.server); /* each bad one is logged: the pipe must not fill */
    }
    expect(load.replied > RELOADS, "expected load beside the reloads, it was %lld replies",
           (long long)load.replied);
    harness_equal("replied", server_stat(&load.server, "replied"), load.sent);
    harness_equal("kernel_drops", server_stat(&load.server, "kernel_drops"), 0);
    server_stop(&load.server);
}
