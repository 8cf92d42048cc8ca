/* The control socket: invalid input, sessions, its file, and the text and JSON output of udpctl. */

#include "harness.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(system_control, .fini = harness_end, .timeout = 60);

static const char FIXED[] = "[reply]\nmessage = yes\n";

static const char *ask(int control, const char *line)
{
    const char *answer;

    expect(operator_send(control, line, strlen(line)), "expected the server to take '%s'", line);
    answer = operator_answer(control);
    expect(answer != NULL, "expected an answer to '%s', the connection was closed", line);
    return answer;
}

static void expect_service(struct server *server, int udp)
{
    udp_ask(udp, &server->at[0], "hi", "yes");
    server_ask(server, "status");
}

static void register_many(struct server *server, int count)
{
    for (int i = 0; i < count; i++)
        udp_send_from_new_client(&server->at[0]);
    server_await_stat(server, "joined", count);
}

Test(system_control, answers_an_invalid_command_with_an_error_and_continues)
{
    static const char *const lines[] = {"frobnicate\n",
                                        "\n",
                                        "stats now\n",
                                        "STATS\n",
                                        "kick\n",
                                        "cancel x\n",
                                        "broadcast wait xyz\n",
                                        "broadcast\n",
                                        "clients -1\n",
                                        "client nowhere\n",
                                        "\xff\xfe\x01 %s%n\n"};
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), control;

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    control = control_client_open(&server);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *answer = ask(control, lines[i]);

        expect(strncmp(answer, "error ", 6) == 0 && strchr(answer, '\xff') == NULL,
               "expected an error to '%s', not '%s'", lines[i], answer);
        expect(strncmp(ask(control, "status\r\n"), "ok\n", 3) == 0,
               "expected status to work still");
    }
    expect_service(&server, udp);
    server_stop(&server);
}

Test(system_control, answers_commands_that_arrive_together_in_their_order)
{
    static const char commands[] = "status\nstats\nnonsense\nhelp\nstatus\n";
    struct server server = {0};
    char all[65536];
    size_t size = 0;
    int control;

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    control = control_client_open(&server);
    operator_send(control, commands, strlen(commands));
    shutdown(control, SHUT_WR);
    for (ssize_t more; (more = recv(control, all + size, sizeof all - 1 - size, 0)) > 0;)
        size += (size_t)more;
    all[size] = '\0';
    harness_equal("answers", (int64_t)text_count(all, "\n.\n"), 5);
    expect(strstr(all, "received") < strstr(all, "error ") &&
               strstr(all, "error ") < strstr(all, "\ncommand ") &&
               strstr(all, "\nuptime_s ") < strstr(all, "received"),
           "expected the answers in the order of the commands, not '%s'", all);
    server_stop(&server);
}

Test(system_control, closes_on_a_line_without_a_newline_and_on_a_line_of_a_megabyte)
{
    enum { MEGABYTE = 1 << 20 };
    static char line[MEGABYTE];
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), control;

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    control = control_client_open(&server);
    operator_send(control, "stat", 4);
    expect_service(&server, udp);
    shutdown(control, SHUT_WR);
    operator_expect_end(control);

    memset(line, 'a', sizeof line);
    control = control_client_open(&server);
    operator_send(control, line, sizeof line); /* it may be refused before its end */
    operator_expect_end(control);
    expect_service(&server, udp);

    control = control_client_open(&server);
    memcpy(line, "broadcast nowait ", 17);
    line[MEGABYTE - 1] = '\n';
    operator_send(control, line, sizeof line);
    operator_expect_end(control);
    expect_service(&server, udp);
    harness_equal("broadcasts", server_stat(&server, "broadcasts"), 0);
    server_stop(&server);
}

