/* udpcli against a service that the test itself plays. */

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(system_udpcli, .fini = harness_end, .timeout = 60);

/* The service: its socket, its name, and whoever spoke last. */
static int udp;
static const char *name;
static struct endpoint client;

static void serve_at(const char *local)
{
    udp = udp_open(local);
    struct endpoint at = udp_name(udp);
    name = endpoint_text(&at);
}

static void begin(void)
{
    serve_at("127.0.0.1");
}

/* Expects a request, and keeps its sender. */
static void expect_request(const char *text)
{
    char bytes[2048] = "";
    ssize_t size = udp_receive(udp, bytes, sizeof bytes - 1, &client);
    expect(size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0,
           "expected the request '%s', it was '%s' (%zd bytes)", text, bytes, size);
}

static void serve(const char *request, const char *reply)
{
    expect_request(request);
    udp_say(udp, &client, reply);
}

/* Answers count requests, each with itself. */
static void echo(int count)
{
    char bytes[2048];
    for (int i = 0; i < count; i++) {
        ssize_t size = udp_receive(udp, bytes, sizeof bytes, &client);
        expect(size >= 0, "expected request %d of %d", i + 1, count);
        udp_send(udp, &client, bytes, (size_t)size);
    }
}

/* Starts udpcli with words from a text, of which @ is the service's name and '' an empty one. */
static void start(struct process *process, harness_prepare *prepare, const char *words)
{
    const char *argv[16] = {"udpcli"};
    char *rest = strdup(words);
    int count = 1;
    for (char *word = strtok(rest, " "); word && count < 15; word = strtok(NULL, " ")) {
        bool empty = strcmp(word, "''") == 0;
        argv[count++] = empty ? "" : strcmp(word, "@") == 0 ? name : word;
    }
    process_start(process, prepare, argv);
    free(rest);
}

static const char *printed(const struct process *process, int stream)
{
    return process->texts[stream].data ? process->texts[stream].data : "";
}

/* Expects its end with that status, and that it printed just this. */
static void expect_end(struct process *process, int status, const char *out)
{
    process_close_stdin(process);
    process_wait(process);
    expect(process->status == status, "expected status %d, it was %d: %s", status, process->status,
           printed(process, 1));
    expect(strcmp(printed(process, 0), out) == 0, "expected the output '%s', it was '%s'", out,
           printed(process, 0));
}

static void expect_silent_end(struct process *process, const char *out)
{
    expect_end(process, 0, out);
    expect(printed(process, 1)[0] == '\0', "expected no complaint: %s", printed(process, 1));
}

/* ---- One message ---- */

Test(system_udpcli, prints_the_reply_to_a_message, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@ hello");
    serve("hello", "audi");
    expect_silent_end(&cli, "audi\n");
}

Test(system_udpcli, speaks_ipv6)
{
    struct process cli;
    serve_at("::1");
    start(&cli, NULL, "@ hello");
    serve("hello", "audi");
    expect_silent_end(&cli, "audi\n");
}

Test(system_udpcli, tries_the_next_address_of_a_host_when_one_refuses, .init = begin)
{
    struct process cli;
    struct endpoint at = udp_name(udp);
    start(&cli, NULL, harness_format("localhost:%d hello", endpoint_port(&at)));
    serve("hello", "audi");
    expect_silent_end(&cli, "audi\n");
}

Test(system_udpcli, sends_an_empty_message, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@ ''");
    serve("", "");
    expect_silent_end(&cli, "\n");
}

Test(system_udpcli, sends_the_same_datagram_again_when_it_was_lost, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-w 50ms -r 200 @ hello");
    expect_request("hello");
    expect_request("hello");
    serve("hello", "audi");
    expect_silent_end(&cli, "audi\n");
}

Test(system_udpcli, fails_when_nobody_answers_any_try, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-w 50ms -r 1 @ hello");
    expect_end(&cli, 1, "");
    harness_contains("complaint", printed(&cli, 1), "no reply to 1 of 1");
    harness_contains("complaint", printed(&cli, 1), name);
    harness_contains("complaint", printed(&cli, 1), "sent 2 times, waited 50ms each time");
    expect(text_count(printed(&cli, 1), "\n") == 1, "expected one line: %s", printed(&cli, 1));
    expect_request("hello");
    expect_request("hello");
    udp_expect_nothing(udp, "all tries were sent");
}

Test(system_udpcli, fails_at_once_when_refused, .init = begin)
{
    struct process cli;
    close(udp);
    /* Waiting for the timeout would outlive the test. */
    start(&cli, NULL, "-w 5m @ hello");
    expect_end(&cli, 1, "");
    harness_contains("complaint", printed(&cli, 1), "refused");
    harness_contains("complaint", printed(&cli, 1), name);
}

