/* A host name with an IPv6 and an IPv4 address, of which only the second one answers. */

#include "udpload_stand_in.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

TestSuite(system_two_addresses, .fini = harness_end, .timeout = 60);

static int silent_udp; /* a socket at the first address, with the same port */
static const char *dual;

/* The stand-in is at 127.0.0.1. At ::1 a socket with the same port receives and does not answer. */
static void begin(void)
{
    const char *hosts = harness_path("hosts");
    FILE *file = fopen(hosts, "w");
    expect(file != NULL, "expected %s", hosts);
    fputs("::1 dual.test\n127.0.0.1 dual.test\n", file);
    fclose(file);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL) != 0)
        cr_skip_test("a mount namespace, for another /etc/hosts, is not available");
    netns_enter(); /* where no other program has such a port */
    stand_in_open();
    struct endpoint at = udp_name(stand_in_udp);
    silent_udp = udp_open(harness_format("[::1]:%d", endpoint_port(&at)));
    dual = harness_format("dual.test:%d", endpoint_port(&at));
}

static void begin_refused(void)
{
    begin();
    close(silent_udp);
}

/* Starts a program with input as its stdin, and answers its requests until it ends. */
static void run_and_answer(const char *const *argv, const char *input)
{
    process_start(&load_process, NULL, argv);
    if (input)
        process_write(&load_process, input);
    process_close_stdin(&load_process);
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    process_wait(&load_process);
}

static void expect_single_request(void)
{
    run_and_answer((const char *const[]){"udpcli", "-w", "1s", "-r", "1", dual, "hi", NULL}, NULL);
    harness_equal("status", load_process.status, 0);
    expect(strcmp(load_text(0), "yes\n") == 0, "expected an answer: %s", load_text(0));
}

static void expect_lines_of_a_pipe(void)
{
    run_and_answer((const char *const[]){"udpcli", "--plain", "-w", "1s", dual, NULL},
                   "one\ntwo\nthree\n");
    harness_equal("status", load_process.status, 0);
    expect(strcmp(load_text(0), "yes\nyes\nyes\n") == 0, "expected each line to be answered: %s",
           load_text(0));
    harness_equal("lines that were received", stand_in_received, 3);
    expect(load_text(1)[0] == '\0', "expected no error message: %s", load_text(1));
}

static void expect_measurement(const char *why)
{
    run_and_answer((const char *const[]){"udpload", "-n", "50", "-Q", "500", "-t", "2", "--json",
                                         load_report_file(), dual, NULL},
                   NULL);
    const char *json = load_report();
    report_count(json, "replied", 50);
    harness_equal("requests, and one before them", stand_in_received, 51);
    harness_contains("the report", json, stand_in_name);
    harness_contains("the reason", load_text(1), why);
}

Test(system_two_addresses, are_tried_by_a_single_request_until_one_answers, .init = begin)
{
    expect_single_request();
}

Test(system_two_addresses, are_tried_by_a_single_request_after_a_refusal, .init = begin_refused)
{
    expect_single_request();
}

Test(system_two_addresses, are_tried_by_a_pipe_until_one_answers, .init = begin)
{
    expect_lines_of_a_pipe();
}

Test(system_two_addresses, are_tried_by_a_pipe_after_a_refusal, .init = begin_refused)
{
    expect_lines_of_a_pipe();
}

Test(system_two_addresses, are_tried_by_udpload_until_one_answers, .init = begin)
{
    expect_measurement("does not answer; continuing with 127.0.0.1");
}

Test(system_two_addresses, are_tried_by_udpload_after_a_refusal, .init = begin_refused)
{
    expect_measurement("refuses; continuing with 127.0.0.1");
}

/* After the first address has answered, a request without a reply is lost, and is not sent to the
 * other address. */
Test(system_two_addresses, are_not_changed_after_one_has_answered, .init = begin)
{
    struct process process;
    struct endpoint from;
    char bytes[64];
    process_start(&process, NULL,
                  (const char *const[]){"udpcli", "--plain", "-w", "2s", dual, NULL});
    process_write(&process, "one\n");
    expect(udp_receive(silent_udp, bytes, sizeof bytes, &from) == 3, "expected the first line");
    udp_send_text(silent_udp, &from, "there");
    process_await_text(&process, "there\n");
    process_write(&process, "two\n");
    expect(udp_receive(silent_udp, bytes, sizeof bytes, &from) == 3, "expected the second line");
    process_close_stdin(&process);
    harness_equal("status", process_wait(&process), 1);
    udp_expect_nothing(stand_in_udp, "nothing goes to the other address");
}

Test(system_two_addresses, may_both_be_silent, .init = begin)
{
    process_start(&load_process, NULL, (const char *const[]){"udpcli", "-w", "100ms", dual, NULL});
    process_write(&load_process, "one\n");
    process_close_stdin(&load_process);
    stand_in_serve(stand_in_ignore, INT32_MAX);
    harness_equal("status", process_wait(&load_process), 1);
    harness_contains("error message", load_text(1), "0 of 1 were answered");
    harness_equal("lines that were received", stand_in_received, 1);
}
