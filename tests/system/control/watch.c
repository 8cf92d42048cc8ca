/* `udpctl watch` on a terminal and on a pipe, also while the server is down, and the progress bar
 * of `udpctl broadcast`. */

#include "fake_server.h"
#include "subscriber.h"
#include "tmux_pane.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_watch, .fini = harness_end, .timeout = 60);

static const char FIXED[] = "[clients]\nmax = 1000\n";

static void start(struct server *server)
{
    *server = (struct server){.listeners = 0};
    server_start(server, FIXED, "-l", "127.0.0.1:0", NULL);
}

static const char *watch_command(const struct server *server, const char *before, const char *after)
{
    return harness_format("%s %s -s %s watch %s", before, program_path("udpctl"), server->socket,
                          after);
}

/* ---- On a pipe ---- */

Test(system_watch, prints_a_line_for_each_poll_on_a_pipe)
{
    struct server server;
    struct process process;
    int udp = udp_open("127.0.0.1");

    start(&server);
    process_start(
        &process, NULL,
        (const char *const[]){"udpctl", "-s", server.socket, "watch", "--count", "3", NULL});
    while (process.pidfd >= 0) {
        udp_send_text(udp, &server.at[0], "hi");
        process_pump(&process, 20);
    }
    harness_equal("the status", process_wait(&process), 0);
    harness_equal("lines", (int64_t)text_count(process.texts[0].data, "\n"), 3);
    harness_equal("lines with clients", (int64_t)text_count(process.texts[0].data, "  clients "),
                  3);
    const char *rate = NULL; /* in the last line */
    for (const char *at = process.texts[0].data;
         (at = strstr(at, "  clients 1/1000  received ")) != NULL; at++)
        rate = at;
    double per_s = 0;
    expect(rate != NULL && sscanf(rate, "  clients 1/1000  received %lf/s", &per_s) == 1 &&
               per_s > 0,
           "expected a last line with a rate of requests in:\n%s", process.texts[0].data);
    harness_equal("escape sequences", (int64_t)text_count(process.texts[0].data, "\x1b"), 0);
    server_stop(&server);
}

Test(system_watch, prints_json_with_every_counter)
{
    struct server server;

    start(&server);
    const char *json =
        run_ok(NULL, "udpctl", "-s", server.socket, "--json", "watch", "-n", "1", NULL);
    harness_equal("max", json_integer(json, "max"), 1000);
    harness_contains("the object", json, "\"per_s\":{\"received\":0.0,");
    run_ok(json, "python3", "-c", "import json, sys; json.loads(sys.stdin.read())", NULL);
    server_stop(&server);
}

