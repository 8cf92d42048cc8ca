/* The observers' socket: its file and its users, and that its sessions change nothing. */

#include "harness.h"
#include "subscriber.h"

#include "server/control/commands/command_table.h"
#include "server/control/control_state.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_observers, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

/* A server, and its observers' socket as the socket of another struct, for ctl and
 * control_client_open.
 */
static struct server server, observers;

/* Starts the server with an observers' socket; more is further configuration. */
static void start(const char *more)
{
    observers.socket = harness_path("observers");
    server_start(&server,
                 harness_format("[control]\nobserver-socket = %s\n%s", observers.socket, more),
                 "-l", "127.0.0.1:0", NULL);
}

static void stop(void)
{
    server_stop(&server);
    expect(access(observers.socket, F_OK) != 0, "expected %s to be removed", observers.socket);
}

/* ---- commands ---- */

Test(system_observers, see_what_operators_see)
{
    int udp = udp_open("127.0.0.1");

    start("");
    udp_ask(udp, &server.at[0], "hi", "audi");
    harness_equal("clients", json_integer(ctl_ok(&observers, "--json", "status", NULL), "clients"),
                  1);
    harness_contains("the clients", ctl_ok(&observers, "clients", NULL), "127.0.0.1:");
    harness_equal("received", json_integer(ctl_ok(&observers, "--json", "stats", NULL), "received"),
                  1);
    cr_assert_str_eq(ctl_ok(&observers, "config", NULL), ctl_ok(&server, "config", NULL));
    ctl_ok(&server, "broadcast", "hello", NULL);
    harness_contains("the jobs", ctl_ok(&observers, "jobs", NULL), "done");
    harness_contains("what watch prints", ctl_ok(&observers, "watch", "-n", "1", NULL),
                     "clients 1/");
    stop();
}

/* Each command of the table, with arguments that it takes. */
Test(system_observers, are_answered_or_refused_each_command_of_the_table)
{
    static const struct {
        const char *name, *line;
        bool permitted;
    } cases[] = {
        {"help", "help\n", true},
        {"status", "status\n", true},
        {"stats", "stats\n", true},
        {"clients", "clients\n", true},
        {"jobs", "jobs\n", true},
        {"streams", "streams\n", true},
        {"offload", "offload\n", true},
        {"job", NULL, true}, /* no job exists: system_confirm asks for one */
        {"config", "config\n", true},
        {"events", NULL, true}, /* its answer lasts: see the next test */
        {"listen", "listen\n", false},
        {"gateway", "gateway\n", false},
        {"client", "client 127.0.0.1:9\n", false},
        {"count", "count\n", false},
        {"kick", "kick 127.0.0.1:9\n", false},
        {"send", "send 127.0.0.1:9 00\n", false},
        {"broadcast", "broadcast nowait 00\n", false},
        {"cancel", "cancel 1\n", false},
        {"reload", "reload\n", false},
        {"upgrade", "upgrade\n", false},
        {"stop", "stop\n", false},
    };
    size_t count;

    command_table_rows(&count);
    harness_equal("the number of commands", (int64_t)count, sizeof cases / sizeof cases[0]);
    start("");
    int session = control_client_open(&observers);
    for (size_t i = 0; i < count; i++) {
        if (cases[i].line == NULL)
            continue;
        expect(operator_send(session, cases[i].line, strlen(cases[i].line)), "expected to send");
        const char *answer = operator_answer(session);
        const char *refusal = harness_format("error cannot execute '%s': this socket is for "
                                             "observers; use the control socket %s\n.\n",
                                             cases[i].name, server.socket);
        expect(answer != NULL, "expected an answer to %s", cases[i].line);
        if (cases[i].permitted)
            expect(strncmp(answer, "ok\n", 3) == 0, "expected ok to %s", cases[i].line);
        else
            cr_assert_str_eq(answer, refusal);
    }
    stop();
}

Test(system_observers, may_subscribe_to_events)
{
    struct subscriber subscriber;
    start("");
    subscriber_open(&subscriber, &observers, "events");
    udp_send_from_new_client(&server.at[0]);
    subscriber_expect(&subscriber, " joined ", NULL);
    subscriber_close(&subscriber);
    stop();
}

Test(system_observers, change_nothing)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    const char *client = endpoint_text(&name);

    start("[reply]\nmessage = old\n");
    udp_ask(udp, &server.at[0], "hi", "old");
    server_configure(&server, "[reply]\nmessage = new\n");
    harness_equal("kick", ctl(&observers, "kick", client, NULL).status, 1);
    harness_equal("send", ctl(&observers, "send", client, "x", NULL).status, 1);
    harness_equal("broadcast", ctl(&observers, "broadcast", "x", NULL).status, 1);
    harness_equal("reload", ctl(&observers, "reload", NULL).status, 1);
    harness_equal("stop", ctl(&observers, "stop", NULL).status, 1);
    udp_ask(udp, &server.at[0], "hi", "old");
    udp_expect_nothing(udp, "a message of an observer");
    harness_equal("clients", server_stat(&server, "clients"), 1);
    harness_equal("broadcasts", server_stat(&server, "broadcasts"), 0);
    stop();
}

