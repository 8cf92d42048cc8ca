/* The client programs of docs/protocol.md, with a running server and with a test that plays a
 * server and loses datagrams. */

#include "frames.h"
#include "protocol_page.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

TestSuite(system_protocol_clients, .fini = harness_end, .timeout = 60);

/* Returns text with each occurrence of from replaced with to. There is at least one. */
static const char *replaced(const char *text, const char *from, const char *to)
{
    const char *result = "", *at;

    expect(strstr(text, from) != NULL, "expected the program to have '%s'", from);
    for (; (at = strstr(text, from)) != NULL; text = at + strlen(from))
        result = harness_format("%s%.*s%s", result, (int)(at - text), text, to);
    return harness_format("%s%s", result, text);
}

static const char *with_address(const char *program, const struct endpoint *server)
{
    program = replaced(program, "3000", harness_format("%d", endpoint_port(server)));
    return replaced(program, "192.0.2.1", "127.0.0.1");
}

/* Starts the Python program of the page, with a keepalive interval of 200 ms instead of 20 s if
 * fast_keepalive. */
static void start_python(struct process *client, const struct endpoint *server, bool fast_keepalive)
{
    const char *script = page_block("python");

    if (fast_keepalive)
        script = replaced(script, " 20", " 0.2");
    script = with_address(script, server);
    process_start(client, NULL, (const char *[]){"python3", "-c", script, NULL});
}

static void start_c(struct process *client, const struct endpoint *server, bool fast_keepalive)
{
    const char *source = page_block("c"), *program = harness_path("client");

    if (fast_keepalive)
        source = replaced(source, "20000", "200");
    run_ok(with_address(source, server), "gcc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Wpedantic",
           "-Werror", "-o", program, "-x", "c", "-", NULL);
    process_start(client, NULL, (const char *[]){program, NULL});
}

typedef void start_client(struct process *client, const struct endpoint *server,
                          bool fast_keepalive);

/* Checks that broadcasts which are more frequent than keepalives do not suppress the keepalives. */
static void test_keepalives(start_client *start)
{
    enum { KEEPALIVES = 5 };
    struct server server = {0};
    struct process client;
    int64_t received, deadline_ms;

    server_start(&server, "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n", "-l",
                 "127.0.0.1:0", NULL);
    start(&client, &server.at[0], true);
    process_await_text(&client, "yes\n");
    received = server_stat(&server, "received");
    deadline_ms = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (server_stat(&server, "received") < received + KEEPALIVES) {
        expect(harness_now_ms() < deadline_ms, "expected keepalives");
        ctl_ok(&server, "broadcast", "news", NULL);
        harness_wait_ms(20);
    }
    process_await_text(&client, "news\n");
    harness_equal("clients", server_stat(&server, "clients"), 1);
    harness_equal("joined", server_stat(&server, "joined"), 1);
    expect_balance("stats", server_ask(&server, "stats"));
    process_kill(&client, SIGKILL);
    process_wait(&client);
    server_stop(&server);
}

Test(system_protocol_clients, the_python_client_joins_under_policy_cookie_and_stays_registered)
{
    test_keepalives(start_python);
}

Test(system_protocol_clients, the_c_client_joins_under_policy_cookie_and_stays_registered)
{
    test_keepalives(start_c);
}

static const char CHALLENGE[] = "\0UDP\1"
                                "0123456789abcdef";
static const char ANSWER[] = "\0UDP\2"
                             "0123456789abcdefhi";

/* Receives the request "hi". Returns whether it is in an answer to the challenge. */
static bool receive_request(int udp, struct endpoint *from)
{
    char got[256];
    ssize_t size = udp_receive(udp, got, sizeof got, from);
    bool answered = size == sizeof ANSWER - 1;

    harness_equal("bytes", size, answered ? (int64_t)sizeof ANSWER - 1 : 2);
    expect(memcmp(got, answered ? ANSWER : "hi", (size_t)size) == 0, "expected 'hi'");
    return answered;
}

static void test_retries(start_client *start)
{
    int udp = udp_open("127.0.0.1"), other = udp_open("127.0.0.1"), answered = 0;
    struct endpoint name = udp_name(udp), from;
    struct process client;

    start(&client, &name, false);
    expect(!receive_request(udp, &from), "expected a request"); /* the test does not reply */
    expect(!receive_request(udp, &from), "expected it again");
    udp_send_text(other, &from, "from elsewhere");
    /* The client ignores a fourth challenge and sends its request again. On a busy host it may send
     * the request again before the fourth challenge. */
    for (bool ended = false; !ended;) {
        udp_send(udp, &from, CHALLENGE, FRAME_CHALLENGE);
        if (receive_request(udp, &from))
            answered++;
        else if (answered >= 3)
            ended = true;
        else
            answered = 0;
    }
    harness_equal("answered challenges", answered, 3);
    udp_send(udp, &from, "\0UDP\xff", FRAME_HEAD);
    udp_send_text(udp, &from, "welcome");
    process_await_text(&client, "welcome\n");
    cr_assert_str_eq(client.texts[0].data, "welcome\n");
    process_kill(&client, SIGKILL);
    process_wait(&client);
}

