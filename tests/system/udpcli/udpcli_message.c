/* udpcli with a MESSAGE: the request, its reply, retries, output formats and errors. */

#include "udpcli_service.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(system_udpcli_message, .fini = harness_end, .timeout = 60);

Test(system_udpcli_message, prints_the_reply_to_a_message, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "@ hello");
    service_answer("hello", "audi");
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_message, uses_ipv6)
{
    struct process cli;
    service_open("::1");
    udpcli_start(&cli, NULL, "@ hello");
    service_answer("hello", "audi");
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_message, tries_the_next_address_of_a_host_when_one_refuses,
     .init = service_open_ipv4)
{
    struct process cli;
    struct endpoint at = udp_name(service_udp);
    udpcli_start(&cli, NULL, harness_format("localhost:%d hello", endpoint_port(&at)));
    service_answer("hello", "audi");
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_message, sends_an_empty_message, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "@ ''");
    service_answer("", "");
    udpcli_expect_success(&cli, "\n");
}

Test(system_udpcli_message, sends_the_same_datagram_again_when_it_was_lost,
     .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 50ms -r 200 @ hello");
    service_expect("hello");
    service_expect("hello");
    service_answer("hello", "audi");
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_message, fails_when_no_try_is_answered, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 50ms -r 1 @ hello");
    udpcli_expect_end(&cli, 1, "");
    harness_contains("error message", udpcli_output(&cli, 1), "no reply to 1 of 1");
    harness_contains("error message", udpcli_output(&cli, 1), service_name);
    harness_contains("error message", udpcli_output(&cli, 1),
                     "sent 2 times, waited 50ms each time");
    expect(text_count(udpcli_output(&cli, 1), "\n") == 1, "expected one line: %s",
           udpcli_output(&cli, 1));
    service_expect("hello");
    service_expect("hello");
    udp_expect_nothing(service_udp, "all tries were sent");
}

Test(system_udpcli_message, fails_at_once_when_refused, .init = service_open_ipv4)
{
    struct process cli;
    udp_refuse(service_udp);
    /* Waiting for the timeout would outlive the test. */
    udpcli_start(&cli, NULL, "-w 5m @ hello");
    udpcli_expect_end(&cli, 1, "");
    harness_contains("error message", udpcli_output(&cli, 1), "refused");
    harness_contains("error message", udpcli_output(&cli, 1), service_name);
}

Test(system_udpcli_message, sends_count_requests_each_after_the_last_reply,
     .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-n 3 @ hello");
    service_expect("hello");
    udp_expect_nothing(service_udp, "the first is unanswered");
    udp_send_text(service_udp, &service_client, "audi");
    service_answer("hello", "toyota");
    service_answer("hello", "bmw");
    udpcli_expect_success(&cli, "audi\ntoyota\nbmw\n");
}

Test(system_udpcli_message, fails_when_one_of_count_requests_has_no_reply,
     .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-n 3 -w 1 -r 0 @ hello");
    service_answer("hello", "audi");
    service_expect("hello");
    service_answer("hello", "bmw");
    udpcli_expect_end(&cli, 1, "audi\nbmw\n");
    harness_contains("error message", udpcli_output(&cli, 1), "1 of 3");
    harness_contains("error message", udpcli_output(&cli, 1), "sent once, waited 1s)");
}

Test(system_udpcli_message, discards_what_was_received_before_a_request, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-n 2 @ hello");
    service_expect("hello");
    process_kill(&cli, SIGSTOP);
    expect(waitpid(cli.pid, NULL, WUNTRACED) == cli.pid, "expected it to stop");
    udp_send_text(service_udp, &service_client, "audi");
    udp_send_text(service_udp, &service_client, "a second reply");
    process_kill(&cli, SIGCONT);
    service_answer("hello", "bmw");
    udpcli_expect_success(&cli, "audi\nbmw\n");
}

