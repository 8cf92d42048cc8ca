/* A terminal that is gone, its window closed or its connection lost: whoever sat at it ends. */

#include "pty.h"

#include <signal.h>
#include <string.h>

TestSuite(system_hangup, .fini = harness_end, .timeout = 60);

/* What goes before the hangup tells how the program learns of it: by a signal, or by what it reads.
 */
static void be_dumb_and_ignore_hangup(void)
{
    pty_be_dumb();
    pty_ignore_hangup();
}

static void be_dumb_and_stand_apart(void)
{
    pty_be_dumb();
    pty_stand_apart();
}

static harness_prepare *const ways[] = {NULL, pty_ignore_hangup, pty_stand_apart};
static harness_prepare *const dumb_ways[] = {pty_be_dumb, be_dumb_and_ignore_hangup,
                                             be_dumb_and_stand_apart};
enum { WAYS = sizeof ways / sizeof *ways };

/* Takes the terminal away once it was sent text. The program is to end at once, and say that it was
 * no end as people choose it. */
static void lose_terminal(harness_prepare *way, const char *text, const char *const *argv)
{
    struct process process;
    struct pty pty;
    pty_open(&pty);
    pty_start(&pty, &process, way, argv);
    pty_await(&pty, text);
    pty_hang_up(&pty);
    int status = process_wait(&process);
    expect(status == 128 + SIGHUP, "expected %s to say that it was hung up, its status is %d",
           argv[0], status);
    pty_close(&pty);
}

static void lose_it_in_every_way(harness_prepare *const *by, const char *text,
                                 const char *const *argv)
{
    for (int i = 0; i < WAYS; i++)
        lose_terminal(by[i], text, argv);
}

Test(system_hangup, ends_udpcli)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    const char *at = endpoint_text(&name);
    lose_it_in_every_way(ways, "\r> ", (const char *const[]){"udpcli", at, NULL});
    lose_it_in_every_way(dumb_ways, "> ", (const char *const[]){"udpcli", at, NULL});
}

/* Neither a reply that is still due nor keepalives keep it. */
Test(system_hangup, ends_udpcli_while_it_waits)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp), client;
    const char *at = endpoint_text(&name);
    for (int i = 0; i < WAYS; i++) {
        struct process process;
        struct pty pty;
        char bytes[16];
        pty_open(&pty);
        pty_start(&pty, &process, ways[i],
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
    lose_it_in_every_way(ways, "udpctl> ",
                         (const char *const[]){"udpctl", "-s", server.socket, NULL});
    lose_it_in_every_way(ways, "udpsrv",
                         (const char *const[]){"udpctl", "-s", server.socket, "watch", NULL});
    server_stop(&server);
}

Test(system_hangup, ends_the_waiting_for_a_broadcast)
{
    struct server server = {0};
    server_start(&server, "[broadcast]\nrate = 10\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 300; i++)
        udp_pass_by(&server.at[0]);
    server_await_stat(&server, "clients", 300);
    lose_terminal(NULL, " to go",
                  (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "x", NULL});
    server_stop(&server);
}
