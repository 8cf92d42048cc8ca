#include "control_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(control_sessions, .init = control_start, .fini = control_stop, .timeout = 60);

/* ---- Commands ---- */

Test(control_sessions, answers_one_command_after_the_other)
{
    int fd = operator_in_session();
    operator_expects(fd, "ping\n", "ok\nstate handed in\n.\n");
    operator_expects(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, takes_crlf_and_blanks_around)
{
    int fd = operator_in_session();
    operator_expects(fd, "ping\r\n", "ok\nstate handed in\n.\n");
    operator_expects(fd, "  ping \t\n", "ok\nstate handed in\n.\n");
    operator_expects(fd, "echo  a  b \r\n", "ok\necho a  b\n.\n");
    close(fd);
}

Test(control_sessions, a_command_may_come_in_pieces)
{
    int fd = operator_in_session();
    operator_expects(fd, "pi", "");
    operator_expects(fd, "ng", "");
    operator_expects(fd, "\nec", "ok\nstate handed in\n.\n");
    operator_expects(fd, "ho x\n", "ok\necho x\n.\n");
    close(fd);
}

Test(control_sessions, refuses_arguments_that_the_table_does_not_have)
{
    int fd = operator_in_session();
    operator_expects(
        fd, "ping pong\n",
        "error cannot obey 'ping': it takes nothing behind it; 'help' lists the commands\n.\n");
    operator_expects(fd, "echo\n",
                     "error cannot obey 'echo': it needs TEXT; 'help' lists the commands\n.\n");
    operator_expects(fd, "size\n", "ok\nsize 0\n.\n");
    operator_expects(fd, "size four\n", "ok\nsize 4\n.\n");
    close(fd);
}

Test(control_sessions, an_unknown_command_is_shown_escaped_with_what_was_meant)
{
    int fd = operator_in_session();
    operator_expects(fd, "pong\n",
                     "error cannot obey: unknown command 'pong' (did you mean 'ping'?); 'help' "
                     "lists the commands\n.\n");
    operator_expects(
        fd, "\x1b[2J\xff x\n",
        "error cannot obey: unknown command '\\x1b[2J\\xff'; 'help' lists the commands\n.\n");
    operator_expects(fd, "\n",
                     "error cannot obey: unknown command ''; 'help' lists the commands\n.\n");
    operator_expects(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, a_nul_byte_ends_no_command)
{
    int fd = operator_in_session();
    operator_say_bytes(fd, "ping\0pong\n", 10);
    cr_expect_str_eq(operator_hear(fd),
                     "error cannot obey: a command has no NUL byte in it; 'help' lists the commands"
                     "\n.\n");
    close(fd);
}

Test(control_sessions, help_is_the_table)
{
    int fd = operator_in_session();
    operator_say(fd, "help\n");
    const char *help = operator_hear(fd);
    cr_expect_eq(strncmp(help, "ok\ncommand ping — answers\ncommand echo TEXT — repeats\n", 50), 0,
                 "%s", help);
    cr_expect_not_null(strstr(help, "command help — this\n.\n"));
    close(fd);
}

Test(control_sessions, a_value_forges_no_line_and_a_line_has_a_limit)
{
    int fd = operator_in_session();
    operator_say(fd, "lines\n");
    const char *text = operator_hear(fd), *begin = "ok\nforged a . ok \nempty \nlong xxx";
    cr_expect_eq(strncmp(text, begin, strlen(begin)), 0, "%.60s", text);
    const char *line = strstr(text, "long ");
    cr_expect_eq(strcspn(line, "\n") + 1, CONTROL_LINE_BYTES_MAX);
    cr_expect_str_eq(line + CONTROL_LINE_BYTES_MAX, ".\n");
    close(fd);
}

Test(control_sessions, commands_sent_at_once_are_answered_in_order)
{
    int fd = operator_in_session();
    operator_expects(
        fd, "echo 1\nlater\necho 2\nping\n",
        "ok\necho 1\n.\nerror later is over\n.\nok\necho 2\n.\nok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, the_next_command_waits_until_this_one_has_ended)
{
    int fd = operator_in_session();
    operator_expects(fd, "wait\nping\n", "");
    cr_assert_not_null(control_waiting);
    control_ok(control_waiting);
    control_end(control_waiting);
    cr_expect_str_eq(operator_hear(fd), "ok\n.\nok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, sessions_do_not_wait_for_each_other)
{
    int one = operator_in_session(), other = operator_in_session();
    operator_expects(one, "wait\n", "");
    operator_expects(other, "ping\n", "ok\nstate handed in\n.\n");
    control_ok(control_waiting);
    control_end(control_waiting);
    cr_expect_str_eq(operator_hear(one), "ok\n.\n");
    close(one);
    close(other);
}

Test(control_sessions, ten_thousand_commands_at_once_are_all_answered)
{
    int fd = operator_in_session(), answers = 0;
    for (int i = 0; i < 10000; i += 100) {
        for (int j = 0; j < 100; j++)
            operator_say(fd, "size\n");
        for (const char *at = operator_hear(fd); (at = strstr(at, "size 0\n.\n")); at++)
            answers++;
    }
    cr_expect_eq(answers, 10000);
    close(fd);
}

/* ---- Long answers ---- */

Test(control_sessions, a_long_listing_waits_for_its_reader)
{
    int fd = operator_in_session();
    operator_say(fd, "list 1000000\n");
    control_turn(1000);
    int stood = control_listing.written;
    cr_expect_gt(stood, 1000);
    cr_expect_lt(stood, 500000, "it does not run ahead of a peer that reads nothing");
    control_turn(1000);
    cr_expect_eq(control_listing.written, stood);
    operator_is_served();
    operator_expects_listing(fd, 1000000);
    cr_expect_eq(control_listing.slices, 10000);
    operator_expects(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, a_peer_that_leaves_a_listing_ends_it)
{
    int fd = operator_in_session();
    operator_say(fd, "list 1000000\n");
    control_turn(1000);
    close(fd);
    control_turn(10);
    cr_expect(control_listing.left_early);
    cr_expect_lt(control_listing.written, 1000000);
    operator_is_served();
}

Test(control_sessions, a_peer_that_leaves_before_its_answer_is_known_to_be_gone)
{
    int fd = operator_in_session();
    operator_expects(fd, "wait\n", "");
    cr_expect_not(control_peer_has_left(control_waiting));
    close(fd);
    control_turn(2);
    cr_expect(control_peer_has_left(control_waiting));
    control_ok(control_waiting);
    control_line(control_waiting, "nobody", "hears");
    cr_expect_not(control_write_later(control_waiting, control_stop_loop, NULL));
    control_end(control_waiting);
    operator_is_served();
}

Test(control_sessions, an_answer_that_is_cut_short_has_no_end)
{
    int fd = operator_in_session();
    operator_say(fd, "wait\nping\n");
    control_turn(5);
    control_ok(control_waiting);
    control_line(control_waiting, "line", "%d", 1);
    control_abort(control_waiting);
    control_turn(5);
    cr_expect_str_eq(operator_hear(fd), "ok\nline 1\n");
    cr_expect(operator_is_closed(fd));
    close(fd);

    int gone = operator_in_session();
    operator_say(gone, "wait\n");
    control_turn(5);
    close(gone);
    control_turn(5);
    control_abort(control_waiting);
    operator_is_served();
}

Test(control_sessions, a_peer_that_only_stops_sending_gets_its_answers)
{
    int fd = operator_in_session();
    operator_say(fd, "later\nping\n");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_expect_str_eq(operator_hear(fd), "error later is over\n.\nok\nstate handed in\n.\n");
    cr_expect(operator_is_closed(fd));
    close(fd);
}