Test(system_control, sends_an_error_for_a_line_that_is_too_long_before_it_closes)
{
    enum { LONG = 140 << 10 };
    static char line[LONG];
    struct server server = {0};
    const char *answer;
    int control;

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    memset(line, 'a', sizeof line);
    control = control_client_open(&server);
    operator_send(control, line, sizeof line);
    answer = operator_answer(control);
    /* A closed connection is also correct: the rest of the line may still have been in transit. */
    expect(answer == NULL || strncmp(answer, "error ", 6) == 0, "expected an error, not '%s'",
           answer);
    server_stop(&server);
}

Test(system_control, serves_requests_and_operators_besides_100_silent_sessions)
{
    enum { SILENT = 100 };
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), silent[SILENT];

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < SILENT; i++)
        silent[i] = control_client_open(&server);
    for (int i = 0; i < 10; i++) {
        udp_ask(udp, &server.at[0], "hi", "yes");
        ctl_ok(&server, "status", NULL);
    }
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(udp, &server.at[0], "news");
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
    expect_service(&server, udp);
    server_stop(&server);
}

Test(system_control, continues_when_a_peer_closes_in_the_middle_of_a_long_list)
{
    enum { CLIENTS = 5000 };
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    char some[1000];

    server_start(&server, "[reply]\nmode = none\n", "-l", "127.0.0.1:0", NULL);
    register_many(&server, CLIENTS);
    for (int i = 0; i < 20; i++) {
        int control = control_client_open(&server);

        operator_send(control, "clients\n", 8);
        if (i % 2 == 0)
            expect(recv(control, some, sizeof some, 0) > 0, "expected a part of the list");
        close(control);
    }
    udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "joined", CLIENTS + 1);
    harness_equal("clients listed",
                  (int64_t)text_count(server_ask(&server, "clients"), "\nclient "), CLIENTS + 1);
    server_stop(&server);
}

/* Counts the lines that are a single dot, until the connection ends. */
static int count_answers(int control)
{
    char some[16384];
    size_t length = 0; /* of the line so far */
    bool dot = false;
    int answers = 0;

    for (ssize_t size; (size = recv(control, some, sizeof some, 0)) > 0;) {
        for (ssize_t i = 0; i < size; i++) {
            if (some[i] != '\n') {
                dot = length++ == 0 && some[i] == '.';
                continue;
            }
            answers += dot && length == 1;
            length = 0;
        }
    }
    return answers;
}

Test(system_control, continues_when_a_peer_does_not_read_its_answers)
{
    enum { CLIENTS = 5000 };
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), control;

    server_start(&server, "[reply]\nmode = none\n", "-l", "127.0.0.1:0", NULL);
    register_many(&server, CLIENTS);
    control = control_client_open(&server);
    for (int i = 0; i < 20; i++)
        operator_send(control, "clients\n", 8);
    udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "joined", CLIENTS + 1);
    ctl_ok(&server, "status", NULL);
    shutdown(control, SHUT_WR);
    harness_equal("answers", count_answers(control), 20);
    server_stop(&server);
}

Test(system_control, continues_when_a_session_that_waits_for_a_broadcast_closes)
{
    struct server server = {0};
    int control;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 50\n", "-l", "127.0.0.1:0",
                 NULL);
    register_many(&server, 20);
    control = control_client_open(&server);
    operator_send(control, "broadcast wait 6869\n", 20);
    server_await_stat(&server, "copies_sent", 1);
    close(control);
    server_await_stat(&server, "broadcasts", 1);
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), 20);
    server_stop(&server);
}

static void expect_socket(const struct server *server, unsigned mode)
{
    struct stat status;

    expect(lstat(server->socket, &status) == 0, "expected %s to be there", server->socket);
    expect(S_ISSOCK(status.st_mode), "expected %s to be a socket", server->socket);
    harness_equal("the socket's mode", status.st_mode & 07777, mode);
}

static void no_umask(void)
{
    umask(0);
}

static void full_umask(void)
{
    umask(0777);
}