Test(system_udpcli_message, waits_for_no_reply_without_a_timeout, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 0 -n 3 @ hello");
    udpcli_expect_success(&cli, "");
    for (int i = 0; i < 3; i++)
        service_expect("hello");
    udp_expect_nothing(service_udp, "three were asked for");
}

Test(system_udpcli_message, prints_no_reply_without_a_timeout_however_fast_it_comes)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    struct result result =
        run(NULL, "udpcli", "-w", "0", "-n", "5000", endpoint_text(&server.at[0]), "hi", NULL);
    harness_equal("status", result.status, 0);
    harness_equal("bytes of replies", (int64_t)result.out_bytes, 0);
    server_await_stat(&server, "received", 1);
    server_stop(&server);
}

Test(system_udpcli_message, sends_and_prints_hexadecimal, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--hex @ 6869");
    service_expect("hi");
    udp_send(service_udp, &service_client, "\0\xff\n", 3);
    udpcli_expect_success(&cli, "00ff0a\n");
}

Test(system_udpcli_message, prints_json, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--json -n 2 @ hi");
    service_answer("hi", "a\n\"b\"");
    service_answer("hi", "\xff");
    process_wait(&cli);
    const char *text = udpcli_output(&cli, 0), *second = strchr(text, '\n');
    harness_equal("status", cli.status, 0);
    harness_equal("size", json_integer(text, "size"), 5);
    expect(json_integer(text, "time_ms") > 1700000000000, "expected the time since 1970: %s", text);
    expect(strcmp(json_text(text, "from"), service_name) == 0, "expected from %s: %s", service_name,
           text);
    harness_contains("first", text, "\"text\":\"a\\n\\\"b\\\"\"");
    harness_contains("first", text, "\"rtt_ms\":");
    expect(second && strcmp(json_text(second, "hex"), "ff") == 0, "expected hex: %s", text);
}

Test(system_udpcli_message, reports_a_message_that_is_too_long, .init = service_open_ipv4)
{
    enum { BYTES = 65536 };
    static char message[BYTES + 1];
    memset(message, 'x', BYTES);
    struct result result = run(NULL, "udpcli", service_name, message, NULL);
    harness_equal("status", result.status, 1);
    harness_contains("error message", result.err, "longer than a datagram");
}

static void print_to_a_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
}

Test(system_udpcli_message, fails_when_the_reply_cannot_be_written, .init = service_open_ipv4)
{
    struct process cli;
    udpcli_start(&cli, print_to_a_full_device, "@ hello");
    service_answer("hello", "audi");
    udpcli_expect_end(&cli, 1, "");
    harness_contains("error message", udpcli_output(&cli, 1), "standard output");
}

Test(system_udpcli_message, distinguishes_wrong_usage_from_failure)
{
    struct result result = run(NULL, "udpcli", "--nonsense", NULL);
    harness_equal("status", result.status, 2);
    harness_contains("help", run_ok(NULL, "udpcli", "--help", NULL), "--keepalive");
    harness_contains("version", run_ok(NULL, "udpcli", "-V", NULL), "udpcli ");
    result = run(NULL, "udpcli", "no-such-host.invalid", "hi", NULL);
    harness_equal("status of an unknown host", result.status, 1);
    harness_contains("error message", result.err, "no-such-host.invalid");
}

Test(system_udpcli_message, prints_all_scripts_unchanged, .init = service_open_ipv4)
{
    /* The lowest bytes of many of these code points are those of \n, \r, \t and \\. */
    static const char text[] =
        "\u4e0a\u6d77 \u4e0d \u4e09 \u015ctuparo \u010aensu \ud55c\uad6d\uc5b4 \u040a "
        "\U0001f468\u200d\U0001f469";
    struct process cli;
    process_start(&cli, NULL, (const char *[]){"udpcli", "--json", service_name, text, NULL});
    service_answer(text, text);
    process_wait(&cli);
    harness_contains("the JSON", udpcli_output(&cli, 0),
                     harness_format("\"text\":\"%s\"}\n", text));
}
