/* The sessions of observers: which commands they may run, and that they leave operators their
 * sessions and descriptors. */
#include "control_fixture.h"

#include "server/control/commands/command_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void start(void)
{
    control_start();
    control_start_observers();
}

TestSuite(control_observers, .init = start, .fini = control_stop, .timeout = 60);

/* ---- commands ---- */

Test(control_observers, may_run_commands_of_observers)
{
    int fd = observer_open_session();
    operator_expect(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

/* The refusal names the control socket, and the session continues. */
static void expect_refused(int fd, const char *line, const char *name)
{
    char expected[256];
    snprintf(expected, sizeof expected,
             "error cannot execute '%s': this socket is for observers; use the control socket "
             "%s\n.\n",
             name, control_path);
    operator_expect(fd, line, expected);
}

Test(control_observers, are_refused_commands_of_operators_whatever_their_arguments_are)
{
    int fd = observer_open_session();
    expect_refused(fd, "echo hello\n", "echo");
    expect_refused(fd, "echo\n", "echo");
    expect_refused(fd, "  later now\r\n", "later");
    operator_expect(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_observers, a_refused_command_is_answered_once_and_the_next_one_too)
{
    int fd = observer_open_session();
    operator_send(fd, "echo a\nping\necho b\n");
    const char *answers = operator_receive(fd);
    cr_expect_eq(strncmp(answers, "error cannot execute 'echo'", 27), 0);
    cr_expect_not_null(strstr(answers, "\n.\nok\nstate handed in\n.\nerror cannot execute 'echo'"));
    close(fd);
}

Test(control_observers, get_help_about_their_commands_only)
{
    int observer = observer_open_session(), operator= operator_open_session();
    operator_expect(observer, "help\n",
                    "ok\ncommand ping — answers\ncommand wait — waits for the test\n"
                    "command list COUNT — many lines\ncommand help — this\n.\n");
    operator_send(operator, "help\n");
    cr_expect_not_null(strstr(operator_receive(operator), "\ncommand echo TEXT"));
    close(observer);
    close(operator);
}

Test(control_observers, get_no_suggestion_that_they_may_not_run)
{
    int observer = observer_open_session(), operator= operator_open_session();
    operator_expect(observer, "ehco\n",
                    "error cannot execute: unknown command 'ehco'; 'help' lists the commands\n.\n");
    operator_expect(observer, "pnig\n",
                    "error cannot execute: unknown command 'pnig' (did you mean 'ping'?); 'help' "
                    "lists the commands\n.\n");
    operator_expect(operator, "ehco\n",
                    "error cannot execute: unknown command 'ehco' (did you mean 'echo'?); 'help' "
                    "lists the commands\n.\n");
    close(observer);
    close(operator);
}

/* What the table of the server permits. A command that changes something is never for observers. */
Test(control_observers, may_run_six_commands_of_the_server)
{
    static const char *const permitted[] = {"help", "status", "stats", "clients", "jobs", "config"};
    size_t count, found = 0;
    const struct control_command *rows = command_table_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (!command_parser_permits(COMMAND_FOR_OBSERVERS, &rows[i]))
            continue;
        cr_expect_eq(rows[i].log, COMMAND_READS, "%s", rows[i].name);
        for (size_t k = 0; k < sizeof permitted / sizeof permitted[0]; k++)
            found += strcmp(permitted[k], rows[i].name) == 0;
    }
    cr_expect_eq(found, sizeof permitted / sizeof permitted[0]);
    for (size_t i = 0; i < count; i++)
        cr_expect(command_parser_permits(COMMAND_FOR_OPERATORS, &rows[i]), "%s", rows[i].name);
}

/* ---- sessions ---- */

Test(control_observers, of_any_number_evict_no_operator)
{
    int idle = operator_open_session(), fds[CONTROL_SESSIONS_MAX + 10];
    for (int i = 0; i < CONTROL_SESSIONS_MAX + 10; i++)
        fds[i] = observer_open_session();
    cr_expect_str_eq(
        operator_receive(fds[0]),
        "error cannot keep the session: all sessions are in use; connect again later\n.\n");
    cr_expect_not(operator_is_closed(idle));
    operator_expect(idle, "ping\n", "ok\nstate handed in\n.\n");
    for (int i = 0; i < CONTROL_SESSIONS_MAX + 10; i++)
        close(fds[i]);
    close(idle);
}

Test(control_observers, that_run_commands_do_not_make_operators_busy)
{
    int fds[CONTROL_SESSIONS_MAX];
    struct control_session *held[CONTROL_SESSIONS_MAX];
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++) {
        fds[i] = observer_open_session();
        operator_expect(fds[i], "wait\n", "");
        held[i] = control_waiting;
    }
    operator_expect_service();
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++) {
        control_end(held[i]);
        close(fds[i]);
    }
}

/* ---- no descriptors ---- */

/* Lowers the limit so that no descriptor is free. Returns the former limits. */
static struct rlimit use_up_descriptors(void)
{
    struct rlimit before;
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind has descriptors and limits of its own");
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    cr_assert_geq(next, 0);
    close(next);
    const struct rlimit none = {(rlim_t)next, before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static const char OUT_OF_DESCRIPTORS[] = "error cannot keep the session: the server is out of "
                                         "descriptors; connect again later\n.\n";

Test(control_observers, give_way_to_an_operator_when_descriptors_are_short)
{
    int operator= operator_open_session(), observer = observer_open_session(),
        newcomer = control_client_open();
    struct rlimit before = use_up_descriptors();
    operator_expect(newcomer, "ping\n", "ok\nstate handed in\n.\n");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_str_eq(operator_receive(observer), OUT_OF_DESCRIPTORS);
    cr_expect(operator_is_closed(observer));
    cr_expect_not(operator_is_closed(operator), "although it has been idle for longer");
    close(operator);
    close(observer);
    close(newcomer);
}

Test(control_observers, give_way_also_while_their_commands_run)
{
    int operator= operator_open_session(), observer = observer_open_session();
    operator_expect(observer, "wait\n", "");
    int newcomer = control_client_open();
    struct rlimit before = use_up_descriptors();
    operator_expect(newcomer, "ping\n", "ok\nstate handed in\n.\n");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect(operator_is_closed(observer));
    cr_expect_not(operator_is_closed(operator));
    cr_assert(control_peer_has_closed(control_waiting));
    control_end(control_waiting);
    close(operator);
    close(observer);
    close(newcomer);
}

Test(control_observers, do_not_take_the_descriptor_of_an_operator)
{
    int operator= operator_open_session(), observer = observer_open_session(),
        newcomer = observer_client_open();
    struct rlimit before = use_up_descriptors();
    operator_expect(newcomer, "ping\n", "ok\nstate handed in\n.\n");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_str_eq(operator_receive(observer), OUT_OF_DESCRIPTORS);
    cr_expect_not(operator_is_closed(operator));
    close(operator);
    close(observer);
    close(newcomer);
}

Test(control_observers, without_any_session_an_operator_closes_another_one)
{
    int idle = operator_open_session(), newcomer = control_client_open();
    struct rlimit before = use_up_descriptors();
    operator_expect(newcomer, "ping\n", "ok\nstate handed in\n.\n");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_str_eq(operator_receive(idle), OUT_OF_DESCRIPTORS);
    close(idle);
    close(newcomer);
}