Test(system_control, gives_the_socket_its_mode_with_any_umask)
{
    static harness_prepare *const umasks[] = {NULL, no_umask, full_umask};

    for (size_t i = 0; i < 3; i++) {
        struct server server = {.prepare = umasks[i]};

        server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
        expect_socket(&server, 0660);
        server_stop(&server);
    }
    struct server server = {0};
    server_start(&server, "[control]\nmode = 0600\n", "-l", "127.0.0.1:0", NULL);
    expect_socket(&server, 0600);
    server_stop(&server);
}

Test(system_control, never_replaces_the_socket_of_a_live_server)
{
    struct server server = {0}, second = {0};
    struct result result;

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    second.socket = server.socket;
    result = server_try(&second, FIXED, "-l", "127.0.0.1:0", NULL);
    harness_equal("the second one's status", result.status, 1);
    harness_contains("its error", result.err, server.socket);
    harness_equal("its lines", (int64_t)text_count(result.err, "\n"), 1);
    expect_socket(&server, 0660);
    ctl_ok(&server, "status", NULL);
    server_stop(&server);
}

Test(system_control, replaces_the_socket_of_a_server_that_was_killed)
{
    struct server server = {0}, second = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    server_kill(&server);
    expect_socket(&server, 0660);
    harness_equal("the status without a server", ctl(&server, "status", NULL).status, 3);
    second.socket = server.socket;
    server_start(&second, FIXED, "-l", "127.0.0.1:0", NULL);
    expect_socket(&second, 0660);
    expect_service(&second, udp);
    server_stop(&second);
}

