/* udpcli at a terminal with line editing: the screen, and the terminal after the end. */

#include "pty.h"
#include "tmux_shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_udpcli_terminal, .fini = harness_end, .timeout = 60);

/* The socket of the service that the test plays, and the sender of the last request. */
static int udp;
static struct endpoint client;

/* Opens a shell in which the command "go" is udpcli with the address of the test, and runs it. */
static void begin(void)
{
    const char *build = getenv("UDPSRV_BUILD");
    udp = udp_open("127.0.0.1");
    struct endpoint at = udp_name(udp);
    screen_open(50, 12,
                harness_format("export NO_COLOR=1\ngo() { '%s/udpcli' \"$@\" %s; }",
                               build ? build : "build", endpoint_text(&at)));
    screen_type("go\n");
    screen_await("$ go\n>", 2, 1);
}

static void expect_request(const char *text)
{
    char bytes[2048] = "";
    ssize_t size = udp_receive(udp, bytes, sizeof bytes - 1, &client);
    expect(size == (ssize_t)strlen(text) && strcmp(bytes, text) == 0,
           "expected the request '%s', it was '%s'", text, bytes);
}

/* Sends a first line, so that the service knows the address of the client, which says hello after
 * the reply. */
static void send_first_line(void)
{
    static const char hello[6] = "\0UDP\10\1";
    char bytes[64];
    screen_type("hello\n");
    expect_request("hello");
    udp_send_text(udp, &client, "audi");
    ssize_t size = udp_receive(udp, bytes, sizeof bytes, &client);
    expect(size == sizeof hello && memcmp(bytes, hello, sizeof hello) == 0,
           "expected a hello, there were %zd bytes", size);
    screen_await("$ go\n> hello\n< audi  (T)\n>", 2, 3);
}

/* ---- The screen ---- */

Test(system_udpcli_terminal, keeps_the_line_being_typed_while_broadcasts_are_printed, .init = begin)
{
    send_first_line();
    screen_type("half a line");
    screen_press("Left Left Left Left");
    screen_await("$ go\n> hello\n< audi  (T)\n> half a line", 9, 3);
    udp_send_text(udp, &client, "good \x1b[2J evening");
    screen_type("X");
    udp_send_text(udp, &client, "all");
    udp_send_text(udp, &client, "of you");
    screen_await("$ go\n> hello\n< audi  (T)\n* good \\x1b[2J evening\n* all\n* of you\n"
                 "> half a Xline",
                 10, 6);
    screen_press("Enter");
    expect_request("half a Xline");
    udp_send_text(udp, &client, "bmw");
    screen_await_part("> half a Xline\n< bmw  (T)\n>");
}

Test(system_udpcli_terminal, edits_between_wide_and_combined_characters, .init = begin)
{
    screen_type("漢字e\xcc\x81かな");
    screen_await("$ go\n> 漢字e\xcc\x81かな", 11, 1);
    screen_press("Left Left Left");
    screen_await("$ go\n> 漢字e\xcc\x81かな", 6, 1);
    screen_press("BSpace");
    screen_type("x");
    screen_await("$ go\n> 漢xe\xcc\x81かな", 5, 1);
    screen_press("Right BSpace");
    screen_await("$ go\n> 漢xかな", 5, 1);
    screen_press("Home DC");
    screen_await("$ go\n> xかな", 2, 1);
    screen_press("C-k C-y C-y Enter");
    expect_request("xかなxかな");
}

/* Terminals draw these with different widths; the rest of the line and the cursor stay in place. */
Test(system_udpcli_terminal, edits_around_joined_emoji_flags_and_keycaps, .init = begin)
{
    screen_type("a👨‍👩‍👧b👍🏽c🇩🇪d");
    screen_await("$ go\n> a👨b👍c🇩🇪d", 12, 1);
    screen_press("Left Left BSpace");
    screen_await("$ go\n> a👨b👍🇩🇪d", 8, 1);
    screen_press("BSpace Left");
    screen_type("x");
    screen_await("$ go\n> a👨xb🇩🇪d", 6, 1);
    screen_press("Home DC DC");
    screen_await("$ go\n> xb🇩🇪d", 2, 1);
    screen_type("❤️1️⃣👩🏽‍❤️‍💋‍👨🏿");
    screen_await_part("xb🇩🇪d");
    screen_press("Enter");
    expect_request("❤️1️⃣👩🏽‍❤️‍💋‍👨🏿xb🇩🇪d");
}

