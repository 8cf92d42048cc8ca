/* The error messages of the four programs: provokes each message that tests/messages finds in the
 * sources and that can be provoked, and checks that all have the form "attempt: why; next". */

#include "error_messages.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The servers are static variables, because a failed test prints their logs after it has returned.
 */
TestSuite(system_messages, .fini = harness_end, .timeout = 300);

static void expect_each(const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        error_messages_expect(NULL, NULL, lines[i]);
}

static void provoke_udpcli_command_lines(void)
{
    static const char *const lines[] = {
        "udpcli",
        "udpcli --nonsense",
        "udpcli --hlep",
        "udpcli -w",
        "udpcli -w x localhost",
        "udpcli -w 2d localhost",
        "udpcli -k 0 localhost",
        "udpcli --help=x",
        "udpcli -r -1 localhost hi",
        "udpcli -n 0 localhost hi",
        "udpcli -n 2 localhost",
        "udpcli -k 1s localhost hi",
        "udpcli localhost hi there",
        "udpcli localhost:0 hi",
        "udpcli [::1 hi",
        "udpcli -4 ::1 hi",
        "udpcli -i lo localhost hi",
        "udpcli --hex localhost xyz",
        "udpcli --name '' localhost",
        "udpcli --key-file /dev/null localhost",
        "udpcli --name x --key-file /dev/null localhost",
        "udpcli --no-confirm localhost hi",
        "udpcli --plain --no-confirm localhost",
        "udpcli --name x tcp:localhost",
    };
    expect_each(lines, sizeof lines / sizeof *lines);
}

static void provoke_command_lines(void)
{
    static const char *const lines[] = {
        "udpctl",
        "udpctl --nonsense",
        "udpctl --s",
        "udpctl nonsense",
        "udpctl statsu",
        "udpctl -t 0 status",
        "udpctl -t x status",
        "udpctl -s",
        "udpctl status now",
        "udpctl client",
        "udpctl client nonsense",
        "udpctl cancel x",
        "udpctl broadcast --stdin --key orders:5",
        "udpctl broadcast --entries-added 3 x",
        "udpctl broadcast --key orders x",
        "udpctl streams ''",
        "udpctl kick",
        "udpctl kick 127.0.0.1:9 --idle-max 1s",
        "udpctl kick --address 127.0.0.1/8",
        "udpctl send",
        "udpctl send 127.0.0.1:9",
        "udpctl send 127.0.0.1:9 a b",
        "udpctl send nonsense hi",
        "udpctl send 127.0.0.1:9 --hex xyz",
        "udpctl events joind",
        "udpctl clients --sort nonsense",
        "udpctl clients --limit 0",
        "udpctl stats --limit 1",
        "udpctl broadcast",
        "udpctl broadcast --hex xyz",
        "udpsrv --nonsense",
        "udpsrv nonsense",
        "udpsrv -c",
        "udpsrv --help=x",
        "udpload",
        "udpload --nonsense",
        "udpload -Q x localhost",
        "udpload -Q max --poisson localhost",
        "udpload -q 1 localhost",
        "udpload -c 1 -T 2 localhost",
        "udpload -Q max -q 1 -c 1 -T 2 localhost",
        "udpload -S 1ms localhost",
        "udpload -S 10ms -l 20m localhost",
        "udpload --json FILE --html FILE localhost",
        "udpload --source ::1 127.0.0.1",
        "udpload --size 1 --message abc localhost",
        "udpload --size 9 --message '' localhost",
        "udpload --source nonsense localhost",
        "udpload --confirm localhost",
        "udpload --fanout --confirm --drop 101% localhost",
        "udpload --seed 1 localhost",
        "udpload a b",
    };
    expect_each(lines, sizeof lines / sizeof *lines);
}

static void provoke_name_errors(void)
{
    error_messages_expect(NULL, NULL, "udpctl listen lamp");
    error_messages_expect(NULL, NULL, "udpctl events @lamp @gate");
    error_messages_expect(NULL, NULL, "udpctl clients lamp");
    error_messages_expect(NULL, NULL, "udpctl clients @lamp --address 127.0.0.1");
    error_messages_expect(NULL, NULL, "udpctl key");
    error_messages_expect(NULL, NULL, "udpctl key lamp");
    error_messages_expect(NULL, NULL, "udpctl key '' --key-file /dev/null");
    error_messages_expect(NULL, NULL, "udpctl key lamp --key-file /dev/null");
    error_messages_expect(NULL, NULL, "udpctl bridge localhost orders");
    error_messages_expect(NULL, NULL, "udpctl bridge unix:/nowhere orders --node x");
    error_messages_expect(NULL, NULL, "udpctl bridge unix:/nowhere orders --user x");
    error_messages_expect(NULL, NULL,
                          "udpctl bridge unix:/nowhere orders --password-file /nowhere");
}

