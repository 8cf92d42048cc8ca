/* udpcli's side of confirmed broadcasts and names: hello, confirmations, and what of them is shown.
 * The test plays the service. */

#include "udpcli_service.h"

#include <stdio.h>
#include <string.h>

TestSuite(system_udpcli_frames, .init = service_open_ipv4, .fini = harness_end, .timeout = 60);

#define COOKIE    "0123456789abcdef"
#define CHALLENGE "\0UDP\1" COOKIE
#define HELLO     "\0UDP\10\1"
#define NAMED     "\0UDP\11\0"
/* Job 7 with a leisure of 100 ms, job 8 with one of 25.5 s. */
#define MESSAGE_7 "\0UDP\6\0\0\0\0\0\0\0\7\1news"
#define MESSAGE_8 "\0UDP\6\0\0\0\0\0\0\0\10\377later"
#define CONFIRM_7 "\0UDP\7\0\0\0\0\0\0\0\7"
#define CONFIRM_8 "\0UDP\7\0\0\0\0\0\0\0\10"

/* Sends a literal that may have zeros; expects one. */
#define SEND(literal)   udp_send(service_udp, &service_client, literal, sizeof(literal) - 1)
#define EXPECT(literal) expect_datagram(literal, sizeof(literal) - 1)

static void expect_datagram(const char *expected, size_t size)
{
    char bytes[256];
    ssize_t got = udp_receive(service_udp, bytes, sizeof bytes, &service_client);
    expect(got == (ssize_t)size && memcmp(bytes, expected, size) == 0,
           "expected %zu bytes, the last one %02x; there were %zd, the type %02x", size,
           size > 0 ? (unsigned char)expected[size - 1] : 0U, got,
           got > 4 ? (unsigned char)bytes[4] : 0U);
}

/* Starts a session on a pipe whose first line is challenged, so that the service is known to be a
 * udpsrv. */
static void begin_challenged(struct process *cli, const char *words)
{
    udpcli_start(cli, NULL, words);
    process_write(cli, "hi\n");
    service_expect("hi");
    SEND(CHALLENGE);
    EXPECT("\0UDP\2" COOKIE "hi");
    SEND("audi");
}

/* Starts a session on a pipe whose first line gets that reply, and is followed by a hello. */
static void begin_answered(struct process *cli, const char *words, const char *reply)
{
    udpcli_start(cli, NULL, words);
    process_write(cli, "hi\n");
    service_answer("hi", reply);
    EXPECT(HELLO);
}

static void await_error(struct process *cli, const char *text)
{
    int64_t end = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (strstr(udpcli_output(cli, 1), text) == NULL) {
        int64_t left = end - harness_now_ms();
        expect(left > 0, "expected '%s', errors: '%s'", text, udpcli_output(cli, 1));
        process_pump(cli, (int)left);
    }
}

Test(system_udpcli_frames, sends_nothing_of_its_own_with_plain)
{
    struct process cli;
    udpcli_start(&cli, NULL, "--plain @");
    process_write(&cli, "one\ntwo\n");
    service_echo(2);
    process_await_text(&cli, "two\n");
    process_write(&cli, "three\n");
    service_expect("three");
    SEND(CHALLENGE);
    EXPECT("\0UDP\2" COOKIE "three");
    SEND("three");
    process_await_text(&cli, "three\n");
    udpcli_expect_success(&cli, "one\ntwo\nthree\n");
    udp_expect_nothing(service_udp, "a plain client says no hello");
}

Test(system_udpcli_frames, says_no_hello_when_its_input_has_ended)
{
    struct process cli;
    udpcli_start(&cli, NULL, "@");
    process_write(&cli, "one\n");
    service_expect("one");
    process_close_stdin(&cli);
    SEND("audi");
    udpcli_expect_success(&cli, "audi\n");
    udp_expect_nothing(service_udp, "there is no broadcast to wait for");
}