Test(system_observers, that_are_refused_a_command_are_logged)
{
    const char *line;

    start("[log]\nformat = logfmt\n");
    ctl(&observers, "kick", "127.0.0.1:9", NULL);
    line = server_await_log(&server, "refused an observer's command");
    harness_contains("the line", line, "name=kick");
    harness_contains(
        "the line", line,
        harness_format("uid=%u gid=%u pid=", (unsigned)geteuid(), (unsigned)getegid()));
    stop();
}

Test(system_observers, are_named_in_the_log_at_the_start)
{
    start("[log]\nformat = logfmt\n");
    harness_contains("the line", server_await_log(&server, "msg=ready"),
                     harness_format(" observer_socket=%s", observers.socket));
    stop();
}

Test(system_observers, may_have_the_only_socket)
{
    server.socket = "off";
    start("");
    ctl_ok(&observers, "status", NULL);
    harness_contains("the error", ctl(&observers, "stop", NULL).err, "there is no other");
    stop();
}

/* ---- users ---- */

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
}

/* Connects to a socket as the user nobody with a supplementary group, and sends `input`. Returns
 * the answer. */
static const char *ask_as_nobody(const char *input, const char *socket, const char *group)
{
    return run(input, "setpriv", "--reuid=65534", "--regid=65534",
               harness_format("--groups=%s", group), "socat", "-t60", "-",
               harness_format("UNIX-CONNECT:%s", socket), NULL)
        .out;
}

Test(system_observers, have_a_mode_and_a_group_of_their_own)
{
    struct stat status;

    need_root();
    chmod(harness_path(""), 0755);
    start("mode = 0600\nobserver-mode = 0620\nobserver-group = 54322\n");
    chmod(server.dir, 0755);
    expect(stat(observers.socket, &status) == 0, "expected a socket");
    harness_equal("its mode", status.st_mode & 0777, 0620);
    harness_equal("its group", status.st_gid, 54322);
    harness_contains("the answer", ask_as_nobody("status\n", observers.socket, "54322"), "ok\n");
    cr_assert_str_eq(ask_as_nobody("status\n", server.socket, "54322"), "");
    cr_assert_str_eq(ask_as_nobody("status\n", observers.socket, "54323"), "");
    stop();
}

Test(system_observers, without_permission_are_refused_even_if_the_file_is_open_to_all)
{
    need_root();
    chmod(harness_path(""), 0755);
    start("observer-mode = 0600\n");
    chmod(observers.socket, 0666);
    harness_contains("the answer", ask_as_nobody(NULL, observers.socket, "54322"),
                     "error cannot open a session: you have no permission; control.observer-mode");
    harness_contains("the line", server_await_log(&server, "refused an observer's connection"),
                     "uid=65534");
    stop();
}

Test(system_observers, have_a_socket_that_is_made_again_with_its_group_as_another_user)
{
    struct stat after;
    const char *directory = harness_path("run");
    int64_t begin;

    need_root();
    expect(mkdir(directory, 0755) == 0 && chown(directory, NOBODY, (gid_t)-1) == 0,
           "expected to make %s", directory);
    observers.socket = harness_path("run/observers");
    server.owner = NOBODY;
    server_start(&server,
                 harness_format("[server]\nuser = nobody\n[clients]\nsweep = 20ms\n[control]\n"
                                "group = 54321\nobserver-socket = %s\nobserver-group = 54322\n"
                                "observer-mode = 0640\n",
                                observers.socket),
                 "-l", "127.0.0.1:0", NULL);
    expect(unlink(observers.socket) == 0 && unlink(server.socket) == 0,
           "expected to remove the sockets");
    begin = harness_now_ms();
    while (ctl(&observers, "status", NULL).status != 0 ||
           ctl(&server, "status", NULL).status != 0) {
        expect(harness_now_ms() - begin < HARNESS_DEADLINE_MS, "expected both sockets again");
        harness_wait_ms(10);
    }
    expect(stat(observers.socket, &after) == 0, "expected a socket again");
    harness_equal("its mode", after.st_mode & 0777, 0640);
    harness_equal("its user", after.st_uid, NOBODY);
    harness_equal("its group", after.st_gid, 54322);
    expect(stat(server.socket, &after) == 0, "expected a socket again");
    harness_equal("the group of the control socket", after.st_gid, 54321);
    stop();
}

