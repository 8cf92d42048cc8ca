/* What the four programs say when something goes wrong: all that can be provoked, held to one form.
 */

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(system_messages, .fini = harness_end, .timeout = 300);

/* PROGRAM: ATTEMPT: WHY; NEXT. The attempt names what it is about. */
#define FORM "^(udpsrv|udpctl|udpcli|udpload): [^:;][^;]*: [^;]+; [^ ].*$"
/* A fault of a configuration, as compilers have it, so that editors find it; behind it may stand
 * lines to be copied into the file. */
#define LOCATED "^(/[^:]+|-l|-s)(:[0-9]+)*: .+$|^    [^ ].*$"
/* A log line says what, on what, why (reason) and what to do (advice). */
#define LOGGED "^[0-9T:.Z-]+ (info|debug|(warning|error) .+ reason=.+ advice=.+)"

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    expect(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0, "expected a pattern: %s",
           pattern);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

/* Expects at least one line, and each in its form. */
static void expect_form(const char *command, const char *text)
{
    char *rest = strdup(text);
    int lines = 0;
    for (char *line = strtok(rest, "\n"); line; line = strtok(NULL, "\n"), lines++)
        expect(matches(FORM, line) || matches(LOCATED, line) || matches(LOGGED, line),
               "expected the form PROGRAM: ATTEMPT: WHY; NEXT of %s, it says:\n%s", command, line);
    expect(lines > 0, "expected a complaint of: %s", command);
    free(rest);
}

static struct result run_words(harness_prepare *prepare, const char *input, const char *words)
{
    const char *argv[32] = {NULL};
    struct process process;
    size_t count = 0;
    char *rest = strdup(words);
    for (char *word = strtok(rest, " "); word && count < 31; word = strtok(NULL, " "))
        argv[count++] = strcmp(word, "''") == 0 ? "" : word;
    process_start(&process, prepare, argv);
    if (input)
        process_write(&process, input);
    process_close_stdin(&process);
    process_wait(&process);
    free(rest);
    return (struct result){.status = process.status,
                           .out = process.texts[0].data ? process.texts[0].data : "",
                           .err = process.texts[1].data ? process.texts[1].data : ""};
}

static void expect_complaint(harness_prepare *prepare, const char *input, const char *words)
{
    struct result result = run_words(prepare, input, words);
    expect(result.status > 0 && result.status < 128, "expected '%s' to fail, its status is %d",
           words, result.status);
    expect_form(words, result.err);
}

Test(system_messages, of_every_wrong_command_line_have_one_form)
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
        "udpcli --hex localhost xyz",
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
        "udpctl kick",
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
        "udpload --size 1 --message abc localhost",
        "udpload --source nonsense localhost",
        "udpload a b",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect_complaint(NULL, NULL, lines[i]);
}

static void print_to_a_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
}

Test(system_messages, about_output_have_one_form)
{
    expect_complaint(print_to_a_full_device, NULL, "udpcli --help");
    expect_complaint(print_to_a_full_device, NULL, "udpctl --help");
    expect_complaint(print_to_a_full_device, NULL, "udpsrv --help");
    expect_complaint(print_to_a_full_device, NULL, "udpsrv -T");
    expect_complaint(print_to_a_full_device, NULL, "udpload --help");
}

Test(system_messages, about_services_have_one_form)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint at = udp_name(udp);
    const char *silent = endpoint_text(&at), *closed;
    int other = udp_open("127.0.0.1");
    struct endpoint gone = udp_name(other);
    close(other);
    closed = endpoint_text(&gone);
    expect_complaint(NULL, NULL, harness_format("udpcli -w 20ms -r 0 %s hi", silent));
    expect_complaint(NULL, NULL, harness_format("udpcli -w 20ms -r 1 -n 2 %s hi", silent));
    expect_complaint(NULL, NULL, harness_format("udpcli %s hi", closed));
    expect_complaint(NULL, NULL, "udpcli no-such-host.invalid hi");
    expect_complaint(NULL, NULL, "udpcli fe80::1%nowhere hi");
    expect_complaint(NULL, NULL, "udpcli 255.255.255.255 hi");
    expect_complaint(NULL, "a\nb\n", harness_format("udpcli -w 20ms %s", silent));
    expect_complaint(NULL, "a\nb\n", harness_format("udpcli %s", closed));
    expect_complaint(NULL, "xyz\n", harness_format("udpcli --hex %s", silent));
    expect_complaint(NULL, NULL, "udpload no-such-host.invalid");
    expect_complaint(NULL, NULL, "udpload fe80::1%nowhere");
    expect_complaint(NULL, NULL, harness_format("udpload --json /nowhere/report %s", silent));
    expect_complaint(NULL, NULL,
                     harness_format("udpload --fanout --control /nowhere/sock %s", silent));
    struct result result =
        run_words(NULL, NULL, harness_format("udpload -Q 100 -c 1 -d 200ms -w 100ms %s", silent));
    expect_form("udpload of a silent service", result.err);
    result =
        run_words(NULL, NULL, harness_format("udpload -Q 100 -c 1 -d 200ms -w 100ms %s", closed));
    expect_form("udpload of a closed port", result.err);
}