Test(system_control, does_not_touch_a_file_of_another_kind)
{
    struct server server = {.socket = harness_path("precious")};
    FILE *file = fopen(server.socket, "we");
    struct result result;
    struct stat status;

    expect(file != NULL && fputs("text", file) >= 0 && fclose(file) == 0, "expected a file");
    result = server_try(&server, NULL, "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, server.socket);
    expect(stat(server.socket, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 4,
           "expected the file unchanged");
}

/* Listens on the socket in place of udpsrv. */
static int listen_at(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    expect(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 5) == 0,
           "expected to listen at %s", path);
    return listener;
}

Test(system_control, reports_by_its_exit_status_whether_the_server_runs)
{
    struct server server = {0}, fake = {.socket = harness_path("fake")};
    struct process process;
    int listener, connection;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    harness_equal("status while it runs", ctl(&server, "status", NULL).status, 0);
    server_stop(&server);
    harness_equal("status after its end", ctl(&server, "status", NULL).status, 3);

    listener = listen_at(fake.socket);
    process_start(&process, NULL,
                  (const char *const[]){"udpctl", "-s", fake.socket, "status", NULL});
    connection = accept(listener, NULL, NULL);
    operator_send(connection, "error no: the test says so\n.\n", 29);
    harness_equal("status after an error", process_wait(&process), 1);
    harness_contains("the error", process.texts[1].data, "the test says so");
    close(connection);

    process_start(&process, NULL,
                  (const char *const[]){"udpctl", "-s", fake.socket, "status", NULL});
    connection = accept(listener, NULL, NULL);
    operator_send(connection, "ok\nclients 5\n", 13);
    close(connection);
    harness_equal("status after half an answer", process_wait(&process), 1);

    harness_equal("status after a timeout",
                  run(NULL, "udpctl", "-s", fake.socket, "-t", "200ms", "status", NULL).status, 1);
}

Test(system_control, the_timeout_applies_to_the_whole_answer)
{
    const char *path = harness_path("fake");
    int listener = listen_at(path);
    struct process process;

    process_start(&process, NULL,
                  (const char *const[]){"udpctl", "-s", path, "-t", "300ms", "stats", NULL});
    int connection = accept(listener, NULL, NULL);
    operator_send(connection, "ok\n", 3);
    /* Each part arrives in time, but the last line never does. */
    while (process.pidfd >= 0 && operator_send(connection, "more 1\n", 7))
        process_pump(&process, 50);
    harness_equal("the status", process_wait(&process), 1);
    harness_contains("the error", process.texts[1].data,
                     "the timeout has expired; set a longer one with -t");
    close(connection);
    close(listener);
}

Test(system_control, stops_the_server_by_stop)
{
    struct server server = {0};

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    ctl_ok(&server, "stop", NULL);
    harness_equal("the status", process_wait(&server.process), 0);
    expect(access(server.socket, F_OK) != 0, "expected no socket after the end");
}

Test(system_control, prints_help_and_refuses_unknown_commands_and_options)
{
    struct server server = {0};

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    harness_contains("udpctl --help", run_ok(NULL, "udpctl", "--help", NULL), "broadcast");
    run_ok(NULL, "udpctl", "--version", NULL);
    harness_equal("no command", run(NULL, "udpctl", NULL).status, 2);
    harness_equal("an unknown command", ctl(&server, "statistics", NULL).status, 2);
    harness_equal("an unknown option", ctl(&server, "--frobnicate", "status", NULL).status, 2);
    harness_contains("help", server_ask(&server, "help"), "\ncommand broadcast ");
    cr_assert_str_eq(run_ok(NULL, "udpctl", "help", NULL), run_ok(NULL, "udpctl", "--help", NULL));
    server_stop(&server);
}

/* Expects each number of an answer in JSON in the text answer, too. */
static void expect_agreement(const char *text, const char *json)
{
    size_t numbers = 0;

    for (const char *quote = strchr(json, '"'); quote != NULL; quote = strchr(quote, '"')) {
        size_t size = strcspn(quote + 1, "\"");
        const char *name = harness_format("%.*s", (int)size, quote + 1);
        const char *value = quote + size + 2;

        value += strspn(value, ": ");
        quote += size + 2;
        if (*value == '"') { /* a string: skip its closing quote, too */
            harness_contains("the text", text, json_text(json, name));
            quote = strchr(value + 1, '"') + 1;
        } else {
            harness_equal(name, text_integer(text, name), json_integer(json, name));
            numbers++;
        }
    }
    expect(numbers > 0, "expected figures in '%s'", json);
}

Test(system_control, text_and_json_output_agree)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), six = udp_open("::1");
    struct endpoint name = udp_name(udp), name6 = udp_name(six);
    const char *text, *json;

    server_start(&server, FIXED, "-l", "127.0.0.1:0", "-l", "[::1]:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    udp_ask(udp, &server.at[0], "hi", "yes");
    udp_ask(six, &server.at[1], "hi", "yes");
    ctl_ok(&server, "broadcast", "news", NULL);
    expect_agreement(ctl_ok(&server, "stats", NULL), ctl_ok(&server, "stats", "--json", NULL));
    text = ctl_ok(&server, "status", NULL);
    json = ctl_ok(&server, "status", "--json", NULL);
    harness_equal("clients", text_integer(text, "clients"), json_integer(json, "clients"));
    harness_equal("clients", json_integer(json, "clients"), 2);
    harness_equal("max", text_integer(text, "max"), json_integer(json, "max"));
    harness_equal("max", json_integer(json, "max"), 1000000);
    harness_equal("workers", text_integer(text, "workers"), json_integer(json, "workers"));
    harness_contains("the text", text, json_text(json, "version"));
    text = ctl_ok(&server, "clients", NULL);
    json = ctl_ok(&server, "clients", "--sort", "address", "--json", NULL);
    for (int i = 0; i < 2; i++) {
        harness_contains("clients", text, endpoint_text(i == 0 ? &name : &name6));
        harness_contains("clients", text, endpoint_text(&server.at[i]));
        harness_contains("clients --json", json, endpoint_text(i == 0 ? &name : &name6));
        harness_contains("clients --json", json, endpoint_text(&server.at[i]));
    }
    cr_assert_str_eq(json_text(json, "address"), endpoint_text(&name)); /* IPv4 first */
    harness_equal("received", json_integer(json, "received"), 2);
    text = ctl_ok(&server, "broadcast", "news", NULL);
    json = ctl_ok(&server, "broadcast", "news", "--json", NULL);
    harness_equal("targets", text_integer(text, "targets"), json_integer(json, "targets"));
    harness_equal("sent", text_integer(text, "sent"), json_integer(json, "sent"));
    harness_equal("sent", json_integer(json, "sent"), 2);
    cr_assert_str_eq(json_text(json, "state"), "done");
    harness_contains("the text", text, "state        done\n");
    harness_contains("stats", ctl_ok(&server, "stats", NULL),
                     "or not valid from this source\n\nkernel_");
    json = ctl_ok(&server, "jobs", "--json", NULL);
    harness_equal("jobs", (int64_t)text_count(json, "\"done\""), 3);
    harness_equal("jobs", (int64_t)text_count(ctl_ok(&server, "jobs", NULL), "done"), 3);
    server_stop(&server);
}