Test(system_udpcli_frames, says_hello_after_a_challenge_and_confirms_each_message_it_gets)
{
    struct process cli;
    begin_challenged(&cli, "-w 5m @");
    EXPECT(HELLO);
    SEND(NAMED);
    SEND(MESSAGE_7);
    EXPECT(CONFIRM_7);
    process_await_text(&cli, "news\n");
    SEND(MESSAGE_7);
    EXPECT(CONFIRM_7);
    udpcli_expect_success(&cli, "audi\nnews\n");
    udp_expect_nothing(service_udp, "one confirmation for each message");
}

Test(system_udpcli_frames, does_not_take_a_message_for_the_reply_to_a_line)
{
    struct process cli;
    begin_challenged(&cli, "-w 5m --json @");
    EXPECT(HELLO);
    SEND(NAMED);
    process_await_text(&cli, "\"kind\":\"reply\"");
    process_write(&cli, "question\n");
    service_expect("question");
    SEND(MESSAGE_7);
    process_await_text(&cli, "\"kind\":\"broadcast\",\"size\":4,\"text\":\"news\"}\n");
    EXPECT(CONFIRM_7);
    SEND("answer");
    process_await_text(&cli, "\"text\":\"answer\"}\n");
    process_close_stdin(&cli);
    harness_equal("the status", process_wait(&cli), 0);
    expect(strstr(udpcli_output(&cli, 0), "\"kind\":\"reply\",\"size\":6,\"rtt_ms\"") != NULL,
           "expected the answer as a reply: %s", udpcli_output(&cli, 0));
}

Test(system_udpcli_frames, confirms_at_its_end_what_it_has_shown)
{
    struct process cli;
    begin_challenged(&cli, "-w 5m @");
    EXPECT(HELLO);
    SEND(NAMED);
    SEND(MESSAGE_8);
    process_await_text(&cli, "later\n");
    udpcli_expect_success(&cli, "audi\nlater\n");
    EXPECT(CONFIRM_8);
}

Test(system_udpcli_frames, says_hello_again_after_it_has_joined_anew)
{
    struct process cli;
    begin_challenged(&cli, "-w 5m @");
    EXPECT(HELLO);
    SEND(NAMED);
    SEND(MESSAGE_7);
    EXPECT(CONFIRM_7);
    process_await_text(&cli, "news\n");
    process_write(&cli, "again\n");
    service_expect("again");
    SEND(CHALLENGE);
    EXPECT("\0UDP\2" COOKIE "again");
    SEND("bmw");
    EXPECT(HELLO);
    SEND(NAMED);
    SEND(MESSAGE_7);
    EXPECT(CONFIRM_7);
    udpcli_expect_success(&cli, "audi\nnews\nbmw\n");
}

Test(system_udpcli_frames, says_hello_three_times_to_a_server_that_does_not_know_it)
{
    struct process cli;
    begin_challenged(&cli, "-w 5m @");
    EXPECT(HELLO);
    EXPECT(HELLO);
    EXPECT(HELLO);
    process_write(&cli, "more\n");
    service_answer("more", "bmw");
    process_await_text(&cli, "bmw\n");
    udpcli_expect_success(&cli, "audi\nbmw\n");
    udp_expect_nothing(service_udp, "no fourth hello, and none of it is an error");
}

Test(system_udpcli_frames, asks_any_service_for_frames_with_no_confirm_and_confirms_none)
{
    struct process cli;
    begin_answered(&cli, "-w 5m --no-confirm @", "audi");
    SEND(NAMED);
    SEND(MESSAGE_7);
    process_await_text(&cli, "news\n");
    SEND(MESSAGE_7);
    process_write(&cli, "more\n");
    service_answer("more", "bmw");
    udpcli_expect_success(&cli, "audi\nnews\nbmw\n");
    udp_expect_nothing(service_udp, "no confirmation");
}

