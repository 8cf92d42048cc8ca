/* The options of udpctl that select clients: the question of `kick`, what is printed about a
 * broadcast without targets, the log, and invalid selectors. */

#include "harness.h"
#include "pty.h"

#include <string.h>

TestSuite(system_selector_options, .fini = harness_end, .timeout = 60);

static const char SILENT[] = "[server]\nworkers = %d\n[reply]\nmode = none\n";

/* ---- the question of kick ---- */

static void start_with_clients(struct server *server, int count)
{
    *server = (struct server){.listeners = 0};
    server_start(server, harness_format(SILENT, 2), "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < count; i++)
        udp_send_from_new_client(&server->at[0]);
    server_await_clients(server, count);
}

static int kick_at_terminal(const struct server *server, const char *keys)
{
    struct process process;
    struct pty pty;
    pty_open(&pty);
    pty_start(&pty, &process, NULL,
              (const char *const[]){"udpctl", "-s", server->socket, "kick", "--address",
                                    "127.0.0.0/8", NULL});
    pty_await(&pty, "remove 3 clients? [y/N] ");
    harness_equal("clients", server_stat((struct server *)server, "clients"), 3);
    pty_type(&pty, keys);
    int status = process_wait(&process);
    pty_close(&pty);
    return status;
}

Test(system_selector_options, kick_asks_at_a_terminal_before_it_removes_clients)
{
    static const char *const refusals[] = {"n\r", "\r", "yesterday\r", "\x04"};
    struct server server;
    start_with_clients(&server, 3);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        harness_equal("status", kick_at_terminal(&server, refusals[i]), 1);
        harness_equal("clients", server_stat(&server, "clients"), 3);
    }
    harness_equal("status", kick_at_terminal(&server, "Yes\r"), 0);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

static const char *at_terminal(const struct server *server, const char *block, const char *yes)
{
    struct process process;
    struct pty pty;
    pty_open(&pty);
    pty_start(&pty, &process, NULL,
              (const char *const[]){"udpctl", "-s", server->socket, "kick", "--address", block, yes,
                                    NULL});
    const char *text = pty_await(&pty, "kicked  ");
    harness_equal("status", process_wait(&process), 0);
    pty_close(&pty);
    return text;
}

Test(system_selector_options, kick_does_not_ask_with_yes_or_when_no_client_matches)
{
    struct server server;
    start_with_clients(&server, 3);
    const char *text = at_terminal(&server, "10.0.0.0/8", NULL);
    expect(strstr(text, "[y/N]") == NULL, "expected no question: %s", text);
    text = at_terminal(&server, "127.0.0.0/8", "--yes");
    expect(strstr(text, "[y/N]") == NULL, "expected no question: %s", text);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

/* ---- a broadcast without targets ---- */

Test(system_selector_options, a_broadcast_without_targets_says_so_to_people)
{
    struct server server = {0};
    server_start(&server, harness_format(SILENT, 1), "-l", "127.0.0.1:0", NULL);
    struct result result = ctl(&server, "broadcast", "x", NULL);
    harness_equal("status", result.status, 0);
    harness_contains("what udpctl says", result.err,
                     "udpctl: sending job 1: no client is registered; after a restart they join by "
                     "their next datagram\n");
    udp_send_from_new_client(&server.at[0]);
    server_await_clients(&server, 1);
    result = ctl(&server, "broadcast", "--to", "10.0.0.0/8", "x", NULL);
    harness_equal("status", result.status, 0);
    harness_contains("what udpctl says", result.err, "udpctl: sending job 2: no client matches; ");
    result = ctl(&server, "broadcast", "--json", "--to", "10.0.0.0/8", "x", NULL);
    expect(strcmp(result.err, "") == 0, "expected nothing beside JSON: %s", result.err);
    harness_equal("targets", json_integer(result.out, "targets"), 0);
    result = ctl(&server, "broadcast", "--to", "127.0.0.0/8", "x", NULL);
    expect(strcmp(result.err, "") == 0, "expected nothing about a target: %s", result.err);
    server_stop(&server);
}

/* ---- where a selector is shown ---- */

Test(system_selector_options, the_log_and_the_jobs_name_the_selector_of_a_broadcast)
{
    struct server server;
    start_with_clients(&server, 2);
    ctl_ok(&server, "broadcast", "abc", NULL);
    ctl_ok(&server, "broadcast", "--to", "127.0.0.0/8", "--to", "10.0.0.0/8", "--idle-max", "120",
           "abcd", NULL);
    const char *line = server_await_log(&server, "name=broadcast job=1 bytes=3 uid=");
    harness_contains("the log", line, " pid=");
    line = server_await_log(&server, "a broadcast ended job=1 state=done bytes=3 targets=2 ");
    expect(strstr(line, "selector") == NULL, "expected no selector: %s", line);
    server_await_log(&server,
                     "name=broadcast job=2 bytes=4 selector=\"to=127.0.0.0/8,to=10.0.0.0/8,"
                     "idle-max=2m\" uid=");
    line =
        server_await_log(&server, "a broadcast ended job=2 state=done bytes=4 targets=2 sent=2 ");
    harness_contains("the log", line, " selector=\"to=127.0.0.0/8,to=10.0.0.0/8,idle-max=2m\"");
    harness_contains("the jobs", ctl_ok(&server, "jobs", "--json", NULL),
                     "\"bytes\":3,\"selector\":\"\"},\n");
    harness_contains("the jobs", ctl_ok(&server, "jobs", "--json", NULL),
                     "\"bytes\":4,\"selector\":\"to=127.0.0.0/8,to=10.0.0.0/8,idle-max=2m\"}\n");
    harness_contains("the jobs", ctl_ok(&server, "jobs", NULL),
                     "  4  to=127.0.0.0/8,to=10.0.0.0/8,idle-max=2m\n");
    ctl_ok(&server, "kick", "--address", "127.0.0.1", NULL);
    server_await_log(&server, "name=kick selector=\"to=127.0.0.1\" uid=");
    server_stop(&server);
}

/* ---- wrong input ---- */

static const char *usage_error(const char *command)
{
    struct result result =
        run(NULL, "sh", "-c",
            harness_format("exec '%s' -s /nowhere %s", program_path("udpctl"), command), NULL);
    expect(result.status == 2, "expected a usage error of '%s', it ended with %d: %s", command,
           result.status, result.err);
    return result.err;
}

Test(system_selector_options, that_are_invalid_are_usage_errors_and_nothing_is_sent)
{
    const char *many = "clients";
    for (int i = 0; i < 17; i++)
        many = harness_format("%s --address 192.0.2.%d", many, i);
    harness_contains("the error", usage_error(many), "bad --address '192.0.2.16': more than 16");
    harness_contains("the error", usage_error("broadcast --to 192.0.2.1/24 x"),
                     "bad --to '192.0.2.1/24': the address has bits set after the prefix");
    harness_contains("the error", usage_error("broadcast --to localhost x"),
                     "bad --to 'localhost'");
    harness_contains("the error", usage_error("clients --listener 'a b'"), "bad --listener 'a b'");
    harness_contains("the error", usage_error("clients --idle-max soon"), "bad --idle-max 'soon'");
    harness_contains("the error", usage_error("clients --to 192.0.2.1"), "--to is not for");
    harness_contains("the error", usage_error("broadcast --address ::1 x"), "--address is not for");
    harness_contains("the error", usage_error("clients --yes"), "--yes is not for");
    harness_contains("the error", usage_error("kick"), "'kick' needs ADDRESS, or selectors");
    harness_contains("the error", usage_error("kick 192.0.2.1:9 --idle-max 1s"), "not both");
}

Test(system_selector_options, that_contradict_or_match_nobody_select_no_client)
{
    struct server server = {0};
    server_start(&server, harness_format(SILENT, 2), "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0",
                 NULL);
    udp_send_from_new_client(&server.at[0]);
    server_await_clients(&server, 1);
    const char *tcp = server.others[0];
    expect(strcmp(ctl_ok(&server, "clients", "--json", "--listener", tcp, NULL), "[]\n") == 0,
           "expected no client of the listener");
    expect(strcmp(ctl_ok(&server, "clients", "--json", "--listener", tcp, "--address", "127.0.0.1",
                         "--address", "::1", NULL),
                  "[]\n") == 0,
           "expected no client of contradicting selectors");
    struct result result = ctl(&server, "kick", "--listener", tcp, NULL);
    harness_equal("status", result.status, 0);
    harness_equal("kicked", text_integer(result.out, "kicked"), 0);
    harness_contains("what udpctl says", result.err, "no client matches");
    result = ctl(&server, "clients", "--listener", "127.0.0.9:1", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the error", result.err, "no such listener; give one of: 127.0.0.1:");
    server_stop(&server);
}