/* ---- the file ---- */

Test(system_observers, have_a_socket_that_is_made_again_on_a_reload)
{
    start("[clients]\nsweep = 1h\n");
    expect(unlink(observers.socket) == 0, "expected to remove %s", observers.socket);
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, "reloaded");
    ctl_ok(&observers, "status", NULL);
    stop();
}

Test(system_observers, keep_their_socket_until_a_restart)
{
    start("");
    server_configure(&server, "[clients]\nttl = 9s\n");
    harness_contains("the answer", ctl_ok(&server, "reload", NULL),
                     "control.observer-socket needs an upgrade\n");
    harness_contains("the configuration", ctl_ok(&observers, "config", NULL),
                     harness_format("observer-socket = %s\n# after an upgrade: observer-socket =\n",
                                    observers.socket));
    stop();
}

static void expect_no_start(struct server *tried, const char *config, int status, const char *why)
{
    struct result result = server_try(tried, config, "-l", "127.0.0.1:0", NULL);

    harness_equal("the status", result.status, status);
    harness_contains("the error", result.err, why);
}

Test(system_observers, cannot_have_the_control_socket)
{
    struct server tried = {.socket = harness_path("both")};

    expect_no_start(&tried, harness_format("[control]\nobserver-socket = %s\n", tried.socket), 78,
                    "udpsrv.conf:2:1: 'observer-socket' is the path of the control socket");
    expect(access(tried.socket, F_OK) != 0, "expected no socket");
}

Test(system_observers, cannot_have_the_socket_of_another_server)
{
    struct server tried = {0};

    start("");
    expect_no_start(&tried, harness_format("[control]\nobserver-socket = %s\n", observers.socket),
                    1, "cannot open the observers' socket");
    expect(access(tried.socket, F_OK) != 0, "expected no control socket after the failed start");
    ctl_ok(&observers, "status", NULL);
    stop();
}

Test(system_observers, that_died_leave_a_file_that_is_replaced)
{
    struct server next = {0};

    start("");
    server_kill(&server);
    expect(access(observers.socket, F_OK) == 0, "expected the file to stay");
    server_start(&next, harness_format("[control]\nobserver-socket = %s\n", observers.socket), "-l",
                 "127.0.0.1:0", NULL);
    ctl_ok(&observers, "status", NULL);
    server_stop(&next);
}

/* ---- operators come first ---- */

Test(system_observers, of_any_number_do_not_keep_operators_away)
{
    start("");
    server_ask(&server, "status");
    for (int i = 0; i < CONTROL_SESSIONS_MAX + 20; i++) {
        int session = control_client_open(&observers);
        if (i % 2 == 0)
            operator_send(session, "clients\nclients\nclients\n", 24);
    }
    ctl_ok(&server, "status", NULL);
    server_ask(&server, "status");
    stop();
}

/* 64 subscribers at once: 16 observers and 48 operators, whose places observers cannot take. */
Test(system_observers, that_subscribe_do_not_keep_operators_from_it)
{
    enum { OBSERVERS = 16, OPERATORS = 48 };
    struct subscriber subscribers[OBSERVERS + OPERATORS];

    start("");
    for (int i = 0; i < OBSERVERS; i++)
        subscriber_open(&subscribers[i], &observers, "events");
    for (int i = 0; i < OPERATORS; i++) {
        int refused = control_client_open(&observers);
        operator_send(refused, "events\n", 7);
        harness_contains("the answer", operator_answer(refused),
                         "error cannot show events: too many sessions wait or subscribe; ");
        close(refused);
    }
    for (int i = OBSERVERS; i < OBSERVERS + OPERATORS; i++)
        subscriber_open(&subscribers[i], &server, i % 2 == 0 ? "events" : "gateway events");
    udp_ask(udp_open("127.0.0.1"), &server.at[0], "hi", "audi");
    for (int i = 0; i < OBSERVERS + OPERATORS; i++)
        subscriber_expect(&subscribers[i], " joined ", NULL);
    for (int i = 0; i < OBSERVERS + OPERATORS; i++)
        subscriber_close(&subscribers[i]);
    stop();
}

/* The limit leaves fewer descriptors than observers and operators may have sessions. */
Test(system_observers, that_hold_all_descriptors_give_way_to_operators)
{
    static const char *const wrapper[] = {"prlimit", "--nofile=64:64", NULL};

    server.wrapper = wrapper;
    start("");
    server_ask(&server, "status");
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++)
        control_client_open(&observers);
    for (int i = 0; i < 5; i++)
        server_ask(&server, "stats");
    ctl_ok(&server, "status", NULL);
    ctl_ok(&server, "clients", NULL);
    server_ask(&server, "status");
    stop();
}