Test(system_udpcli, sends_count_requests_each_behind_the_last_reply, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-n 3 @ hello");
    expect_request("hello");
    udp_expect_nothing(udp, "the first is unanswered");
    udp_say(udp, &client, "audi");
    serve("hello", "toyota");
    serve("hello", "bmw");
    expect_silent_end(&cli, "audi\ntoyota\nbmw\n");
}

Test(system_udpcli, fails_when_one_of_count_requests_has_no_reply, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-n 3 -w 1 -r 0 @ hello");
    serve("hello", "audi");
    expect_request("hello");
    serve("hello", "bmw");
    expect_end(&cli, 1, "audi\nbmw\n");
    harness_contains("complaint", printed(&cli, 1), "1 of 3");
    harness_contains("complaint", printed(&cli, 1), "sent once, waited 1s)");
}

Test(system_udpcli, takes_what_came_before_a_request_for_no_reply_to_it, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-n 2 @ hello");
    expect_request("hello");
    process_kill(&cli, SIGSTOP);
    expect(waitpid(cli.pid, NULL, WUNTRACED) == cli.pid, "expected it to stop");
    udp_say(udp, &client, "audi");
    udp_say(udp, &client, "a second reply");
    process_kill(&cli, SIGCONT);
    serve("hello", "bmw");
    expect_silent_end(&cli, "audi\nbmw\n");
}

Test(system_udpcli, waits_for_no_reply_without_a_timeout, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-w 0 -n 3 @ hello");
    expect_silent_end(&cli, "");
    for (int i = 0; i < 3; i++)
        expect_request("hello");
    udp_expect_nothing(udp, "three were asked for");
}

Test(system_udpcli, prints_no_reply_without_a_timeout_however_fast_it_comes)
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

Test(system_udpcli, sends_and_prints_hexadecimal, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "--hex @ 6869");
    expect_request("hi");
    udp_send(udp, &client, "\0\xff\n", 3);
    expect_silent_end(&cli, "00ff0a\n");
}

Test(system_udpcli, prints_json, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "--json -n 2 @ hi");
    serve("hi", "a\n\"b\"");
    serve("hi", "\xff");
    process_wait(&cli);
    const char *text = printed(&cli, 0), *second = strchr(text, '\n');
    harness_equal("status", cli.status, 0);
    harness_equal("size", json_integer(text, "size"), 5);
    expect(json_integer(text, "time_ms") > 1700000000000, "expected the time since 1970: %s", text);
    expect(strcmp(json_text(text, "from"), name) == 0, "expected from %s: %s", name, text);
    harness_contains("first", text, "\"text\":\"a\\n\\\"b\\\"\"");
    harness_contains("first", text, "\"rtt_ms\":");
    expect(second && strcmp(json_text(second, "hex"), "ff") == 0, "expected hex: %s", text);
}

Test(system_udpcli, says_that_a_message_is_too_long, .init = begin)
{
    enum { BYTES = 65536 };
    static char message[BYTES + 1];
    memset(message, 'x', BYTES);
    struct result result = run(NULL, "udpcli", name, message, NULL);
    harness_equal("status", result.status, 1);
    harness_contains("complaint", result.err, "longer than a datagram");
}

static void print_to_a_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
}

Test(system_udpcli, fails_when_the_reply_can_not_be_written, .init = begin)
{
    struct process cli;
    start(&cli, print_to_a_full_device, "@ hello");
    serve("hello", "audi");
    expect_end(&cli, 1, "");
    harness_contains("complaint", printed(&cli, 1), "standard output");
}

Test(system_udpcli, tells_wrong_usage_from_failure)
{
    struct result result = run(NULL, "udpcli", "--nonsense", NULL);
    harness_equal("status", result.status, 2);
    harness_contains("help", run_ok(NULL, "udpcli", "--help", NULL), "--keepalive");
    harness_contains("version", run_ok(NULL, "udpcli", "-V", NULL), "udpcli ");
    result = run(NULL, "udpcli", "no-such-host.invalid", "hi", NULL);
    harness_equal("status of an unknown host", result.status, 1);
    harness_contains("complaint", result.err, "no-such-host.invalid");
}

/* ---- A pipe ---- */

/* count lines, each its number. */
static const char *numbers(int count)
{
    char *text = calloc((size_t)count, 12), *end = text;
    for (int i = 1; i <= count; i++)
        end += sprintf(end, "%d\n", i);
    const char *kept = harness_format("%s", text);
    free(text);
    return kept;
}

