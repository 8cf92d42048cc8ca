/* The interactive mode of udpctl: prompt, Tab completion, history, errors, and the commands that
 * use the terminal themselves. */

#include "hellos.h"
#include "tmux_pane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_interactive, .fini = harness_end, .timeout = 60);

static void open_udpctl(struct pane *pane, const char *socket)
{
    pane_open(pane, 90, 24,
              harness_format("XDG_STATE_HOME=%s %s -s %s", harness_path("state"),
                             program_path("udpctl"), socket));
    pane_await(pane, "udpctl>");
}

static void enter(struct pane *pane, const char *line)
{
    pane_type(pane, line);
    pane_press(pane, "Enter");
}

static void start(struct server *server)
{
    *server = (struct server){.listeners = 0};
    server_start(server, NULL, "-l", "127.0.0.1:0", NULL);
}

Test(system_interactive, completes_commands_options_choices_and_clients_by_tab)
{
    struct server server;
    struct pane pane;
    int udp = udp_open("127.0.0.1");

    pane_need_tmux();
    start(&server);
    udp_ask(udp, &server.at[0], "hi", "audi");
    struct endpoint name = udp_name(udp);
    open_udpctl(&pane, server.socket);
    pane_type(&pane, "sta");
    pane_press(&pane, "Tab");
    pane_await(&pane, "udpctl> stat\n");
    pane_press(&pane, "Tab");
    pane_await(&pane, "status  stats");
    pane_type(&pane, "u");
    pane_press(&pane, "Tab");
    pane_press(&pane, "Enter");
    pane_await(&pane, "udpctl> status\nclients   1\nmax       1000000\n");
    pane_type(&pane, "cl");
    pane_press(&pane, "Tab");
    pane_type(&pane, "s --sor");
    pane_press(&pane, "Tab");
    pane_type(&pane, "i");
    pane_press(&pane, "Tab");
    pane_await(&pane, "udpctl> clients --sort idle\n");
    pane_press(&pane, "Enter");
    pane_await(&pane, "ADDRESS");
    pane_type(&pane, "kick ");
    pane_press(&pane, "Tab");
    pane_await(&pane, harness_format("udpctl> kick %s\n", endpoint_text(&name)));
    pane_press(&pane, "Enter");
    pane_await(&pane, "kicked  1\n");
    enter(&pane, "quit");
    harness_contains("the screen", pane_expect_end(&pane, 0), "udpctl> quit\nstatus 0\n");
    pane_close(&pane);
    server_stop(&server);
}

/* Expects each client once in rows, in the order of `clients --sort address`. */
static void expect_sorted(const struct server *server, const char *rows)
{
    char *list = strdup(ctl_ok(server, "clients", "--sort", "address", NULL));
    char *screen = strdup(rows);
    const char *at = screen;

    for (char *end = screen; (end = strchr(end, '\n')) != NULL;)
        *end = ' ';
    for (char *row = strtok(list, "\n"); (row = strtok(NULL, "\n")) != NULL;) {
        const char *name = harness_format("%.*s ", (int)strcspn(row, " "), row);

        harness_equal(name, (int64_t)text_count(screen, name), 1);
        expect((at = strstr(at, name)) != NULL, "expected %s after the others in:\n%s", name, rows);
    }
    free(list);
    free(screen);
}

Test(system_interactive, asks_before_it_shows_many_clients_and_then_shows_all_of_them_sorted)
{
    struct server server;
    struct pane pane;
    enum { CLIENTS = 300 };

    pane_need_tmux();
    start(&server);
    for (int i = 0; i < CLIENTS; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "clients", CLIENTS);
    open_udpctl(&pane, server.socket);
    pane_resize(&pane, 150, 60);
    pane_type(&pane, "kick 127.1.");
    pane_press(&pane, "Tab");
    pane_await(&pane, "\n300 possibilities: show them all? (y or n)\n");
    /* A key other than y and n is inserted into the line; y and n are not. */
    pane_type(&pane, "\x05x");
    pane_await(&pane, "udpctl> kick 127.1.x\n");
    pane_press(&pane, "BSpace");
    pane_press(&pane, "Tab");
    pane_await(&pane, "(y or n)\n");
    pane_press(&pane, "n");
    pane_await(&pane, "udpctl> kick 127.1.\n");
    pane_press(&pane, "Tab");
    pane_await(&pane, "(y or n)\n");
    pane_press(&pane, "y");
    pane_await(&pane, "\nudpctl> kick 127.1.\n127.1.");
    expect_sorted(&server, pane_await(&pane, "\nudpctl> kick 127.1.\n\n"));
    pane_press(&pane, "Tab");
    pane_await(&pane, "(y or n)\n");
    pane_press(&pane, "C-c");
    pane_await_gone(&pane, "(y or n)");
    pane_press(&pane, "C-c");
    pane_press(&pane, "C-d");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

static void complete(struct pane *pane, const char *typed, const char *completed)
{
    pane_press(pane, "C-u");
    pane_type(pane, typed);
    pane_press(pane, "Tab");
    pane_await(pane, harness_format("udpctl> %s\n", completed));
}

static int join_as(const struct server *server, const char *name)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &server->at[0], "hi", "yes");
    hello_ask(udp, &server->at[0], name);
    return udp;
}