static void set_long_runtime_directory(void)
{
    static char path[300] = "/";
    memset(path + 1, 'x', sizeof path - 2);
    setenv("XDG_RUNTIME_DIR", path, 1);
    /* For root, the default socket does not depend on this variable. */
    if (geteuid() == 0 && setuid(65534) != 0)
        _exit(1);
}

static void redirect_output_to_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
}

static void redirect_input_to_directory(void)
{
    dup2(open("/", O_RDONLY), STDIN_FILENO);
}

static void provoke_environment(const char *silent)
{
    error_messages_expect(redirect_output_to_full_device, NULL, "udpcli --help");
    error_messages_expect(redirect_output_to_full_device, NULL, "udpctl --help");
    error_messages_expect(redirect_output_to_full_device, NULL, "udpsrv --help");
    error_messages_expect(redirect_output_to_full_device, NULL, "udpsrv -T");
    error_messages_expect(redirect_output_to_full_device, NULL, "udpload --help");
    error_messages_expect(redirect_input_to_directory, NULL, harness_format("udpcli %s", silent));
    error_messages_expect(redirect_input_to_directory, NULL, "udpctl broadcast --stdin");
    error_messages_expect(set_long_runtime_directory, NULL, "udpctl status");
    error_messages_expect(set_long_runtime_directory, NULL, "udpload --fanout localhost");
}

/* Returns the address of a local UDP port that refuses datagrams. */
static const char *closed_port(void)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint at = udp_name(udp);
    udp_refuse(udp);
    return endpoint_text(&at);
}

static void provoke_udpcli(const char *silent, const char *closed)
{
    error_messages_expect(NULL, NULL, harness_format("udpcli -w 20ms -r 0 %s hi", silent));
    error_messages_expect(NULL, NULL, harness_format("udpcli -w 20ms -r 1 -n 2 %s hi", silent));
    error_messages_expect(NULL, NULL, harness_format("udpcli %s hi", closed));
    error_messages_expect(NULL, NULL, "udpcli no-such-host.invalid hi");
    error_messages_expect(NULL, NULL, "udpcli fe80::1%nowhere hi");
    error_messages_expect(NULL, NULL, "udpcli 255.255.255.255 hi");
    error_messages_expect(NULL, "a\nb\n", harness_format("udpcli -w 20ms %s", silent));
    error_messages_expect(NULL, "a\nb\n", harness_format("udpcli %s", closed));
    error_messages_expect(NULL, "a\nb\n", harness_format("udpcli tcp:%s", stream_refusing()));
    error_messages_expect(NULL, "xyz\n", harness_format("udpcli --hex %s", silent));
    error_messages_expect(NULL, "", harness_format("udpcli --name x %s", silent));
    error_messages_expect(NULL, "", harness_format("udpcli --no-confirm %s", silent));
}

static void provoke_udpcli_at_a_terminal(const char *silent)
{
    const char *prompt = "\r> ", *directory = harness_path("state/udpsrv");
    const char *file = harness_format("%s/udpcli_history", directory);
    const char *spoil = harness_format("rm -f %s; mkdir -p %s", file, file);
    const char *cli = harness_format("udpcli -w 20ms %s", silent);
    error_messages_at_terminal(cli, prompt, NULL, "/nonsense\r", "by doubling it");
    error_messages_at_terminal(cli, prompt, NULL, "hello\r", "or wait longer with -w");
    error_messages_at_terminal(harness_format("udpcli -w 20ms -k 20ms %s", silent), prompt, NULL,
                               "", "and answers keepalives");
    error_messages_at_terminal(cli, prompt, spoil, "hello\r",
                               "free space there, or continue without it");
    error_messages_at_terminal(cli, prompt, NULL, "\x04", "\x1b[?2004l");
    run_ok(NULL, "rmdir", file, NULL);
}

static void limit_descriptors(void)
{
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
}

static void provoke_udpload(const char *silent, const char *closed)
{
    static const char shortly[] = "udpload -Q 100 -c 1 -l 200ms -t 100ms";
    error_messages_expect(NULL, NULL, "udpload no-such-host.invalid");
    error_messages_expect(NULL, NULL, "udpload fe80::1%nowhere");
    error_messages_expect(NULL, NULL, harness_format("udpload --json /nowhere/report %s", silent));
    error_messages_expect(NULL, NULL, harness_format("udpload --source 192.0.2.1 %s", silent));
    error_messages_expect(NULL, NULL, harness_format("udpload --source fe80::1%%nowhere ::1"));
    error_messages_expect(NULL, NULL, harness_format("udpload -c 2 255.255.255.255"));
    error_messages_expect(limit_descriptors, NULL,
                          harness_format("udpload -c 1000 --source 127.0.0.1 %s", silent));
    error_messages_expect(
        NULL, NULL, harness_format("udpload --find-max -Q 10 -l 100ms -t 100ms -c 1 %s", silent));
    error_messages_expect(NULL, NULL,
                          harness_format("udpload --fanout --control /nowhere/sock %s", silent));
    error_messages_check(
        shortly, error_messages_run(NULL, NULL, harness_format("%s %s", shortly, silent)).err);
    error_messages_check(
        shortly,
        error_messages_run(NULL, NULL, harness_format("%s --source 127.0.0.1 %s", shortly, closed))
            .err);
}