Test(system_protocol_clients,
     the_python_client_sends_its_request_again_and_answers_three_challenges)
{
    test_retries(start_python);
}

Test(system_protocol_clients, the_c_client_sends_its_request_again_and_answers_three_challenges)
{
    test_retries(start_c);
}

/* ---- the devices that confirm ---- */

/* Starts a device of the page, with so many seconds between hellos in place of 10. */
typedef void start_device(struct process *device, const struct endpoint *server, int seconds);

static void start_python_device(struct process *device, const char *script,
                                const struct endpoint *server, int seconds)
{
    script = replaced(script, " 10)", harness_format(" %d)", seconds));
    script = with_address(script, server);
    process_start(device, NULL, (const char *[]){"python3", "-c", script, NULL});
}

/* interval is the text before the seconds between hellos. */
static void start_c_device(struct process *device, const char *source, const char *interval,
                           const struct endpoint *server, int seconds)
{
    const char *program = harness_path("device");

    source = replaced(source, harness_format("%s10", interval),
                      harness_format("%s%d", interval, seconds));
    run_ok(with_address(source, server), "gcc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Wpedantic",
           "-Werror", "-o", program, "-x", "c", "-", NULL);
    process_start(device, NULL, (const char *[]){program, NULL});
}

static void start_confirming_python(struct process *device, const struct endpoint *server,
                                    int seconds)
{
    start_python_device(device, page_block("python confirm"), server, seconds);
}

static void start_confirming_c(struct process *device, const struct endpoint *server, int seconds)
{
    start_c_device(device, page_block("c confirm"), "alarm(", server, seconds);
}

static void start_short_python(struct process *device, const struct endpoint *server, int seconds)
{
    start_python_device(device, page_block("python ten-lines"), server, seconds);
}

static void start_short_c(struct process *device, const struct endpoint *server, int seconds)
{
    start_c_device(device, page_block("c ten-lines"), "time(NULL) + ", server, seconds);
}

/* Expects a request and a hello, and returns where they come from. */
static struct endpoint expect_hello(int udp)
{
    struct endpoint device;
    char got[64];

    harness_equal("a request", udp_receive(udp, got, sizeof got, &device), 0);
    harness_equal("a hello", udp_receive(udp, got, sizeof got, NULL), 6);
    expect(memcmp(got, "\0UDP\x08\x01", 6) == 0, "expected a hello with the flag 01");
    return device;
}

/* Receives what is neither a request nor a hello. */
static ssize_t receive_confirm(int udp, void *got, size_t capacity, struct endpoint *from)
{
    ssize_t size;

    do
        size = udp_receive(udp, got, capacity, from);
    while (size == 0 || size == 6);
    return size;
}

/* Sends a message with that number and leisure, and expects the confirm of the number. */
static void send_message(int udp, const struct endpoint *device, uint8_t number, uint8_t leisure,
                         const char *text)
{
    uint8_t message[64] = "\0UDP\6\1\2\3\4\5\6\7", confirm[13] = "\0UDP\7\1\2\3\4\5\6\7", got[64];
    struct endpoint from;

    message[12] = confirm[12] = number;
    message[13] = leisure;
    memcpy(message + 14, text, strlen(text));
    udp_send(udp, device, message, 14 + strlen(text));
    harness_equal("bytes", receive_confirm(udp, got, sizeof got, &from), sizeof confirm);
    expect(memcmp(got, confirm, sizeof confirm) == 0, "expected the confirm of message %d", number);
    expect(endpoint_same(device, &from), "expected it from %s", endpoint_text(device));
}

static void test_confirms(start_device *start)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp), device;
    struct process process;

    start(&process, &name, 1);
    device = expect_hello(udp); /* it is lost */
    expect_hello(udp);
    udp_send(udp, &device, "\0UDP\x09\0", 6);
    send_message(udp, &device, 1, 0, "first");
    send_message(udp, &device, 1, 0, "first");
    send_message(udp, &device, 2, 3, "second");
    send_message(udp, &device, 1, 1, "first");
    udp_send(udp, &device, "\0UDP\6\1\2\3", 8); /* too short */
    udp_send(udp, &device, "", 0);
    for (int number = 3; number <= 64; number++)
        send_message(udp, &device, (uint8_t)number, 0, "");
    send_message(udp, &device, 1, 0, "first");
    send_message(udp, &device, 254, 0, "no UTF-8: \xff");
    udp_send_text(udp, &device, "a reply");
    send_message(udp, &device, 255, 0, "last");
    process_await_text(&process, "last\n");
    const char *output = process.texts[0].data;
    expect(strstr(output, "first\nsecond\n\n") == output, "expected the messages");
    expect(strstr(output, "a reply") == NULL, "expected only messages");
    harness_contains("the end", output, "no UTF-8: ");
    expect(strstr(strstr(output, "first") + 1, "first") == NULL, "expected each message once");
    process_kill(&process, SIGKILL);
    process_wait(&process);
}

