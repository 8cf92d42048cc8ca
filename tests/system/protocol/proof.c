/* Clients that are asked to prove their address, by a service that is this test. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_proof, .fini = harness_end, .timeout = 60);

static const char CHALLENGE[] = "\0UDP\1"
                                "0123456789abcdef";
static const char ANSWER[] = "\0UDP\2"
                             "0123456789abcdef";
enum { FRAME_BYTES = 21 };

/* The next datagram is text, behind the answer's head if answered. Returns where it came from. */
static struct endpoint hear(int udp, bool answered, const char *text)
{
    char bytes[256];
    struct endpoint from;
    size_t head = answered ? FRAME_BYTES : 0, size = strlen(text);
    ssize_t got = udp_receive(udp, bytes, sizeof bytes, &from);

    harness_equal("bytes", (int64_t)got, (int64_t)(head + size));
    expect(memcmp(bytes, ANSWER, head) == 0 && memcmp(bytes + head, text, size) == 0,
           "expected '%s'%s", text, answered ? " behind its cookie" : "");
    return from;
}

static const char *name_of(int udp)
{
    struct endpoint name = udp_name(udp);
    return endpoint_text(&name);
}

Test(system_proof, udpcli_gives_it_and_prints_the_reply_alone)
{
    int udp = udp_open("127.0.0.1");
    struct process cli;
    struct endpoint from;

    process_start(&cli, NULL, (const char *[]){"udpcli", "-w", "10s", name_of(udp), "hi", NULL});
    from = hear(udp, false, "hi");
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    from = hear(udp, true, "hi");
    udp_say(udp, &from, "welcome");
    harness_equal("the status", process_wait(&cli), 0);
    cr_assert_str_eq(cli.texts[0].data, "welcome\n");
}

Test(system_proof, udpcli_gives_it_for_each_line_of_a_pipe)
{
    int udp = udp_open("127.0.0.1");
    struct process cli;
    struct endpoint from;

    process_start(&cli, NULL, (const char *[]){"udpcli", "-w", "10s", name_of(udp), NULL});
    process_write(&cli, "one\ntwo\n");
    process_close_stdin(&cli);
    hear(udp, false, "one");
    from = hear(udp, false, "two");
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    hear(udp, true, "one");
    hear(udp, true, "two");
    udp_say(udp, &from, "1");
    udp_say(udp, &from, "2");
    harness_equal("the status", process_wait(&cli), 0);
    cr_assert_str_eq(cli.texts[0].data, "1\n2\n");
}

Test(system_proof, udpcli_leaves_a_service_that_is_never_content)
{
    int udp = udp_open("127.0.0.1");
    struct process cli;
    struct endpoint from;

    process_start(&cli, NULL,
                  (const char *[]){"udpcli", "-r", "0", "-w", "300ms", name_of(udp), "hi", NULL});
    from = hear(udp, false, "hi");
    for (int i = 0; i < 3; i++) {
        udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
        hear(udp, true, "hi");
    }
    udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
    harness_equal("the status", process_wait(&cli), 1);
    udp_expect_nothing(udp, "a fourth proof");
}

Test(system_proof, udpload_gives_it_and_counts_it_apart)
{
    int udp = udp_open("127.0.0.1");
    const char *file = harness_path("report.json"), *json;
    struct process load;
    struct endpoint from;

    process_start(&load, NULL,
                  (const char *[]){"udpload", "--json", file, "-Q", "max", "-q", "1", "-n", "3",
                                   "-c", "1", "-t", "10s", name_of(udp), NULL});
    for (int i = 0; i < 3; i++) {
        from = hear(udp, false, "hi");
        udp_send(udp, &from, CHALLENGE, FRAME_BYTES);
        from = hear(udp, true, "hi");
        udp_say(udp, &from, "welcome");
    }
    process_wait(&load);
    json = run_ok(NULL, "cat", file, NULL);
    harness_equal("sent", json_integer(json, "sent"), 3);
    harness_equal("replied", json_integer(json, "replied"), 3);
    harness_equal("challenged", json_integer(json, "challenged"), 3);
    harness_equal("unsolicited", json_integer(json, "unsolicited"), 0);
    harness_equal("late", json_integer(json, "late"), 0);
}
