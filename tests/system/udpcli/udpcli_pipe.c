/* udpcli with a pipe or a file as standard input: each line is a request. */

#include "udpcli_service.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(system_udpcli_pipe, .fini = harness_end, .timeout = 60);

Test(system_udpcli_pipe, sends_each_line_of_a_pipe_and_waits_for_the_last_reply,
     .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @");
    process_write(&cli, numbered_lines(1000));
    process_close_stdin(&cli);
    service_echo(1000);
    udpcli_expect_success(&cli, numbered_lines(1000));
    udp_expect_nothing(service_udp, "each line is sent once");
}

Test(system_udpcli_pipe, accepts_a_last_line_without_a_newline_and_strips_carriage_returns,
     .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @");
    process_write(&cli, "one\r\n\nthree");
    process_close_stdin(&cli);
    service_answer("one", "1");
    service_answer("", "2");
    service_answer("three", "3");
    udpcli_expect_success(&cli, "1\n2\n3\n");
}

Test(system_udpcli_pipe, keeps_each_reply_of_a_pipe_on_a_line_of_its_own, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @");
    process_write(&cli, "one\ntwo\n");
    service_answer("one", "a\nb");
    service_answer("two", "c\n");
    udpcli_expect_success(&cli, "a b\nc\n");
}

static const char *input_path;

static void read_from_a_file(void)
{
    dup2(open(input_path, O_RDONLY), STDIN_FILENO);
}

Test(system_udpcli_pipe, reads_a_regular_file, .init = service_open_ipv4)
{
    struct process cli;
    input_path = harness_path("input");
    FILE *file = fopen(input_path, "w");
    fputs(numbered_lines(500), file);
    fclose(file);
    udpcli_start(&cli, read_from_a_file, "--plain @");
    service_echo(500);
    udpcli_expect_success(&cli, numbered_lines(500));
}

static void close_input(void)
{
    close(STDIN_FILENO);
}

Test(system_udpcli_pipe, ends_at_once_without_input, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, close_input, "--plain @");
    udpcli_expect_success(&cli, "");
    input_path = "/dev/null";
    udpcli_start(&cli, read_from_a_file, "--plain -k 1s @");
    udpcli_expect_success(&cli, "");
    udp_expect_nothing(service_udp, "there was no line");
}

Test(system_udpcli_pipe, leaves_no_more_than_a_window_unanswered, .init = service_open_ipv4)
{
    enum { WINDOW = 64 };
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @ -w 5m");
    process_write(&cli, numbered_lines(200));
    for (int i = 1; i <= WINDOW; i++)
        service_expect(harness_format("%d", i));
    udp_send_text(service_udp, &service_client, "first reply");
    service_expect("65");
    process_await_text(&cli, "first reply");
    udp_send_text(service_udp, &service_client, "second reply");
    service_expect("66");
    process_await_text(&cli, "second reply");
    udp_expect_nothing(service_udp, "the window is full");
}

Test(system_udpcli_pipe, reports_how_many_lines_were_not_answered, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain -w 1 @");
    process_write(&cli, "one\ntwo\nthree\n");
    process_close_stdin(&cli);
    service_answer("one", "audi");
    service_expect("two");
    service_expect("three");
    udpcli_expect_end(&cli, 1, "audi\n");
    harness_contains("error message", udpcli_output(&cli, 1), "1 of 3");
}

Test(system_udpcli_pipe, reports_a_refusal_once_and_continues, .init = service_open_ipv4)
{
    struct process cli;
    const char *input = numbered_lines(200);
    udp_refuse(service_udp);
    udpcli_start(&cli, NULL, "--plain -w 5m @");
    process_write(&cli, input);
    udpcli_expect_end(&cli, 1, "");
    harness_equal("refusals reported", (int64_t)text_count(udpcli_output(&cli, 1), "refused"), 1);
    harness_contains("error message", udpcli_output(&cli, 1), "0 of 200");
}

Test(system_udpcli_pipe, prints_unsolicited_datagrams, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @");
    process_write(&cli, "hello\n");
    service_answer("hello", "audi");
    process_await_text(&cli, "audi\n");
    udp_send_text(service_udp, &service_client, "a broadcast");
    process_await_text(&cli, "a broadcast\n");
    udpcli_expect_success(&cli, "audi\na broadcast\n");
}

Test(system_udpcli_pipe, ends_at_the_line_exit, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @");
    process_write(&cli, "one\nexit\ntwo\n");
    service_answer("one", "audi");
    process_wait(&cli);
    udpcli_expect_success(&cli, "audi\n");
    udp_expect_nothing(service_udp, "exit ends");
}

Test(system_udpcli_pipe, reports_which_lines_cannot_be_sent, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain --hex @");
    process_write(&cli, "6869\nxyz\n");
    process_close_stdin(&cli);
    service_answer("hi", "ok");
    udpcli_expect_end(&cli, 1, "6f6b\n");
    harness_contains("error message", udpcli_output(&cli, 1), "line 2");
    harness_contains("error message", udpcli_output(&cli, 1), "1 of 2");
}

Test(system_udpcli_pipe, keeps_alive_with_empty_datagrams, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain -k 20ms @");
    service_expect("");
    service_answer("", "audi");
    process_await_text(&cli, "audi\n");
    process_write(&cli, "exit\n");
    process_wait(&cli);
    harness_equal("status", cli.status, 0);
}