Test(system_protocol_clients, the_python_device_confirms_each_message_and_prints_it_once)
{
    test_confirms(start_confirming_python);
}

Test(system_protocol_clients, the_c_device_confirms_each_message_and_prints_it_once)
{
    test_confirms(start_confirming_c);
}

static void test_short_device(start_device *start)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp), device;
    struct process process;

    start(&process, &name, 1);
    device = expect_hello(udp); /* it is lost */
    expect_hello(udp);
    udp_send(udp, &device, "\0UDP\x09\0", 6);
    udp_send_text(udp, &device, "a reply");
    udp_send(udp, &device, "\0UDP\6\1\2\3", 8); /* too short */
    send_message(udp, &device, 1, 3, "first");
    send_message(udp, &device, 2, 0, "second");
    process_await_text(&process, "second\n");
    cr_assert_str_eq(process.texts[0].data, "first\nsecond\n");
    process_kill(&process, SIGKILL);
    process_wait(&process);
}

/* Counts the lines of a block, without those of the headers and, in C, of main and its braces. */
static int lines_of(const char *block)
{
    int lines = 0;
    for (const char *line = block; *line != '\0'; line = strchr(line, '\n') + 1)
        lines += strspn(line, " {}\n") < strcspn(line, "\n") && *line != '#' &&
                 strncmp(line, "int main", 8) != 0 && *line != '\n';
    return lines;
}

Test(system_protocol_clients, ten_lines_of_python_confirm_and_print_each_message)
{
    harness_equal("lines", lines_of(page_block("python ten-lines")), 10);
    test_short_device(start_short_python);
}

Test(system_protocol_clients, ten_lines_of_c_confirm_and_print_each_message)
{
    harness_equal("lines", lines_of(page_block("c ten-lines")), 10);
    test_short_device(start_short_c);
}

/* How many datagrams have arrived at ports of this network namespace where nobody listens. */
static int64_t refused_datagrams(void)
{
    FILE *file = fopen("/proc/thread-self/net/snmp", "re");
    unsigned long long refused = 0;
    char line[1024];

    expect(file != NULL, "expected the counters of the kernel");
    while (fgets(line, sizeof line, file) != NULL)
        sscanf(line, "Udp: %*u %llu", &refused);
    fclose(file);
    return (int64_t)refused;
}

static void await_refused_datagram(void)
{
    int64_t before = refused_datagrams(), end = harness_now_ms() + HARNESS_DEADLINE_MS;

    while (refused_datagrams() == before) {
        expect(harness_now_ms() < end, "expected a datagram of the device");
        harness_wait_ms(5);
    }
}

/* Starts a server where the device sends to, and has the device confirm a message. */
static void confirm_with_server(struct process *device, struct server *server, const char *text)
{
    server_start(server, "[reply]\nmode = none\n", "-l", "127.0.0.1:3000", NULL);
    server_await_stat(server, "named", 1);
    ctl_ok(server, "broadcast", "--confirm", text, NULL);
    process_await_text(device, harness_format("%s\n", text));
    harness_equal("confirmed", server_stat(server, "confirmed"), 1);
    server_kill(server);
}

static void test_restart(start_device *start)
{
    static struct server servers[2];
    struct endpoint at = endpoint_of("127.0.0.1:3000");
    struct process device;

    netns_enter(); /* in which no other program uses the port */
    start(&device, &at, 1);
    await_refused_datagram();
    confirm_with_server(&device, &servers[0], "news");
    await_refused_datagram();
    confirm_with_server(&device, &servers[1], "more");
    cr_assert_str_eq(device.texts[0].data, "news\nmore\n");
    process_kill(&device, SIGKILL);
    process_wait(&device);
}

Test(system_protocol_clients, the_python_device_waits_for_its_server_and_survives_a_restart)
{
    test_restart(start_confirming_python);
}

Test(system_protocol_clients, the_c_device_waits_for_its_server_and_survives_a_restart)
{
    test_restart(start_confirming_c);
}

Test(system_protocol_clients, the_short_python_device_waits_for_its_server_and_survives_a_restart)
{
    test_restart(start_short_python);
}

Test(system_protocol_clients, the_short_c_device_waits_for_its_server_and_survives_a_restart)
{
    test_restart(start_short_c);
}
