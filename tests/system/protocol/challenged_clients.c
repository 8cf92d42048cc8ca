/* udpcli and udpload answer the challenges of a server. The test plays the server. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_challenged_clients, .fini = harness_end, .timeout = 60);

static const char CHALLENGE[] = "\0UDP\1"
                                "0123456789abcdef";
static const char ANSWER[] = "\0UDP\2"
                             "0123456789abcdef";
enum { FRAME_BYTES = 21 };

/* Receives a datagram: text, after the head of an answer frame if in_answer. Returns its source. */
static struct endpoint receive_request(int udp, bool in_answer, const char *text)
{
    char bytes[256];
    struct endpoint from;
    size_t head = in_answer ? FRAME_BYTES : 0, size = strlen(text);
    ssize_t got = udp_receive(udp, bytes, sizeof bytes, &from);

    harness_equal("bytes", (int64_t)got, (int64_t)(head + size));
    expect(memcmp(bytes, ANSWER, head) == 0 && memcmp(bytes + head, text, size) == 0,
           "expected '%s'%s", text, in_answer ? " after its cookie" : "");
    return from;
}

static const char *name_of(int udp)
{
    struct endpoint name = udp_name(udp);
    return endpoint_text(&name);
}

Test(system_challenged_clients, udpcli_answers_a_challenge_and_prints_only_the_reply)
{
    int udp = udp_open("127.0.0.1");
    struct process cli;
    struct endpoint from;

    process_start(&cli, NULL, (const char *[]){"udpcli", "-w", "10s", name_of(udp), "hi", NULL});
    from = receive_request(udp, false, "hi");
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    from = receive_request(udp, true, "hi");
    udp_send_text(udp, &from, "welcome");
    harness_equal("the status", process_wait(&cli), 0);
    cr_assert_str_eq(cli.texts[0].data, "welcome\n");
}

Test(system_challenged_clients, udpcli_answers_a_challenge_for_each_line_of_a_pipe)
{
    int udp = udp_open("127.0.0.1");
    struct process cli;
    struct endpoint from;

    process_start(&cli, NULL, (const char *[]){"udpcli", "-w", "10s", name_of(udp), NULL});
    process_write(&cli, "one\ntwo\n");
    process_close_stdin(&cli);
    receive_request(udp, false, "one");
    from = receive_request(udp, false, "two");
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    receive_request(udp, true, "one");
    receive_request(udp, true, "two");
    udp_send_text(udp, &from, "1");
    udp_send_text(udp, &from, "2");
    harness_equal("the status", process_wait(&cli), 0);
    cr_assert_str_eq(cli.texts[0].data, "1\n2\n");
}

Test(system_challenged_clients, udpcli_answers_at_most_three_challenges_for_a_request)
{
    int udp = udp_open("127.0.0.1");
    struct process cli;
    struct endpoint from;

    process_start(&cli, NULL,
                  (const char *[]){"udpcli", "-r", "0", "-w", "10s", name_of(udp), "hi", NULL});
    from = receive_request(udp, false, "hi");
    for (int i = 0; i < 3; i++) {
        udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
        receive_request(udp, true, "hi");
    }
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    udp_send_text(udp, &from, "welcome");
    harness_equal("the status", process_wait(&cli), 0);
    cr_assert_str_eq(cli.texts[0].data, "welcome\n");
    udp_expect_nothing(udp, "a fourth answer");
}

Test(system_challenged_clients, udpload_answers_a_challenge_and_counts_it_separately)
{
    int udp = udp_open("127.0.0.1");
    const char *file = harness_path("report.json"), *json;
    struct process load;
    struct endpoint from;

    process_start(&load, NULL,
                  (const char *[]){"udpload", "--json", file, "-Q", "max", "-q", "1", "-n", "3",
                                   "-c", "1", "-t", "10s", name_of(udp), NULL});
    for (int i = 0; i < 3; i++) {
        from = receive_request(udp, false, "hi");
        udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
        from = receive_request(udp, true, "hi");
        udp_send_text(udp, &from, "welcome");
    }
    process_wait(&load);
    json = run_ok(NULL, "cat", file, NULL);
    harness_equal("sent", json_integer(json, "sent"), 3);
    harness_equal("replied", json_integer(json, "replied"), 3);
    harness_equal("challenged", json_integer(json, "challenged"), 3);
    harness_equal("unsolicited", json_integer(json, "unsolicited"), 0);
    harness_equal("late", json_integer(json, "late"), 0);
}