static const char *json_error(struct result result)
{
    return harness_format("udpctl: %s", json_text(result.out, "error"));
}

Test(system_messages, about_the_server_have_one_form)
{
    struct server server = {0};
    expect_complaint(NULL, NULL, "udpctl -s /nowhere/sock status");
    expect_complaint(NULL, NULL, "udpctl -s /dev/null stats");
    expect_form("JSON", json_error(run_words(NULL, NULL, "udpctl --json -s /nowhere/sock stats")));
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    static const char *const commands[] = {
        "client 192.0.2.1:9",
        "kick 192.0.2.1:9",
        "cancel 99",
        "client 192.0.2.1",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *words = harness_format("udpctl -s %s %s", server.socket, commands[i]);
        expect_complaint(NULL, NULL, words);
    }
    run_words(NULL, NULL, harness_format("udpctl -s %s broadcast x", server.socket));
    expect_complaint(NULL, NULL, harness_format("udpctl -s %s cancel 1", server.socket));
    server_configure(&server, "[nonsense]\n");
    server_stop(&server);
}

/* The operator's protocol, by hand: what the server itself refuses. */
Test(system_messages, of_the_server_to_its_operator_have_one_form)
{
    static const char *const commands[] = {
        "nonsense",         "statsu",    "stats now", "client",    "client x",
        "kick 1.2.3.4",     "cancel x",  "cancel 99", "broadcast", "broadcast x 00",
        "broadcast wait 0", "clients x", "clients 0",
    };
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    int control = operator_open(&server);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *command = harness_format("%s\n", commands[i]);
        expect(operator_send(control, command, strlen(command)), "expected to say %s", command);
        const char *answer = operator_answer(control);
        expect(answer && strncmp(answer, "error ", 6) == 0, "expected a refusal of %s: %s", command,
               answer ? answer : "nothing");
        const char *line =
            harness_format("udpsrv: %.*s", (int)strcspn(answer + 6, "\n"), answer + 6);
        expect_form(command, line);
    }
    server_stop(&server);
}

Test(system_messages, of_a_reload_that_fails_have_one_form)
{
    struct server server = {0};
    server_start(&server, "[clients]\nttl = 60s\n", "-l", "127.0.0.1:0", NULL);
    server_configure(&server, "[clients]\nttl = x\nnonsense = 1\n[nonsense]\ninclude = /nowhere\n");
    expect_complaint(NULL, NULL, harness_format("udpctl -s %s reload", server.socket));
    server_await_log(&server, "cannot reload");
    expect_form("its log", server_log(&server) + strcspn(server_log(&server), "\n") + 1);
    server_stop(&server);
}

Test(system_messages, of_a_server_that_does_not_start_have_one_form)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint at = udp_name(udp);
    struct server server = {0};
    static const char *const files[] = {
        "[server]\nlisten = 0.0.0.0:0\n", "[clients]\nttl = x\nmax = -1\n",  "nonsense\n",
        "include = /nowhere/file\n",      "[server]\nuser = no-such-user\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        server = (struct server){0};
        struct result result = server_try(&server, files[i], NULL);
        expect(result.status > 0 && result.status < 128, "expected no start with %s", files[i]);
        expect_form(files[i], result.err);
    }
    server = (struct server){0};
    expect_form("a taken port", server_try(&server, NULL, "-l", endpoint_text(&at), NULL).err);
    expect_complaint(NULL, NULL, "udpsrv -t -c /nowhere/file");
    expect_complaint(NULL, NULL, "udpsrv -t -c /dev");
    expect_complaint(NULL, NULL, "udpsrv -t -l nonsense");
}
