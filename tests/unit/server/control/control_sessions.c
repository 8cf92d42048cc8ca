/* Sessions of operators: command lines, answers in order, and long answers. */
#include "control_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(control_sessions, .init = control_start, .fini = control_stop, .timeout = 60);

/* ---- commands ---- */

Test(control_sessions, answers_one_command_after_the_other)
{
    int fd = operator_open_session();
    operator_expect(fd, "ping\n", "ok\nstate handed in\n.\n");
    operator_expect(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, accepts_crlf_and_surrounding_blanks)
{
    int fd = operator_open_session();
    operator_expect(fd, "ping\r\n", "ok\nstate handed in\n.\n");
    operator_expect(fd, "  ping \t\n", "ok\nstate handed in\n.\n");
    operator_expect(fd, "echo  a  b \r\n", "ok\necho a  b\n.\n");
    close(fd);
}

Test(control_sessions, a_command_may_arrive_in_pieces)
{
    int fd = operator_open_session();
    operator_expect(fd, "pi", "");
    operator_expect(fd, "ng", "");
    operator_expect(fd, "\nec", "ok\nstate handed in\n.\n");
    operator_expect(fd, "ho x\n", "ok\necho x\n.\n");
    close(fd);
}

Test(control_sessions, refuses_arguments_that_the_table_does_not_have)
{
    int fd = operator_open_session();
    operator_expect(
        fd, "ping pong\n",
        "error cannot execute 'ping': it takes no arguments; 'help' lists the commands\n.\n");
    operator_expect(fd, "echo\n",
                    "error cannot execute 'echo': it needs TEXT; 'help' lists the commands\n.\n");
    operator_expect(fd, "size\n", "ok\nsize 0\n.\n");
    operator_expect(fd, "size four\n", "ok\nsize 4\n.\n");
    close(fd);
}

Test(control_sessions, an_unknown_command_is_shown_escaped_with_a_suggestion)
{
    int fd = operator_open_session();
    operator_expect(fd, "pong\n",
                    "error cannot execute: unknown command 'pong' (did you mean 'ping'?); 'help' "
                    "lists the commands\n.\n");
    operator_expect(
        fd, "\x1b[2J\xff x\n",
        "error cannot execute: unknown command '\\x1b[2J\\xff'; 'help' lists the commands\n.\n");
    operator_expect(fd, "\n",
                    "error cannot execute: unknown command ''; 'help' lists the commands\n.\n");
    operator_expect(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, a_nul_byte_does_not_end_a_command)
{
    int fd = operator_open_session();
    operator_send_bytes(fd, "ping\0pong\n", 10);
    cr_expect_str_eq(
        operator_receive(fd),
        "error cannot execute: a command must not contain a NUL byte; 'help' lists the commands"
        "\n.\n");
    close(fd);
}

Test(control_sessions, help_lists_the_table)
{
    int fd = operator_open_session();
    operator_send(fd, "help\n");
    const char *help = operator_receive(fd);
    cr_expect_eq(strncmp(help, "ok\ncommand ping — answers\ncommand echo TEXT — repeats\n", 50), 0,
                 "%s", help);
    cr_expect_not_null(strstr(help, "command help — this\n.\n"));
    close(fd);
}

Test(control_sessions, a_value_cannot_forge_a_line_and_a_line_has_a_limit)
{
    int fd = operator_open_session();
    operator_send(fd, "lines\n");
    const char *text = operator_receive(fd), *begin = "ok\nforged a . ok \nempty \nlong xxx";
    cr_expect_eq(strncmp(text, begin, strlen(begin)), 0, "%.60s", text);
    const char *line = strstr(text, "long ");
    cr_expect_eq(strcspn(line, "\n") + 1, CONTROL_LINE_BYTES_MAX);
    cr_expect_str_eq(line + CONTROL_LINE_BYTES_MAX, ".\n");
    close(fd);
}

Test(control_sessions, commands_sent_at_once_are_answered_in_order)
{
    int fd = operator_open_session();
    operator_expect(
        fd, "echo 1\nlater\necho 2\nping\n",
        "ok\necho 1\n.\nerror later is over\n.\nok\necho 2\n.\nok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, the_next_command_waits_until_this_one_has_ended)
{
    int fd = operator_open_session();
    operator_expect(fd, "wait\nping\n", "");
    cr_assert_not_null(control_waiting);
    control_ok(control_waiting);
    control_end(control_waiting);
    cr_expect_str_eq(operator_receive(fd), "ok\n.\nok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, sessions_do_not_wait_for_each_other)
{
    int one = operator_open_session(), other = operator_open_session();
    operator_expect(one, "wait\n", "");
    operator_expect(other, "ping\n", "ok\nstate handed in\n.\n");
    control_ok(control_waiting);
    control_end(control_waiting);
    cr_expect_str_eq(operator_receive(one), "ok\n.\n");
    close(one);
    close(other);
}

Test(control_sessions, ten_thousand_commands_at_once_are_all_answered)
{
    int fd = operator_open_session(), answers = 0;
    for (int i = 0; i < 10000; i += 100) {
        for (int j = 0; j < 100; j++)
            operator_send(fd, "size\n");
        for (const char *at = operator_receive(fd); (at = strstr(at, "size 0\n.\n")); at++)
            answers++;
    }
    cr_expect_eq(answers, 10000);
    close(fd);
}

/* ---- commands that read further lines ---- */

Test(control_sessions, further_lines_are_for_the_running_command_until_it_ends)
{
    int fd = operator_open_session();
    operator_expect(fd, "talk\nping\n\n a \r\n",
                    "ok\nreceived 4 ping\nreceived 0 \nreceived 3  a \n");
    operator_expect(fd, "pi", "");
    operator_expect(fd, "ng\nend\nping\n", "received 4 ping\n.\nok\nstate handed in\n.\n");
    operator_expect(fd, "talk\nend\n", "ok\n.\n");
    close(fd);
}

Test(control_sessions, further_lines_wait_while_the_command_does_not_want_them)
{
    int fd = operator_open_session();
    operator_expect(fd, "talk\npause\none\ntwo\n", "ok\nreceived 5 pause\n");
    operator_expect(fd, "three\n", "");
    control_resume_lines(control_talking);
    cr_expect_str_eq(operator_receive(fd), "received 3 one\nreceived 3 two\nreceived 5 three\n");
    operator_expect_service();
    close(fd);
}

Test(control_sessions, the_end_of_the_input_ends_a_command_that_reads_lines)
{
    int fd = operator_open_session();
    operator_send(fd, "talk\none\n");
    shutdown(fd, SHUT_WR);
    cr_expect_str_eq(operator_receive(fd), "ok\nreceived 3 one\nended 0\n.\n");
    cr_expect(operator_is_closed(fd));
    close(fd);
    fd = operator_open_session();
    operator_send(fd, "talk\non");
    shutdown(fd, SHUT_WR);
    char ended[64];
    snprintf(ended, sizeof ended, "ok\nended %d\n.\n", -EPROTO);
    cr_expect_str_eq(operator_receive(fd), ended);
    cr_expect(operator_is_closed(fd));
    close(fd);
}

Test(control_sessions, a_further_line_that_is_too_long_ends_the_input)
{
    static char part[CONTROL_COMMAND_BYTES_MAX / 10 + 1];
    char ended[64];
    int fd = operator_open_session();
    operator_expect(fd, "talk\n", "ok\n");
    memset(part, 'x', sizeof part);
    for (int i = 0; i < 10; i++) {
        operator_send_bytes(fd, part, sizeof part);
        control_turn(10);
    }
    snprintf(ended, sizeof ended, "ended %d\n.\n", -EMSGSIZE);
    cr_expect_str_eq(operator_receive(fd), ended);
    close(fd);
    operator_expect_service();
}

Test(control_sessions, a_peer_that_leaves_ends_a_command_that_reads_lines)
{
    int fd = operator_open_session();
    operator_expect(fd, "talk\npause\n", "ok\nreceived 5 pause\n");
    close(fd);
    control_turn(10);
    cr_expect_null(control_talking);
    operator_expect_service();
}

/* ---- long answers ---- */

Test(control_sessions, a_long_list_waits_for_its_reader)
{
    int fd = operator_open_session();
    operator_send(fd, "list 1000000\n");
    control_turn(1000);
    int blocked_at = control_listing.written;
    cr_expect_gt(blocked_at, 1000);
    cr_expect_lt(blocked_at, 500000, "it does not run ahead of a peer that reads nothing");
    control_turn(1000);
    cr_expect_eq(control_listing.written, blocked_at);
    operator_expect_service();
    operator_expect_list(fd, 1000000);
    cr_expect_eq(control_listing.slices, 10000);
    operator_expect(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

Test(control_sessions, a_peer_that_closes_during_a_list_ends_it)
{
    int fd = operator_open_session();
    operator_send(fd, "list 1000000\n");
    control_turn(1000);
    close(fd);
    control_turn(10);
    cr_expect(control_listing.peer_has_closed);
    cr_expect_lt(control_listing.written, 1000000);
    operator_expect_service();
}

Test(control_sessions, a_peer_that_closes_before_its_answer_is_noticed)
{
    int fd = operator_open_session();
    operator_expect(fd, "wait\n", "");
    cr_expect_not(control_peer_has_closed(control_waiting));
    close(fd);
    control_turn(2);
    cr_expect(control_peer_has_closed(control_waiting));
    control_ok(control_waiting);
    control_line(control_waiting, "not", "received");
    cr_expect_not(control_write_later(control_waiting, control_stop_loop, NULL));
    control_end(control_waiting);
    operator_expect_service();
}

Test(control_sessions, an_aborted_answer_has_no_last_line)
{
    int fd = operator_open_session();
    operator_send(fd, "wait\nping\n");
    control_turn(5);
    control_ok(control_waiting);
    control_line(control_waiting, "line", "%d", 1);
    control_abort(control_waiting);
    control_turn(5);
    cr_expect_str_eq(operator_receive(fd), "ok\nline 1\n");
    cr_expect(operator_is_closed(fd));
    close(fd);

    int gone = operator_open_session();
    operator_send(gone, "wait\n");
    control_turn(5);
    close(gone);
    control_turn(5);
    control_abort(control_waiting);
    operator_expect_service();
}

Test(control_sessions, a_peer_that_only_stops_sending_gets_its_answers)
{
    int fd = operator_open_session();
    operator_send(fd, "later\nping\n");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_expect_str_eq(operator_receive(fd), "error later is over\n.\nok\nstate handed in\n.\n");
    cr_expect(operator_is_closed(fd));
    close(fd);
}