Test(system_watch, prints_on_a_pipe_that_the_server_is_down)
{
    struct server server;

    start(&server);
    server_stop(&server);
    struct result result = run(NULL, "udpctl", "-s", server.socket, "watch", "-n", "1", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the line", result.out, "  away  cannot connect to ");
}

/* Expects a command of udpctl, and answers it with text. */
static void answer(int connection, const char *command, const char *text)
{
    char line[64] = "";
    size_t size = 0;

    while (size + 1 < sizeof line && read(connection, line + size, 1) == 1 && line[size] != '\n')
        size++;
    line[size] = '\0';
    cr_assert_str_eq(line, command);
    operator_send(connection, text, strlen(text));
}

Test(system_watch, accepts_unknown_values_of_a_newer_server_and_has_no_negative_rate)
{
    const char *path = harness_path("fake");
    int listener = fake_server_listen(path);
    struct process process;
    static const char status[] =
        "ok\nclients 5\nmood fine\nmax 10\nuptime_s 1\nworkers 1\nversion 9.0\n.\n";

    process_start(&process, NULL,
                  (const char *const[]){"udpctl", "-s", path, "--json", "watch", "-n", "2", NULL});
    int connection = accept(listener, NULL, NULL);
    answer(connection, "status", status);
    answer(connection, "stats", "ok\nreceived 1000\ndrop_new 7\n.\n");
    answer(connection, "jobs", "ok\n.\n");
    answer(connection, "status", status);
    answer(connection, "stats", "ok\nreceived 10\ndrop_new 7\nspeed high\nadded 3\n.\n");
    answer(connection, "jobs", "ok\njob 1 resting 5 0 0 0 0 1 new\nother\n.\n");
    answer(connection, "status", status);
    answer(connection, "stats", "ok\nreceived 10\ndrop_new 7\nadded 3\n.\n");
    answer(connection, "jobs", "ok\n.\n");
    harness_equal("the status", process_wait(&process), 0);
    harness_equal("rates below 0", (int64_t)text_count(process.texts[0].data, ":-"), 0);
    harness_contains("the object", process.texts[0].data, "\"received\":0.0,\"drop_new\":0.0");
    harness_contains("the object", process.texts[0].data, "\"added\":3");
    close(connection);
    close(listener);
}

/* ---- On a terminal ---- */

Test(system_watch, draws_the_traffic_and_q_restores_the_terminal)
{
    struct server server;
    struct pane pane;
    int udp = udp_open("127.0.0.1");
    char oversize[3000] = "";

    pane_need_tmux();
    start(&server);
    pane_open(&pane, 80, 24, watch_command(&server, "LC_ALL=C.UTF-8", ""));
    pane_await(&pane, "udpsrv up ");
    udp_ask(udp, &server.at[0], "hi", "audi");
    udp_send(udp, &server.at[0], oversize, sizeof oversize);
    ctl_ok(&server, "broadcast", "hello", NULL);
    const char *screen = pane_await(&pane, "job 1 done  1 of 1 sent");
    harness_contains("the screen", screen, "1 clients of 1,000  0.1 %");
    screen = pane_await(&pane, "drop_oversize");
    harness_contains("the screen", screen, "1 in all");
    pane_await(&pane, "\u2588"); /* the sparkline */
    harness_contains("the screen", screen, "\nq quits\n");
    /* In one read: an escape sequence and a key without a meaning, and the key that quits. */
    pane_type(&pane, "\x1b[Dxq");
    screen = pane_expect_end(&pane, 0);
    expect(strstr(screen, "clients of") == NULL, "expected the screen as it was, it is:\n%s",
           screen);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, shows_the_messages_and_events_of_a_subscriber)
{
    struct server server;
    struct pane pane;
    struct subscriber listener;
    int udp = udp_open("127.0.0.1");

    pane_need_tmux();
    start(&server);
    udp_ask(udp, &server.at[0], "hi", "audi");
    const char *line = run_ok(NULL, "udpctl", "-s", server.socket, "watch", "-n", "1", NULL);
    expect(strstr(line, "messages") == NULL, "expected nothing about subscribers in: %s", line);
    subscriber_open(&listener, &server, "listen");
    udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "listen_messages", 1);
    pane_open(&pane, 80, 24, watch_command(&server, "", ""));
    pane_await(&pane, "subscribers:  0.0/s messages  0.0/s events  0.0/s lost\n");
    line = run_ok(NULL, "udpctl", "-s", server.socket, "watch", "-n", "1", NULL);
    harness_contains("the line", line, "  messages 0.0/s  events 0.0/s\n");
    /* A rate is shown for a second: a busy host may miss one. */
    const char *screen;
    do {
        udp_send_text(udp, &server.at[0], "hi");
        screen = pane_await(&pane, "/s messages  0.0/s events  0.0/s lost\n");
    } while (strstr(screen, "subscribers:  0.0/s messages") != NULL);
    pane_press(&pane, "q");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    subscriber_close(&listener);
    server_stop(&server);
}