Test(system_udpcli, sends_each_line_of_a_pipe_and_waits_for_the_last_reply, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@");
    process_write(&cli, numbers(1000));
    process_close_stdin(&cli);
    echo(1000);
    expect_silent_end(&cli, numbers(1000));
    udp_expect_nothing(udp, "each line is sent once");
}

Test(system_udpcli, takes_a_last_line_without_a_newline_and_strips_carriage_returns, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@");
    process_write(&cli, "one\r\n\nthree");
    process_close_stdin(&cli);
    serve("one", "1");
    serve("", "2");
    serve("three", "3");
    expect_silent_end(&cli, "1\n2\n3\n");
}

Test(system_udpcli, keeps_each_reply_of_a_pipe_on_a_line_of_its_own, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@");
    process_write(&cli, "one\ntwo\n");
    serve("one", "a\nb");
    serve("two", "c\n");
    expect_silent_end(&cli, "a b\nc\n");
}

static const char *input_path;

static void read_from_a_file(void)
{
    dup2(open(input_path, O_RDONLY), STDIN_FILENO);
}

Test(system_udpcli, reads_a_regular_file, .init = begin)
{
    struct process cli;
    input_path = harness_path("input");
    FILE *file = fopen(input_path, "w");
    fputs(numbers(500), file);
    fclose(file);
    start(&cli, read_from_a_file, "@");
    echo(500);
    expect_silent_end(&cli, numbers(500));
}

static void be_started_without_input(void)
{
    close(STDIN_FILENO);
}

Test(system_udpcli, ends_at_once_without_input, .init = begin)
{
    struct process cli;
    start(&cli, be_started_without_input, "@");
    expect_silent_end(&cli, "");
    input_path = "/dev/null";
    start(&cli, read_from_a_file, "-k 1s @");
    expect_silent_end(&cli, "");
    udp_expect_nothing(udp, "there was no line");
}

Test(system_udpcli, leaves_no_more_than_a_window_unanswered, .init = begin)
{
    enum { WINDOW = 64 };
    struct process cli;
    start(&cli, NULL, "@ -w 5m");
    process_write(&cli, numbers(200));
    for (int i = 1; i <= WINDOW; i++)
        expect_request(harness_format("%d", i));
    udp_say(udp, &client, "first reply");
    expect_request("65");
    process_await_text(&cli, "first reply");
    udp_say(udp, &client, "second reply");
    expect_request("66");
    process_await_text(&cli, "second reply");
    udp_expect_nothing(udp, "the window is full");
}

Test(system_udpcli, says_how_many_lines_were_not_answered, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-w 1 @");
    process_write(&cli, "one\ntwo\nthree\n");
    process_close_stdin(&cli);
    serve("one", "audi");
    expect_request("two");
    expect_request("three");
    expect_end(&cli, 1, "audi\n");
    harness_contains("complaint", printed(&cli, 1), "1 of 3");
}

Test(system_udpcli, says_a_refusal_once_and_goes_on, .init = begin)
{
    struct process cli;
    const char *input = numbers(200);
    close(udp);
    start(&cli, NULL, "-w 5m @");
    process_write(&cli, input);
    expect_end(&cli, 1, "");
    harness_equal("refusals told", (int64_t)text_count(printed(&cli, 1), "refused"), 1);
    harness_contains("complaint", printed(&cli, 1), "0 of 200");
}

Test(system_udpcli, prints_what_comes_unasked, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@");
    process_write(&cli, "hello\n");
    serve("hello", "audi");
    process_await_text(&cli, "audi\n");
    udp_say(udp, &client, "a broadcast");
    process_await_text(&cli, "a broadcast\n");
    expect_silent_end(&cli, "audi\na broadcast\n");
}

Test(system_udpcli, ends_at_the_line_exit, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "@");
    process_write(&cli, "one\nexit\ntwo\n");
    serve("one", "audi");
    process_wait(&cli);
    expect_silent_end(&cli, "audi\n");
    udp_expect_nothing(udp, "exit ends");
}

Test(system_udpcli, says_which_lines_can_not_be_sent, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "--hex @");
    process_write(&cli, "6869\nxyz\n");
    process_close_stdin(&cli);
    serve("hi", "ok");
    expect_end(&cli, 1, "6f6b\n");
    harness_contains("complaint", printed(&cli, 1), "line 2");
    harness_contains("complaint", printed(&cli, 1), "1 of 2");
}

