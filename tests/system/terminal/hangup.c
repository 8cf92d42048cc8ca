/* A terminal that is closed, or whose connection is lost, ends the programs that run on it. */

#include "pty.h"

#include <signal.h>
#include <string.h>

TestSuite(system_hangup, .fini = harness_end, .timeout = 60);

/* How the program detects the hangup: by a signal, or, prepared by one of these, by its reads. */
static void set_dumb_and_ignore_hangup(void)
{
    pty_set_dumb();
    pty_ignore_hangup();
}

static void set_dumb_and_not_controlling(void)
{
    pty_set_dumb();
    pty_not_controlling();
}

static harness_prepare *const cases[] = {NULL, pty_ignore_hangup, pty_not_controlling};
static harness_prepare *const dumb_cases[] = {pty_set_dumb, set_dumb_and_ignore_hangup,
                                              set_dumb_and_not_controlling};
enum { CASES = sizeof cases / sizeof *cases };

/* Closes the terminal after the program has written text. Expects the exit status of a hangup. */
static void hang_up(harness_prepare *prepare, const char *text, const char *const *argv)
{
    struct process process;
    struct pty pty;
    pty_open(&pty);
    pty_start(&pty, &process, prepare, argv);
    pty_await(&pty, text);
    pty_hang_up(&pty);
    int status = process_wait(&process);
    expect(status == 128 + SIGHUP, "expected the exit status of a hangup of %s, it was %d", argv[0],
           status);
    pty_close(&pty);
}

static void hang_up_in_each_case(harness_prepare *const *prepares, const char *text,
                                 const char *const *argv)
{
    for (int i = 0; i < CASES; i++)
        hang_up(prepares[i], text, argv);
}

Test(system_hangup, ends_udpcli)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    const char *at = endpoint_text(&name);
    hang_up_in_each_case(cases, "\r> ", (const char *const[]){"udpcli", at, NULL});
    hang_up_in_each_case(dumb_cases, "> ", (const char *const[]){"udpcli", at, NULL});
}

/* It ends although a reply is pending and keepalives are sent. */
Test(system_hangup, ends_udpcli_while_it_waits)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp), client;
    const char *at = endpoint_text(&name);
    for (int i = 0; i < CASES; i++) {
        struct process process;
        struct pty pty;
        char bytes[16];
        pty_open(&pty);
        pty_start(&pty, &process, cases[i],
                  (const char *const[]){"udpcli", "-w", "5m", "-k", "20ms", at, NULL});
        pty_await(&pty, "\r> ");
        pty_type(&pty, "hello\r");
        while (udp_receive(udp, bytes, sizeof bytes, &client) == 0)
            continue;
        pty_hang_up(&pty);
        harness_equal("the status", process_wait(&process), 128 + SIGHUP);
        pty_close(&pty);
    }
}

Test(system_hangup, ends_udpctl_at_its_prompt_and_in_watch)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    hang_up_in_each_case(cases, "udpctl> ",
                         (const char *const[]){"udpctl", "-s", server.socket, NULL});
    hang_up_in_each_case(cases, "udpsrv",
                         (const char *const[]){"udpctl", "-s", server.socket, "watch", NULL});
    server_stop(&server);
}

Test(system_hangup, ends_udpctl_waiting_for_a_broadcast)
{
    struct server server = {0};
    server_start(&server, "[broadcast]\nrate = 10\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 300; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "clients", 300);
    hang_up(NULL, " to go",
            (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "x", NULL});
    server_stop(&server);
}