#define ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The common case: the window is full, with the line in its last row. (When tmux wraps rows in a
 * nearly empty window, it scrolls their beginnings out, where no program can redraw them.) */
static void begin_at_the_bottom(void)
{
    begin();
    screen_type("exit\nseq 1 40\ngo\n");
    screen_await_part("\n40\n$ go\n>");
}

Test(system_udpcli_terminal, redraws_a_long_line_when_the_window_is_resized,
     .init = begin_at_the_bottom)
{
    screen_type(ALPHABET "0123456789");
    screen_await("31\n32\n33\n34\n35\n36\n37\n38\n39\n40\n$ go\n"
                 "> <rstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                 48, 11);
    screen_resize(30, 12);
    screen_await("32\n33\n34\n35\n36\n37\n38\n39\n40\n$ go\n> <LMNOPQRSTUVWXYZ0123456789", 28, 10);
    screen_press("C-a");
    screen_await("32\n33\n34\n35\n36\n37\n38\n39\n40\n$ go\n> abcdefghijklmnopqrstuvwxyz>", 2, 10);
    screen_resize(80, 12);
    screen_await_part("\n40\n$ go\n> " ALPHABET "0123456789");
    screen_press("C-e");
    screen_resize(20, 12);
    screen_await_part("\n40\n$ go\n> <VWXYZ0123456789");
    screen_resize(8, 12);
    screen_await_part("\n40\n$ go\n> <789");
    screen_resize(50, 12);
    screen_await_part("\n40\n$ go\n> <rstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    screen_press("Enter");
    expect_request(ALPHABET "0123456789");
}

/* As during a resize: tmux first makes the window narrower, and then reports its size. */
Test(system_udpcli_terminal, uses_one_row_in_a_window_narrower_than_its_reported_size,
     .init = begin)
{
    const char *name = harness_path("terminal");
    screen_type(harness_format("exit\ntty >'%s'; stty columns 90; clear\ngo\n", name));
    screen_await("$ go\n>", 2, 1);
    screen_type(ALPHABET "0123456789");
    screen_await_part("> abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU");
    run_ok(NULL, "sh", "-c", harness_format("stty -F $(cat '%s') columns 50", name), NULL);
    screen_await("$ go\n> <rstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 48, 1);
    screen_press("Enter");
    expect_request(ALPHABET "0123456789");
}

/* A wide character that does not fit at the end of a row is moved to the next one. */
Test(system_udpcli_terminal, redraws_wide_characters_when_the_window_is_resized,
     .init = begin_at_the_bottom)
{
    screen_type("漢字かな漢字かな漢字かな漢字かな漢字かな");
    screen_await_part("\n40\n$ go\n> 漢字かな漢字かな漢字かな漢字かな漢字かな");
    screen_resize(21, 12);
    screen_await_part("\n40\n$ go\n> <漢字かな漢字かな");
    screen_resize(11, 12);
    screen_await_part("\n40\n$ go\n> <字かな");
    screen_press("Enter");
    expect_request("漢字かな漢字かな漢字かな漢字かな漢字かな");
}

Test(system_udpcli_terminal, discards_a_line_at_an_interrupt_and_ends_at_the_next, .init = begin)
{
    screen_type("not this");
    screen_press("C-c");
    screen_await("$ go\n> not this^C\n>", 2, 2);
    screen_press("C-c");
    screen_await("$ go\n> not this^C\n$", 2, 2);
    udp_expect_nothing(udp, "the line was discarded");
}

Test(system_udpcli_terminal, ends_only_at_the_end_of_input, .init = begin)
{
    screen_type("ab");
    screen_press("Left C-d C-d");
    screen_await("$ go\n> a", 3, 1);
    screen_press("BSpace C-d");
    screen_await("$ go\n$", 2, 1);
    screen_type("echo $?\n");
    screen_await("$ go\n$ echo $?\n0\n$", 2, 3);
}

Test(system_udpcli_terminal, redraws_its_line_after_a_suspension, .init = begin)
{
    send_first_line();
    screen_type("half a line");
    screen_press("Left Left C-z");
    screen_await_part("Stopped");
    screen_type("stty -a | grep -o -e '-icanon' -e ' icanon'\n");
    screen_await_part(" icanon\n$");
    screen_type("clear\n");
    screen_await("$", 2, 0);
    udp_send_text(udp, &client, "meanwhile");
    screen_type("fg 2>/dev/null\n");
    screen_await_part("* meanwhile\n> half a line");
    screen_type("X");
    screen_press("Enter");
    expect_request("half a liXne");
}

Test(system_udpcli_terminal, reports_that_the_service_was_killed_and_keeps_the_line)
{
    struct server server = {0};
    const char *build = getenv("UDPSRV_BUILD");
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    screen_open(150, 12,
                harness_format("export NO_COLOR=1\ngo() { '%s/udpcli' -k 50ms %s; }",
                               build ? build : "build", endpoint_text(&server.at[0])));
    screen_type("go\n");
    screen_await_part("to a keepalive");
    screen_type("half a line");
    server_kill(&server);
    udp_refuse(udp_open(endpoint_text(&server.at[0])));
    screen_await_part("refused: no program listens there; start the service, or check "
                      "the address\n> half a line");
    /* A refusal of keepalives is reported once, that of a line each time. */
    screen_press("Enter");
    screen_await_part("> half a line\nudpcli: sending to ");
    screen_type("again\n");
    screen_await_part("> again\nudpcli: sending to ");
    screen_press("C-d");
    screen_await_part("\n$");
}

Test(system_udpcli_terminal, reports_that_no_reply_was_received, .init = begin)
{
    screen_type("exit\n");
    screen_resize(150, 12);
    screen_type("clear\ngo -w 50ms\n");
    screen_await("$ go -w 50ms\n>", 2, 1);
    screen_type("hello\n");
    expect_request("hello");
    screen_await_part("no reply within 50ms; check that the service runs there, or wait longer "
                      "with -w\n>");
    udp_send_text(udp, &client, "audi");
    screen_await_part("? audi  (late, or a broadcast)\n>");
}

Test(system_udpcli_terminal, enters_a_paste_of_several_lines_only_at_enter, .init = begin)
{
    screen_paste("one\ntwo\n\tthree");
    screen_await("$ go\n> one\\ntwo\\n\\tthree", 19, 1);
    udp_expect_nothing(udp, "it was not entered");
    screen_press("Enter");
    expect_request("one");
    expect_request("two");
    expect_request("\tthree");
    screen_await("$ go\n> one\n> two\n> \\tthree\n>", 2, 4);
}

Test(system_udpcli_terminal, keeps_the_history_for_the_next_start, .init = begin)
{
    send_first_line();
    screen_press("Up");
    screen_await("$ go\n> hello\n< audi  (T)\n> hello", 7, 3);
    screen_press("Down C-d");
    screen_type("clear\ngo\n");
    screen_await("$ go\n>", 2, 1);
    screen_press("Up");
    screen_await("$ go\n> hello", 7, 1);
}

Test(system_udpcli_terminal, runs_slash_commands_and_sends_lines_with_two_slashes, .init = begin)
{
    send_first_line();
    screen_type("/st\t\n");
    screen_await_part("> /stats\nsent 1, received 1, lost 0\nround trip min");
    screen_press("C-l");
    screen_type("//path\n");
    expect_request("/path");
    udp_send_text(udp, &client, "toyota");
    screen_await("> //path\n< toyota  (T)\n>", 2, 2);
    screen_type("/nonsense\n");
    screen_await_part("udpcli: running /nonsense: no such command");
    screen_press("C-l");
    screen_type("/help\n");
    screen_await_part("/quit    end after the last replies");
    screen_type("/quit\n");
    screen_await_part("\n$");
    udp_expect_nothing(udp, "commands are not sent");
}

Test(system_udpcli_terminal, completes_slash_commands, .init = begin)
{
    screen_type("/\t");
    screen_await("$ go\n> /\n/help   /stats  /quit\n> /", 3, 3);
    screen_type("q\t");
    screen_await("$ go\n> /\n/help   /stats  /quit\n> /quit", 8, 3);
}

/* Expects these bytes from the client. */
static void expect_bytes(const char *expected, size_t size)
{
    char bytes[256];
    ssize_t got = udp_receive(udp, bytes, sizeof bytes, &client);
    expect(got == (ssize_t)size && memcmp(bytes, expected, size) == 0,
           "expected %zu other bytes than these %zd", size, got);
}

/* A message with a leisure of 100 ms, and its confirmation. */
#define MESSAGE "\0UDP\6\0\0\0\0\0\0\0\7\1news"
#define CONFIRM "\0UDP\7\0\0\0\0\0\0\0\7"

Test(system_udpcli_terminal, shows_a_confirmed_broadcast_once_while_a_line_is_typed, .init = begin)
{
    screen_type("hello\n");
    expect_request("hello");
    udp_send(udp, &client,
             "\0UDP\1"
             "0123456789abcdef",
             21);
    expect_bytes("\0UDP\2"
                 "0123456789abcdef"
                 "hello",
                 26);
    udp_send_text(udp, &client, "audi");
    expect_bytes("\0UDP\10\1", 6);
    udp_send(udp, &client, "\0UDP\11\0", 6);
    screen_await("$ go\n> hello\n< audi  (T)\n>", 2, 3);
    screen_type("half");
    for (int i = 0; i < 2; i++) {
        udp_send(udp, &client, MESSAGE, sizeof MESSAGE - 1);
        expect_bytes(CONFIRM, sizeof CONFIRM - 1);
    }
    screen_await("$ go\n> hello\n< audi  (T)\n* news\n> half", 6, 4);
    screen_press("C-u");
    screen_type("/stats\n");
    screen_await_part("\nconfirmations sent 2, messages that came again 1\n");
}

/* ---- The terminal after the end ---- */

/* Starts udpcli at a new terminal, ends it by keys or a signal, and expects that the modes of the
 * terminal are restored. Returns its status. */
static int end_by(const char *keys, int signal)
{
    struct process cli;
    struct pty pty;
    pty_open(&pty);
    const char *before = pty_modes(&pty);
    struct endpoint at = udp_name(udp);
    pty_start(&pty, &cli, NULL,
              (const char *const[]){"udpcli", "-w", "5m", endpoint_text(&at), NULL});
    pty_await(&pty, "\r> ");
    harness_contains("the mode meanwhile", pty_modes(&pty), "-icanon");
    if (keys)
        pty_type(&pty, keys);
    else
        process_kill(&cli, signal);
    process_wait(&cli);
    const char *after = pty_modes(&pty);
    expect(strcmp(before, after) == 0, "expected the mode '%s', after '%s' or %d it is '%s'",
           before, keys ? keys : "", signal, after);
    pty_await(&pty, "\x1b[?2004l");
    pty_close(&pty);
    return cli.status;
}

Test(system_udpcli_terminal, restores_the_terminal_when_ended_by_keys)
{
    static const char *const ways[] = {
        "exit\r", "/quit\r", "\x04", "\x03", "half\x03\x03", "\x1b[200~half\x1b[201~\x03\x04",
    };
    udp = udp_open("127.0.0.1");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        harness_equal(ways[i], end_by(ways[i], 0), 0);
    harness_equal("quit", end_by("\x1c", 0), 128 + SIGQUIT);
}

Test(system_udpcli_terminal, restores_the_terminal_when_ended_by_signals)
{
    static const int ends[] = {SIGTERM, SIGHUP};
    static const int deadly[] = {SIGSEGV, SIGABRT, SIGBUS,  SIGFPE,  SIGILL, SIGQUIT,
                                 SIGPIPE, SIGALRM, SIGUSR1, SIGXCPU, SIGSYS};
    udp = udp_open("127.0.0.1");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        harness_equal(strsignal(ends[i]), end_by(NULL, ends[i]), 128 + ends[i]);
    harness_equal("interrupted", end_by(NULL, SIGINT), 0);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        int status = end_by(NULL, deadly[i]);
        /* A sanitizer reports the signal and exits. */
        expect(status == 128 + deadly[i] || (harness_sanitized() && status != 0),
               "expected death by %d, the status was %d", deadly[i], status);
    }
}

/* Ctrl-C ends it while it waits for the reply to its last line. */
Test(system_udpcli_terminal, can_be_interrupted_while_it_waits_for_the_last_reply, .init = begin)
{
    screen_type("exit\ngo -w 5m\n");
    screen_await("$ go\n> exit\n$ go -w 5m\n>", 2, 3);
    screen_type("hello\nexit\n");
    expect_request("hello");
    screen_await_part("> hello\n> exit");
    screen_press("C-c");
    screen_await_part("> exit\n$");
}