Test(system_watch, fits_the_window_after_each_change_of_its_size)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    pane_open(&pane, 100, 30, watch_command(&server, "NO_COLOR=1", ""));
    pane_await(&pane, "q quits");
    pane_resize(&pane, 20, 5);
    pane_await_gone(&pane, "q quits");
    const char *screen = pane_await(&pane, "0.0/s requests\n");
    expect(strncmp(screen, "udpsrv up ", 10) == 0, "expected the title on top, it is:\n%s", screen);
    harness_contains("the screen", screen, "\n0 clients of 1,000\n");
    pane_resize(&pane, 120, 40);
    screen = pane_await(&pane, "q quits");
    harness_contains("the screen", screen, "requests  0.0/s  peak 0/s");
    harness_equal("titles", (int64_t)text_count(screen, "udpsrv up"), 1);
    pane_press(&pane, "C-c");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, shows_that_the_server_is_down_and_that_it_is_back)
{
    struct server server, second;
    struct pane pane;
    int udp = udp_open("127.0.0.1"), later = udp_open("127.0.0.1");

    pane_need_tmux();
    start(&server);
    for (int i = 0; i < 30; i++)
        udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "received", 30);
    pane_open(&pane, 80, 24, watch_command(&server, "", ""));
    pane_await(&pane, "udpsrv up ");
    server_kill(&server);
    pane_await(&pane, "udpsrv away ");
    pane_await(&pane, "cannot connect to ");
    const char *gone = pane_await(&pane, "s ago:\n1 clients of 1,000");
    harness_contains("the screen", gone, "\nreceived  ");
    expect(strstr(gone, "/s replies") == NULL, "expected no rates of now in:\n%s", gone);
    second = (struct server){.socket = server.socket};
    server_start(&second, FIXED, "-l", "127.0.0.1:0", NULL);
    const char *screen = pane_await(&pane, "udpsrv up ");
    expect(strstr(screen, "away") == NULL, "expected a screen without an error, it is:\n%s",
           screen);
    udp_ask(later, &second.at[0], "hi", "audi");
    pane_await(&pane, "1 clients of");
    pane_press(&pane, "q");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&second);
}

Test(system_watch, shows_a_late_answer_before_the_timeout)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "clients", 1);
    pane_open(&pane, 40, 15, watch_command(&server, "", "-t 600"));
    pane_await(&pane, "\n0.0/s requests  0.0/s replies\n0.0/s lost\n");
    process_kill(&server.process, SIGSTOP);
    const char *screen = pane_await(&pane, "s ago:\n");
    int silent_s = 0, age_s = 0; /* any second: a busy machine may miss one */
    const char *head = strstr(screen, "udpsrv no answer for ");
    expect(head != NULL && sscanf(head, "udpsrv no answer for %ds\nvalues last updated %ds ago:",
                                  &silent_s, &age_s) == 2,
           "expected the time without an answer and the age of the values in:\n%s", screen);
    harness_equal("the age of the values", age_s, silent_s);
    expect(silent_s >= 2, "expected no answer for 2 s or more, in:\n%s", screen);
    harness_contains("the screen", screen, "\n1 clients of 1,000  0.1 %\n");
    expect(strstr(screen, "/s requests") == NULL, "expected no rates of now in:\n%s", screen);
    process_kill(&server.process, SIGCONT);
    pane_await(&pane, "\n0.0/s requests  0.0/s replies\n0.0/s lost\n");
    pane_press(&pane, "q");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, restores_the_terminal_after_any_signal)
{
    static const char *const signals[] = {"TERM", "HUP", "INT", "QUIT", "ABRT"};
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const char *pid = harness_path(harness_format("pid-%zu", i));
        pane_open(
            &pane, 80, 24,
            harness_format("sh -c 'echo $$ >%s; exec %s'", pid, watch_command(&server, "", "")));
        pane_await(&pane, "udpsrv up ");
        run_ok(NULL, "sh", "-c", harness_format("kill -%s $(cat %s)", signals[i], pid), NULL);
        harness_contains("the screen", pane_await(&pane, "terminal "), "terminal as before");
        pane_close(&pane);
    }
    server_stop(&server);
}

Test(system_watch, ctrl_z_suspends_it_and_fg_continues_it)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start(&server);
    pane_open(&pane, 80, 24, "PS1='ready ' bash --norc");
    pane_await(&pane, "ready");
    pane_type(&pane, watch_command(&server, "", ""));
    pane_press(&pane, "Enter");
    pane_await(&pane, "udpsrv up ");
    pane_press(&pane, "C-z");
    pane_await(&pane, "Stopped");
    pane_type(&pane, "fg");
    pane_press(&pane, "Enter");
    pane_await(&pane, "udpsrv up ");
    pane_press(&pane, "q");
    pane_await_gone(&pane, "udpsrv up ");
    pane_type(&pane, "exit");
    pane_press(&pane, "Enter");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

/* ---- The progress of a broadcast ---- */