Test(system_udpcli, keeps_alive_with_empty_datagrams, .init = begin)
{
    struct process cli;
    start(&cli, NULL, "-k 20ms @");
    expect_request("");
    serve("", "audi");
    process_await_text(&cli, "audi\n");
    process_write(&cli, "exit\n");
    process_wait(&cli);
    harness_equal("status", cli.status, 0);
}

/* ---- A plain terminal ---- */

static int terminal = -1;
static char screen[8192];

/* One that can do nothing; for those that can, see udpcli_terminal.c. */
static void sit_at_the_terminal(void)
{
    setenv("TERM", "dumb", 1);
    setsid();
    int side = open(ptsname(terminal), O_RDWR);
    ioctl(side, TIOCSCTTY, 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(side, fd);
}

static void start_at_the_terminal(struct process *process, const char *words)
{
    begin();
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    expect(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0,
           "expected a terminal: %s", strerror(errno));
    start(process, sit_at_the_terminal, words);
}

static void type(const char *text)
{
    expect(write(terminal, text, strlen(text)) == (ssize_t)strlen(text), "expected to type");
}

/* Waits until the screen shows text behind what was awaited before. */
static void await_screen(const char *text)
{
    static size_t size, seen;
    struct pollfd wait = {.fd = terminal, .events = POLLIN};
    char *found;
    while ((found = strstr(screen + seen, text)) == NULL) {
        ssize_t more = -1;
        if (poll(&wait, 1, HARNESS_DEADLINE_MS) > 0)
            more = read(terminal, screen + size, sizeof screen - 1 - size);
        expect(more > 0, "expected '%s' on the screen, it shows '%s'", text, screen + seen);
        size += (size_t)more;
    }
    seen = (size_t)(found - screen) + strlen(text);
}

Test(system_udpcli, prompts_on_a_terminal_and_prints_at_any_time)
{
    struct process cli;
    start_at_the_terminal(&cli, "@");
    await_screen("> ");
    type("hello\n");
    serve("hello", "grüße");
    await_screen("grüße\r\n> ");
    udp_say(udp, &client, "a \x1b[2J broadcast");
    await_screen("a \\x1b[2J broadcast\r\n> ");
    type("exit\n");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli, leaves_a_half_typed_line_on_the_screen_and_in_the_terminal)
{
    struct process cli;
    start_at_the_terminal(&cli, "@");
    await_screen("> ");
    type("hello\n");
    serve("hello", "audi");
    await_screen("audi\r\n> ");
    type("half of");
    await_screen("half of");
    udp_say(udp, &client, "a broadcast");
    await_screen("\r\na broadcast\r\n> ");
    type(" a line\n");
    expect_request("half of a line");
    expect(strchr(screen, '\x1b') == NULL, "expected nothing to be erased: '%s'", screen);
    type("exit\n");
    udp_say(udp, &client, "bmw");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli, ends_on_a_terminal_at_the_end_of_input)
{
    struct process cli;
    start_at_the_terminal(&cli, "@");
    await_screen("> ");
    type("hello\n");
    serve("hello", "audi");
    await_screen("audi\r\n> ");
    type("\x04");
    harness_equal("status", process_wait(&cli), 0);
    await_screen("\r\n");
}

Test(system_udpcli, waits_on_a_terminal_for_the_last_reply)
{
    struct process cli;
    start_at_the_terminal(&cli, "-w 5m @");
    await_screen("> ");
    type("hello\nexit\n");
    serve("hello", "audi");
    await_screen("audi\r\n");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli, ends_on_a_terminal_when_interrupted)
{
    struct process cli;
    start_at_the_terminal(&cli, "-w 5m @");
    await_screen("> ");
    type("hello\n");
    expect_request("hello");
    type("\x03");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli, says_on_a_terminal_that_nobody_answers)
{
    struct process cli;
    start_at_the_terminal(&cli, "-w 50ms @");
    await_screen("> ");
    type("hello\n");
    await_screen("no reply within 50ms");
    close(udp);
    type("hello\n");
    await_screen("refused");
    type("exit\n");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli, prints_all_scripts_as_they_are, .init = begin)
{
    /* The lowest bytes of many of these code points are those of \n, \r, \t and \\. */
    static const char text[] =
        "\u4e0a\u6d77 \u4e0d \u4e09 \u015ctuparo \u010aensu \ud55c\uad6d\uc5b4 \u040a "
        "\U0001f468\u200d\U0001f469";
    struct process cli;
    process_start(&cli, NULL, (const char *[]){"udpcli", "--json", name, text, NULL});
    serve(text, text);
    process_wait(&cli);
    harness_contains("the JSON", printed(&cli, 0), harness_format("\"text\":\"%s\"}\n", text));
}