Test(system_control, broadcasts_lines_without_their_newlines)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, FIXED, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    run_ok("one\r\n\n\r\na\rb\r", "udpctl", "-s", server.socket, "broadcast", "--stdin", NULL);
    udp_expect(udp, &server.at[0], "one");
    udp_expect(udp, &server.at[0], "");
    udp_expect(udp, &server.at[0], "");
    udp_expect(udp, &server.at[0], "a\rb\r"); /* there is no newline after the last one */
    harness_equal("broadcasts", server_stat(&server, "broadcasts"), 4);
    server_stop(&server);
}

Test(system_control, reports_a_cancelled_broadcast_to_programs_only_in_json)
{
    struct server server = {0};
    struct process process;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    register_many(&server, 20);
    process_start(
        &process, NULL,
        (const char *const[]){"udpctl", "-s", server.socket, "--json", "broadcast", "hi", NULL});
    server_await_stat(&server, "copies_sent", 1);
    ctl_ok(&server, "cancel", "1", NULL);
    harness_equal("the status", process_wait(&process), 1);
    cr_assert_str_eq(json_text(process.texts[0].data, "state"), "cancelled");
    harness_equal("bytes on stderr", (int64_t)process.texts[1].size, 0);
    server_stop(&server);
}

Test(system_control, accepts_interfaces_by_name)
{
    struct server server = {0};
    struct result result;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    result = ctl(&server, "kick", "[fe80::1%lo]:5", NULL);
    harness_equal("kicking an unknown client", result.status, 1);
    harness_contains("the error", result.err,
                     harness_format("[fe80::1%%%u]:5", if_nametoindex("lo")));
    result = ctl(&server, "client", "[fe80::1%nowhere]:5", NULL);
    harness_equal("an unknown interface", result.status, 2);
    harness_contains("the error", result.err, "no such network interface");
    server_stop(&server);
}

Test(system_control, limits_and_sorts_what_it_lists)
{
    enum { CLIENTS = 300 };
    struct server server = {0};
    const char *json;

    server_start(&server, "[reply]\nmode = none\n", "-l", "127.0.0.1:0", NULL);
    register_many(&server, CLIENTS);
    json = ctl_ok(&server, "clients", "--limit", "7", "--json", NULL);
    harness_equal("clients", (int64_t)text_count(json, "\"address\""), 7);
    json = ctl_ok(&server, "clients", "--sort", "address", "--json", NULL);
    harness_equal("clients", (int64_t)text_count(json, "\"address\""), CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        const char *host = harness_format("\"127.1.%d.%d:", i / 250, 1 + i % 250);
        const char *found = strstr(json, host);

        expect(found != NULL, "expected %s after its predecessor in the sorted list", host);
        json = found;
    }
    json = ctl_ok(&server, "clients", "--sort", "idle", "--json", NULL);
    for (int64_t last = -1, idle; (json = strstr(json, "\"idle_ms\"")) != NULL; last = idle) {
        idle = json_integer(json, "idle_ms");
        json++;
        expect(idle >= last, "expected the idle times to rise, not %lld after %lld",
               (long long)idle, (long long)last);
    }
    server_stop(&server);
}
