/* `udpctl bridge --publish`: what clients send, and events, are appended to a stream of a stand-in
 * for Redis. */
#include "bridge_program.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_bridge_append, .fini = harness_end, .timeout = 120);

static struct server server;
static struct redis redis;
static struct bridge bridge;
static int appender, reader, udp;

/* Of the bridge's two connections the reader's is the one whose first command is MULTI. It waits
 * for the server first, so both are introduced by then. */
static void accept_both(void)
{
    int first = redis_accept(&redis), second = redis_accept(&redis);
    struct pollfd wait[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    expect(poll(wait, 2, HARNESS_DEADLINE_MS) > 0, "expected a command");
    bool is_first = wait[0].revents != 0;
    reader = is_first ? first : second;
    appender = is_first ? second : first;
    redis_expect(reader, "MULTI");
}

/* Expects the next XADD without its time, and answers it. */
static void expect_append(const char *fields)
{
    const char *command = redis_command(appender), *rest;
    while (command != NULL && strcmp(command, "PING") == 0) {
        redis_answer(appender, "+PONG\r\n");
        command = redis_command(appender);
    }
    const char *head = "XADD inbox MAXLEN ~ 500 * node here time ";
    expect(command != NULL && strncmp(command, head, strlen(head)) == 0 &&
               (rest = strchr(command + strlen(head), ' ')) != NULL &&
               strcmp(rest + 1, fields) == 0,
           "expected '%s', got '%s'", fields, command != NULL ? command : "the end");
}

static void begin(const char *events)
{
    bridge_start_server(&server);
    redis_open(&redis, NULL);
    /* A test may be slow to accept a connection: the bridge does not give it up. */
    bridge_start(&bridge, &server, &redis, "-t", "60s", "--publish", "inbox", "--node", "here",
                 "--max-entries", "500", events, NULL);
    accept_both();
    udp = udp_open("127.0.0.1");
}

static void finish(const char *counts)
{
    bridge_stop(&bridge, counts);
    close(appender);
    close(reader);
    server_stop(&server);
}

static void send_message(const char *text)
{
    udp_send_text(udp, &server.at[0], text);
}

static const char *message_fields(const char *text)
{
    struct endpoint name = udp_name(udp);
    const char *from = harness_format("%s", endpoint_text(&name));
    return harness_format("address %s listener %s payload %s", from, endpoint_text(&server.at[0]),
                          text);
}

Test(system_bridge_append, what_clients_send_is_appended_with_the_name_of_the_node)
{
    begin(NULL);
    for (int i = 0; i < 3; i++) {
        const char *text = harness_format("m %d", i);
        send_message(text);
        expect_append(message_fields(text));
        redis_answer(appender, "$3\r\n1-0\r\n");
    }
    finish("appended=3 lost=0");
}

Test(system_bridge_append, events_are_appended_on_request)
{
    begin("--events");
    struct endpoint name = udp_name(udp);
    const char *from = harness_format("%s", endpoint_text(&name));
    send_message("hi");
    expect_append(
        harness_format("event joined address %s listener %s", from, endpoint_text(&server.at[0])));
    expect_append(message_fields("hi"));
    redis_answer(appender, "$3\r\n1-0\r\n$3\r\n1-1\r\n");
    finish("appended=2 lost=0");
}

Test(system_bridge_append, what_has_no_answer_is_sent_again_over_the_next_connection)
{
    begin(NULL);
    send_message("one");
    send_message("two");
    expect_append(message_fields("one"));
    redis_answer(appender, "$3\r\n1-0\r\n");
    expect_append(message_fields("two"));
    close(appender);
    bridge_expect(&bridge, "appending to the stream inbox at redis://");
    send_message("three");
    appender = redis_accept(&redis);
    expect_append(message_fields("two"));
    expect_append(message_fields("three"));
    redis_answer(appender, "$3\r\n2-0\r\n$3\r\n3-0\r\n");
    finish("appended=3 lost=0");
}

Test(system_bridge_append, a_full_redis_is_tried_again)
{
    begin(NULL);
    send_message("one");
    expect_append(message_fields("one"));
    redis_answer(appender, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    bridge_expect(&bridge,
                  "Redis answers 'OOM command not allowed when used memory > 'maxmemory'.'");
    close(appender);
    appender = redis_accept(&redis);
    expect_append(message_fields("one"));
    redis_answer(appender, "$3\r\n1-0\r\n");
    finish("appended=1 lost=0");
}

Test(system_bridge_append, counts_what_is_lost_while_redis_is_away_and_appends_the_number)
{
    enum { BYTES = 60000, MESSAGES = 200 }; /* 12 MB for a queue of 8 MiB */
    static char text[BYTES + 1];
    begin(NULL);
    memset(text, 'x', BYTES);
    close(appender);
    for (int64_t i = 1; i <= MESSAGES; i++) {
        send_message(text);
        server_await_stat(&server, "listen_messages", i);
    }
    bridge_expect(&bridge,
                  "messages and events are lost, since Redis or this bridge is too slow; ");
    appender = redis_accept(&redis);
    int64_t lost = 0, appended = 0;
    while (appended + lost < MESSAGES) {
        const char *command = redis_command(appender), *number;
        expect(command != NULL, "expected a command");
        redis_answer(appender, "$3\r\n1-0\r\n");
        if ((number = strstr(command, " lost ")) != NULL)
            lost += strtol(number + strlen(" lost "), NULL, 10);
        else
            appended++;
    }
    harness_equal("messages", appended + lost, MESSAGES);
    expect(lost > 0, "expected that 12 MB do not fit into 8 MiB");
    bridge_expect(&bridge, " messages and events were lost; further ones are appended again");
    finish(harness_format("lost=%d", (int)lost));
}