/* What is completed is a word of the line, so that names with blanks and quotes are found. */
Test(system_interactive, completes_the_names_that_clients_have_given_themselves)
{
    static struct server server;
    struct pane pane;

    pane_need_tmux();
    server_start(&server, "[reply]\nmessage = yes\n[clients]\nnames = trusted\n", "-l",
                 "127.0.0.1:0", NULL);
    join_as(&server, "lamp-7");
    int gate = join_as(&server, "front gate");
    int quoted = join_as(&server, "it's \"x\" \\");
    join_as(&server, "K\xc3\xbc"
                     "che");
    open_udpctl(&pane, server.socket);
    complete(&pane, "listen @l", "listen @lamp-7");
    complete(&pane, "events moved @l", "events moved @lamp-7");
    complete(&pane, "events @l", "events @lamp-7");
    complete(&pane, "client @l", "client @lamp-7");
    complete(&pane, "clients @K",
             "clients @K\xc3\xbc"
             "che");
    pane_press(&pane, "Enter");
    pane_await(&pane, "  K\xc3\xbc"
                      "che\n");
    complete(&pane, "send @f", "send @front\\\\x20gate");
    pane_type(&pane, "open");
    pane_press(&pane, "Enter");
    udp_expect(gate, &server.at[0], "open");
    complete(&pane, "send @i", "send @it\\'s\\\\x20\\\"x\\\"\\\\x20\\\\\\\\");
    pane_type(&pane, "found");
    pane_press(&pane, "Enter");
    udp_expect(quoted, &server.at[0], "found");
    complete(&pane, "kick @l", "kick @lamp-7");
    pane_press(&pane, "Enter");
    pane_await(&pane, "kicked  1\n");
    enter(&pane, "quit");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_interactive, completes_the_names_of_stream_clients)
{
    struct server server = {.listeners = 0};
    struct pane pane;

    pane_need_tmux();
    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
    stream_open(server.others[0]);
    stream_open(server.others[0]);
    stream_open(server.others[1]);
    server_await_clients(&server, 3);
    open_udpctl(&pane, server.socket);
    pane_type(&pane, "clients --listener t");
    pane_press(&pane, "Tab");
    pane_await(&pane, harness_format("udpctl> clients --listener %s", server.others[0]));
    pane_press(&pane, "C-u");
    pane_type(&pane, harness_format("kick --listener %s", server.others[0]));
    pane_press(&pane, "Enter");
    pane_await(&pane, "remove 2 clients? [y/N]");
    enter(&pane, "y");
    pane_await(&pane, "kicked  2\n");
    stream_open(server.others[0]);
    server_await_clients(&server, 2);
    pane_type(&pane, "kick u");
    pane_press(&pane, "Tab");
    pane_await(&pane, "udpctl> kick unix:#1\n");
    pane_press(&pane, "Enter");
    pane_await(&pane, "kicked  1\n");
    pane_type(&pane, "kick tcp:");
    pane_press(&pane, "Tab");
    pane_await(&pane, "udpctl> kick tcp:127.0.0.1:");
    pane_press(&pane, "Enter");
    server_await_clients(&server, 0);
    enter(&pane, "quit");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_interactive, completes_the_names_of_publish_streams)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    ctl_ok(&server, "broadcast", "--key", "orders:5", "x", NULL);
    ctl_ok(&server, "broadcast", "--key", "new alarms:6", "x", NULL);
    open_udpctl(&pane, server.socket);
    complete(&pane, "streams o", "streams orders");
    complete(&pane, "streams n", "streams new\\\\x20alarms");
    pane_close(&pane);
    server_stop(&server);
}