/* Starts a server with clients, and broadcasts that take so long that a test sees them run. */
static void start_slow(struct server *server, int clients)
{
    *server = (struct server){.listeners = 0};
    server_start(server, "[broadcast]\nrate = 10\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < clients; i++)
        udp_send_from_new_client(&server->at[0]);
    server_await_stat(server, "clients", clients);
}

/* Has the running broadcast send its other copies at once. */
static void end_slowness(struct server *server)
{
    server_configure(server, "");
    server_ask(server, "reload");
}

Test(system_watch, a_broadcast_shows_its_progress_on_a_terminal)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start_slow(&server, 200);
    pane_open(&pane, 80, 24,
              harness_format("%s -s %s broadcast hello", program_path("udpctl"), server.socket));
    const char *screen = pane_await(&pane, " to go");
    harness_contains("the screen", screen, "job 1 ");
    harness_contains("the screen", screen, "/s  0:");
    end_slowness(&server);
    screen = pane_expect_end(&pane, 0);
    /* The progress is erased, and the result is printed in its place. */
    expect(strncmp(screen, "id ", 3) == 0, "expected only the result, it is:\n%s", screen);
    harness_contains("the screen", screen, "sent         200\n");
    harness_equal("bars", (int64_t)text_count(screen, "to go"), 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, a_broadcast_with_a_selector_shows_its_copies_on_a_terminal)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start_slow(&server, 200);
    pane_open(&pane, 80, 24,
              harness_format("%s -s %s broadcast --to 127.0.0.0/8 hello", program_path("udpctl"),
                             server.socket));
    const char *screen = pane_await(&pane, " sent  ");
    harness_contains("the screen", screen, "job 1 ");
    harness_contains("the screen", screen, "/s");
    expect(strchr(screen, '%') == NULL, "expected no share of unknown targets, it is:\n%s", screen);
    end_slowness(&server);
    screen = pane_expect_end(&pane, 0);
    harness_contains("the screen", screen, "targets      200\n");
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, ctrl_c_ends_the_waiting_and_not_the_broadcast)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start_slow(&server, 300);
    pane_open(&pane, 80, 24,
              harness_format("%s -s %s broadcast hello", program_path("udpctl"), server.socket));
    pane_await(&pane, " to go");
    pane_press(&pane, "C-c");
    const char *screen = pane_expect_end(&pane, 130);
    harness_contains("the screen", screen,
                     "udpctl: waiting for job 1: interrupted, but the job continues; ");
    end_slowness(&server);
    server_await_stat(&server, "broadcasts", 1);
    harness_equal("copies", server_stat(&server, "copies_sent"), 300);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, progress_is_not_written_to_a_pipe)
{
    struct server server;

    start_slow(&server, 10);
    struct result result = run(NULL, "udpctl", "-s", server.socket, "broadcast", "hello", NULL);
    harness_equal("the status", result.status, 0);
    cr_assert_str_eq(result.err, "");
    expect(strncmp(result.out, "id ", 3) == 0, "expected only the result, it is '%s'", result.out);
    server_stop(&server);
}

Test(system_watch, draws_a_running_job_with_its_remaining_time)
{
    struct server server;
    struct pane pane;

    pane_need_tmux();
    start_slow(&server, 300);
    ctl_ok(&server, "broadcast", "--no-wait", "hello", NULL);
    ctl_ok(&server, "broadcast", "--no-wait", "world", NULL);
    pane_open(&pane, 100, 24, watch_command(&server, "", ""));
    const char *screen = pane_await(&pane, " to go");
    harness_contains("the screen", screen, "job 1 running ");
    harness_contains("the screen", screen, "job 2 waiting  5 bytes\n");
    pane_press(&pane, "q");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

Test(system_watch, broadcast_wait_sends_the_job_id_at_once)
{
    struct server server;
    char text[64] = "";
    size_t size = 0;

    start_slow(&server, 200);
    int control = control_client_open(&server);
    operator_send(control, "broadcast wait 00\n", 18);
    while (strstr(text, "id 1\n") == NULL && size + 1 < sizeof text)
        size += (size_t)(read(control, text + size, sizeof text - 1 - size));
    cr_assert_str_eq(text, "ok\nid 1\n");
    harness_equal("broadcasts that have ended", server_stat(&server, "broadcasts"), 0);
    end_slowness(&server);
    harness_contains("the rest", operator_answer(control), "state done\n");
    server_stop(&server);
}