Test(system_udpcli_frames, says_hello_again_to_a_server_that_has_lost_its_last_ones)
{
    struct process cli;
    begin_challenged(&cli, "-w 5m --no-confirm @");
    EXPECT(HELLO);
    SEND(NAMED);
    process_await_text(&cli, "audi\n");
    process_write(&cli, "again\n");
    service_expect("again");
    SEND(CHALLENGE);
    EXPECT("\0UDP\2" COOKIE "again");
    SEND("bmw");
    EXPECT(HELLO);
    EXPECT(HELLO);
    EXPECT(HELLO);
    await_error(&cli, "the last hellos were not answered, earlier ones were");
    process_write(&cli, "more\n");
    service_expect("more");
    SEND(CHALLENGE);
    EXPECT("\0UDP\2" COOKIE "more");
    SEND("seat");
    EXPECT(HELLO);
    SEND(NAMED);
    process_await_text(&cli, "seat\n");
    process_write(&cli, "end\n");
    service_answer("end", "opel");
    udpcli_expect_end(&cli, 0, "audi\nbmw\nseat\nopel\n");
}

Test(system_udpcli_frames, does_not_report_a_server_that_has_answered_and_then_lost_a_keepalive)
{
    struct process cli;
    begin_answered(&cli, "-w 1s -k 1s --no-confirm @", "audi");
    SEND(NAMED);
    EXPECT("");
    EXPECT("");
    EXPECT(""); /* the first one has expired */
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_frames, says_no_hello_with_a_message_that_is_not_answered)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 20ms -r 1 --name pump-4 @ hi");
    udpcli_expect_end(&cli, 1, "");
    harness_contains("error message", udpcli_output(&cli, 1), "no reply to 1 of 1 request");
    expect(strstr(udpcli_output(&cli, 1), "hello") == NULL, "expected one error");
    service_expect("hi");
    service_expect("hi");
    udp_expect_nothing(service_udp, "the client may not be registered");
}

Test(system_udpcli_frames, says_one_hello_to_a_service_that_sends_no_frames)
{
    struct process cli;
    begin_answered(&cli, "-w 5m @", "audi");
    SEND("toyota");
    process_await_text(&cli, "toyota\n");
    process_write(&cli, "more\n");
    service_answer("more", "bmw");
    process_await_text(&cli, "bmw\n");
    udpcli_expect_success(&cli, "audi\ntoyota\nbmw\n");
    udp_expect_nothing(service_udp, "a second hello follows 20 s later at the earliest");
}

Test(system_udpcli_frames, confirms_a_message_of_a_service_that_has_sent_no_frame_before)
{
    struct process cli;
    begin_answered(&cli, "-w 5m @", "audi");
    SEND(NAMED);
    SEND(MESSAGE_7);
    EXPECT(CONFIRM_7);
    process_await_text(&cli, "news\n");
    udpcli_expect_success(&cli, "audi\nnews\n");
}

Test(system_udpcli_frames, says_no_second_hello_to_an_echo_service_and_hides_the_first_one)
{
    static const char *const words[] = {"-w 5m @", "-w 5m --no-confirm @"};
    for (int asked = 0; asked < 2; asked++) {
        struct process cli;
        begin_answered(&cli, words[asked], "hi");
        SEND(HELLO);
        process_write(&cli, "more\n");
        service_answer("more", "more");
        udpcli_expect_end(&cli, asked, "hi\nmore\n");
        if (asked)
            harness_contains("error message", udpcli_output(&cli, 1), "no hello was answered");
        else
            expect(udpcli_output(&cli, 1)[0] == '\0', "errors: '%s'", udpcli_output(&cli, 1));
        udp_expect_nothing(service_udp, "it is no udpsrv");
    }
}

Test(system_udpcli_frames, asks_for_a_name_with_lines_of_a_pipe)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 5m --name pump-4 @");
    process_write(&cli, "hi\n");
    process_close_stdin(&cli);
    service_answer("hi", "audi");
    EXPECT("\0UDP\10\1pump-4");
    SEND("\0UDP\11\1pump-4");
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_frames, asks_for_a_name_with_a_message)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 5m --name pump-4 @ hi");
    service_answer("hi", "audi");
    EXPECT("\0UDP\10\0pump-4");
    SEND("a broadcast");
    SEND(CHALLENGE);
    SEND("\0UDP\11\1pump-4");
    udpcli_expect_success(&cli, "audi\n");
}