Test(system_interactive, continues_after_errors_and_after_a_restart_of_the_server)
{
    struct server server, second;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    open_udpctl(&pane, server.socket);
    enter(&pane, "satus");
    pane_await(&pane, "(did you mean 'status'?)");
    enter(&pane, "clients --limit x");
    pane_await(&pane, "bad --limit 'x'");
    enter(&pane, "broadcast 'half");
    pane_await(&pane, "a quote that isn't closed; correct the line");
    server_kill(&server);
    enter(&pane, "status");
    pane_await(&pane, "no server answers");
    second = (struct server){.socket = server.socket};
    server_start(&second, NULL, "-l", "127.0.0.1:0", NULL);
    enter(&pane, "status");
    pane_await(&pane, "\nversion ");
    enter(&pane, "broadcast \"it's 'all' of it\"");
    pane_await(&pane, "\nstate        done\n");
    enter(&pane, "jobs");
    pane_await(&pane, "BYTES");
    harness_contains("the screen", pane_text(&pane), "  16  -\n");
    pane_press(&pane, "C-d");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&second);
}

Test(system_interactive, watch_and_broadcast_use_the_terminal_and_restore_it)
{
    struct server server = {.listeners = 0};
    struct pane pane;

    pane_need_tmux();
    server_start(&server, "[broadcast]\nrate = 5\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 150; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "clients", 150);
    open_udpctl(&pane, server.socket);
    enter(&pane, "watch");
    pane_await(&pane, "udpsrv up ");
    pane_press(&pane, "q");
    pane_await_gone(&pane, "udpsrv up ");
    pane_await(&pane, "udpctl> watch\nudpctl>");
    enter(&pane, "broadcast hello");
    pane_await(&pane, " to go");
    pane_press(&pane, "C-c");
    pane_await(&pane, "waiting for job 1: interrupted");
    enter(&pane, "cancel 1");
    pane_await(&pane, "cancelled");
    server_configure(&server, "");
    server_ask(&server, "reload");
    enter(&pane, "broadcast --stdin");
    /* A line feed ends a line, whether or not the terminal is in its normal mode by now. */
    pane_type(&pane, "from the terminal\n");
    pane_await(&pane, "id 2  targets 150");
    pane_press(&pane, "C-d");
    enter(&pane, "help");
    pane_await(&pane, "end the session, like Ctrl-D\nudpctl>");
    pane_press(&pane, "C-c");
    pane_expect_end(&pane, 130);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_interactive, keeps_the_history_for_the_next_session)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    open_udpctl(&pane, server.socket);
    enter(&pane, "status");
    pane_await(&pane, "\nversion ");
    enter(&pane, "quit");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    open_udpctl(&pane, server.socket);
    pane_press(&pane, "Up");
    pane_press(&pane, "Up");
    pane_await(&pane, "udpctl> status\n");
    pane_press(&pane, "C-c");
    pane_press(&pane, "C-d");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_interactive, runs_many_lines_that_arrive_at_once)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    open_udpctl(&pane, server.socket);
    pane_type(&pane, "broadcast one\nbroadcast two\njobs\nquit\n");
    const char *screen = pane_expect_end(&pane, 0);
    harness_contains("the screen", screen, "\n 2  done ");
    pane_close(&pane);
    server_stop(&server);
}

Test(system_interactive, restores_the_terminal_after_a_signal)
{
    struct pane pane;
    const char *pid = harness_path("pid");

    pane_need_tmux();
    pane_open(&pane, 80, 24,
              harness_format("sh -c 'echo $$ >%s; exec %s'", pid, program_path("udpctl")));
    pane_await(&pane, "udpctl>");
    pane_type(&pane, "half a li");
    pane_await(&pane, "half a li");
    run_ok(NULL, "sh", "-c", harness_format("kill -TERM $(cat %s)", pid), NULL);
    pane_expect_end(&pane, 143);
    pane_close(&pane);
}

Test(system_interactive, needs_a_terminal)
{
    struct result result = run("status\n", "udpctl", NULL);

    harness_equal("the status", result.status, 2);
    harness_contains("the error", result.err, "a command is missing");
}