static void provoke_udpload_with_server(void)
{
    static const char *const answers[] = {"error cannot broadcast: it can't; try again\n.\n",
                                          "nonsense\n.\n",
                                          "ok\nid 1\n.\n\fok\njob 1 cancelled 5 0 0 5 0 35\n.\n",
                                          "ok\nid 1\n.\n\fok\njob 2 done 5 5 0 0 0 35\n.\n", ""};
    static struct server server;
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *words =
        harness_format("udpload --fanout --control @ -c 5 %s", endpoint_text(&server.at[0]));
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        error_messages_expect_of_fake_server(words, answers[i], FAKE_SERVER_CLOSES, false);
    error_messages_expect_of_fake_server(words, "", FAKE_SERVER_WAITS, false);
    error_messages_expect(
        NULL, NULL,
        harness_format("udpload --find-max -Q 4 -l 100ms -t 1 -c 1 --expect another %s",
                       endpoint_text(&server.at[0])));
    server_stop(&server);
}

/* One test, because it checks at its end that all messages were printed. */
Test(system_messages, have_one_form_and_all_can_be_provoked)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint at = udp_name(udp);
    const char *silent = endpoint_text(&at), *closed = closed_port();
    provoke_udpcli_command_lines();
    provoke_command_lines();
    provoke_name_errors();
    provoke_environment(silent);
    provoke_udpcli(silent, closed);
    provoke_udpcli_at_a_terminal(silent);
    provoke_udpload(silent, closed);
    provoke_udpload_with_server();
    provoke_ctl();
    provoke_server();
    provoke_gateway();
    error_messages_expect_all();
}

/* Turns text red, ends the line, reverses the direction of text, and is invalid UTF-8. */
#define HOSTILE "x\x1b[31m\n\u202e\xff"

Test(system_messages, escape_arguments)
{
    static const char *const lines[][7] = {
        {"udpcli", HOSTILE, "hi"},
        {"udpcli", HOSTILE ":1", "hi"},
        {"udpcli", "unix:/" HOSTILE, "hi"},
        {"udpcli", "--" HOSTILE},
        {"udpcli", "-w", HOSTILE, "localhost"},
        {"udpcli", "-g", HOSTILE},
        {"udpctl", HOSTILE},
        {"udpctl", "kick", HOSTILE},
        {"udpctl", "-t", HOSTILE, "status"},
        {"udpctl", "-s", "/tmp/" HOSTILE, "status"},
        {"udpctl", "-s", "/tmp/" HOSTILE, "watch", "-n", "1"},
        {"udpctl", "-s", "/tmp/" HOSTILE, "broadcast", "hi"},
        {"udpctl", "-s", "/tmp/" HOSTILE, "--json", "status"},
        {"udpload", HOSTILE},
        {"udpload", "-Q", HOSTILE, "localhost"},
        {"udpload", "--json", "/" HOSTILE "/y", "127.0.0.1"},
        {"udpload", "--source", HOSTILE, "127.0.0.1"},
        {"udpload", "--fanout", "--control", "/tmp/" HOSTILE, "127.0.0.1:9"},
        {"udpsrv", HOSTILE},
        {"udpsrv", "-c", "/" HOSTILE},
        {"udpsrv", "-c", "/" HOSTILE, "-t"},
        {"udpsrv", "-l", HOSTILE},
        {"udpsrv", "-s", "/" HOSTILE "/y"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct process process;
        process_start(&process, NULL, lines[i]);
        process_close_stdin(&process);
        process_wait(&process);
        expect(process.status != 0, "line %zu is wrong", i);
        const char *err = process.texts[1].data ? process.texts[1].data : "";
        const char *out = process.texts[0].data ? process.texts[0].data : "";
        const char *printed = *err ? err : out; /* JSON and `watch` print on standard output */
        expect(strstr(printed, "\\x1b[31m\\n") || strstr(printed, "\\u001b[31m\\n"),
               "line %zu isn't escaped: %s", i, printed);
        expect(!strpbrk(printed, "\x1b\xff") && !strstr(printed, "\u202e"), "line %zu: %s", i,
               printed);
    }
}