Test(system_udpcli_frames, asks_for_a_name_at_a_service_that_does_not_reply)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 0 --name pump-4 @ hi");
    service_expect("hi");
    EXPECT("\0UDP\10\0pump-4");
    SEND("\0UDP\11\1pump-4");
    udpcli_expect_success(&cli, "");
    udpcli_start(&cli, NULL, "-w 0 --name pump-4 @");
    process_write(&cli, "hi\n");
    process_close_stdin(&cli);
    service_expect("hi");
    EXPECT("\0UDP\10\1pump-4");
    SEND("\0UDP\11\1pump-4");
    udpcli_expect_success(&cli, "");
}

Test(system_udpcli_frames, reports_why_a_name_was_not_given)
{
    static const struct {
        const char *answer, *why;
    } refusals[] = {
        {"\0UDP\11\0", "uses no names"},         {"\0UDP\11\2", "no place"},
        {"\0UDP\11\3", "not that of this name"}, {"\0UDP\11\4", "status 4"},
        {"\0UDP\11\5", "prove a key"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        for (int lines = 0; lines < 2; lines++) {
            struct process cli;
            udpcli_start(&cli, NULL, lines ? "-w 5m --name x @" : "-w 5m --name x @ hi");
            if (lines)
                process_write(&cli, "hi\n");
            process_close_stdin(&cli);
            service_answer("hi", "audi");
            expect_datagram(lines ? "\0UDP\10\1x" : "\0UDP\10\0x", 7);
            udp_send(service_udp, &service_client, refusals[i].answer, 6);
            udpcli_expect_end(&cli, 1, "audi\n");
            harness_contains("error message", udpcli_output(&cli, 1), refusals[i].why);
        }
}

Test(system_udpcli_frames, reports_a_service_that_knows_no_names)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 5m --name x @ hi");
    service_answer("hi", "audi");
    EXPECT("\0UDP\10\0x");
    EXPECT("\0UDP\10\0x");
    EXPECT("\0UDP\10\0x");
    udpcli_expect_end(&cli, 1, "audi\n");
    harness_contains("error message", udpcli_output(&cli, 1), "no hello was answered");
    udp_expect_nothing(service_udp, "no fourth hello");
}

Test(system_udpcli_frames, never_shows_a_frame_in_place_of_a_reply)
{
    struct process cli;
    udpcli_start(&cli, NULL, "-w 5m @ hi");
    service_expect("hi");
    SEND(MESSAGE_7);
    SEND(NAMED);
    SEND("audi");
    udpcli_expect_success(&cli, "audi\n");
    udp_expect_nothing(service_udp, "what is not shown is not confirmed");
}

/* ---- With a server ---- */

static void broadcast_to_udpcli(const char *config, const char *words, const char *pairs)
{
    static struct server server;
    struct process cli;
    server = (struct server){.listeners = 0};
    server_start(&server, config, "-l", "127.0.0.1:0", NULL);
    service_name = endpoint_text(&server.at[0]);
    udpcli_start(&cli, NULL, words);
    process_write(&cli, "hi\n");
    process_await_text(&cli, "audi\n");
    if (strstr(pairs, "plain=0") != NULL)
        server_await_stat(&server, "named", 1);
    struct result result = ctl(&server, "broadcast", "--confirm", "--within", "5s", "news", NULL);
    harness_equal("the status of udpctl", result.status, 0);
    process_await_text(&cli, "news\n");
    harness_contains("the report of udpctl", ctl(&server, "jobs", NULL).out, pairs);
    udpcli_expect_success(&cli, "audi\nnews\n");
    server_stop(&server);
}

Test(system_udpcli_frames, confirms_a_broadcast_of_udpctl)
{
    broadcast_to_udpcli("[admission]\npolicy = cookie\n", "@", "confirmed=1 silent=0 plain=0");
    broadcast_to_udpcli(NULL, "@", "confirmed=1 silent=0 plain=0");
}

Test(system_udpcli_frames, gets_a_confirmed_broadcast_once_as_a_plain_copy_with_plain)
{
    broadcast_to_udpcli(NULL, "--plain @", "confirmed=0 silent=0 plain=1");
}

Test(system_udpcli_frames, plays_a_silent_client_with_no_confirm)
{
    broadcast_to_udpcli(NULL, "--no-confirm @", "confirmed=0 silent=1 plain=0");
}
