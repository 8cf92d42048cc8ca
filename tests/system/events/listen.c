/* `udpctl listen`: what registered clients say, over all workers and transports. */

#include "fake_server.h"
#include "frames.h"
#include "harness.h"
#include "subscriber.h"
#include "text/hex.h"
#include "tmux_pane.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_listen, .fini = harness_end, .timeout = 120);

static const char SILENT[] = "[server]\nworkers = %d\n[admission]\npolicy = open\n"
                             "[reply]\nmode = none\n";

static void start(struct server *server, int workers)
{
    *server = (struct server){.listeners = 0};
    server_start(server, harness_format(SILENT, workers), "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", "-l", harness_format("unix:%s", harness_path("chat")), NULL);
}

static const char *name_of(int socket)
{
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(socket, (struct sockaddr *)&name.sockaddr, &name.size);
    return harness_format("%s", endpoint_text(&name));
}

/* ---- what is printed ---- */

/* Starts udpctl with these arguments. It prints nothing until a message comes, so the client's
 * message is repeated until then. */
static void start_listening(struct process *process, struct server *server, int udp,
                            const char *const *more)
{
    const char *argv[16] = {"udpctl", "-s", server->socket, "listen"};
    for (size_t i = 0; more[i] != NULL; i++)
        argv[4 + i] = more[i];
    process_start(process, NULL, argv);
    do
        udp_send_text(udp, &server->at[0], "begin");
    while (!process_pump(process, 20));
    process_await_text(process, "begin");
}

Test(system_listen, prints_a_line_for_people_with_the_payload_escaped)
{
    struct server server;
    struct process process;
    start(&server, 1);
    int udp = udp_open("127.0.0.1"), stream = stream_open(server.others[0]);
    start_listening(&process, &server, udp, (const char *const[]){NULL});
    udp_send_text(udp, &server.at[0], "hi \x1b[2J\xff");
    process_await_text(&process, harness_format("Z %s hi \\x1b[2J\\xff\n", name_of(udp)));
    stream_write_text(stream, "a line\n");
    process_await_text(&process, harness_format("Z tcp:%s a line\n", name_of(stream)));
    process_kill(&process, SIGTERM);
    harness_equal("status", process_wait(&process), 128 + SIGTERM);
    server_stop(&server);
}

Test(system_listen, prints_objects_of_text_and_of_bytes)
{
    struct server server;
    struct process process;
    start(&server, 1);
    int udp = udp_open("127.0.0.1"), local = stream_open(server.others[1]);
    start_listening(&process, &server, udp, (const char *const[]){"--json", NULL});
    udp_send_text(udp, &server.at[0], "\"\xc3\xbc\"");
    process_await_text(&process, harness_format("\"address\":\"%s\",\"listener\":\"%s\",\"size\":4,"
                                                "\"text\":\"\\\"\xc3\xbc\\\"\"}\n",
                                                name_of(udp), endpoint_text(&server.at[0])));
    udp_send(udp, &server.at[0], "\xff\x00", 2);
    process_await_text(&process, "\"size\":2,\"hex\":\"ff00\"}\n");
    udp_send(udp, &server.at[0], "", 0);
    process_await_text(&process, "\"size\":0,\"text\":\"\"}\n");
    stream_write_text(local, "local\n");
    process_await_text(&process,
                       harness_format("\"address\":\"unix:#1\",\"listener\":\"%s\",\"size\":5,"
                                      "\"text\":\"local\"}\n",
                                      server.others[1]));
    process_kill(&process, SIGTERM);
    process_wait(&process);
    server_stop(&server);
}

Test(system_listen, ends_after_count_messages_even_if_more_come_together)
{
    struct server server;
    struct process process;
    start(&server, 1);
    int udp = udp_open("127.0.0.1");
    const char *const argv[] = {"udpctl", "-s", server.socket, "listen", "--count=3", NULL};
    process_start(&process, NULL, argv);
    while (process.pidfd >= 0 && (process.streams[0] >= 0 || process.streams[1] >= 0)) {
        for (int i = 0; i < 10; i++)
            udp_send_text(udp, &server.at[0], "hi");
        process_pump(&process, 20);
    }
    harness_equal("status", process_wait(&process), 0);
    harness_equal("lines", (int64_t)text_count(process.texts[0].data, "\n"), 3);
    server_stop(&server);
}

Test(system_listen, prints_the_longest_message)
{
    enum { LONGEST = 65507 };
    struct server server = {0};
    struct process process;
    static uint8_t bytes[LONGEST];
    server_start(&server,
                 "[server]\nmax-datagram = 65507\n[admission]\npolicy = open\n[reply]\n"
                 "mode = none\n",
                 "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    memset(bytes, 'x', sizeof bytes);
    start_listening(&process, &server, udp, (const char *const[]){"--json", NULL});
    udp_send(udp, &server.at[0], bytes, sizeof bytes);
    process_await_text(&process, "\"size\":65507,\"text\":\"xxx");
    process_await_text(&process, "xxx\"}\n");
    process_kill(&process, SIGTERM);
    process_wait(&process);
    server_stop(&server);
}

Test(system_listen, ends_with_an_error_when_its_output_cannot_be_written_or_the_server_ends)
{
    struct server server;
    struct process process;
    start(&server, 1);
    int udp = udp_open("127.0.0.1");
    const char *command =
        harness_format("exec %s -s %s listen >/dev/full", program_path("udpctl"), server.socket);
    process_start(&process, NULL, (const char *const[]){"sh", "-c", command, NULL});
    while (process.streams[1] >= 0) {
        udp_send_text(udp, &server.at[0], "hi");
        process_pump(&process, 20);
    }
    harness_equal("status", process_wait(&process), 1);
    harness_contains("the error", process.texts[1].data, "No space left on device");
    start_listening(&process, &server, udp, (const char *const[]){NULL});
    server_stop(&server);
    harness_equal("status", process_wait(&process), 1);
    harness_contains("the error", process.texts[1].data, "the server closed the connection");
}

Test(system_listen, waits_for_the_server_to_begin_as_long_as_the_timeout_and_then_without_limit)
{
    struct server server;
    struct process process;
    int silent = fake_server_listen(harness_path("silent"));
    struct result result =
        run(NULL, "udpctl", "-s", harness_path("silent"), "-t", "50ms", "listen", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the error", result.err, "it does not answer; set a longer timeout with -t");
    close(silent);
    start(&server, 1);
    int udp = udp_open("127.0.0.1");
    start_listening(&process, &server, udp, (const char *const[]){"-t", "1s", NULL});
    harness_wait_ms(1100); /* longer than the timeout */
    udp_send_text(udp, &server.at[0], "much later");
    process_await_text(&process, "much later");
    process_kill(&process, SIGTERM);
    process_wait(&process);
    server_stop(&server);
}

Test(system_listen, ends_by_ctrl_c_and_returns_to_the_prompt)
{
    struct server server;
    struct pane pane;
    pane_need_tmux();
    start(&server, 1);
    int udp = udp_open("127.0.0.1");
    pane_open(&pane, 90, 24,
              harness_format("XDG_STATE_HOME=%s %s -s %s", harness_path("state"),
                             program_path("udpctl"), server.socket));
    pane_await(&pane, "udpctl>");
    pane_type(&pane, "listen");
    pane_press(&pane, "Enter");
    do /* until the server publishes to it */
        udp_send_text(udp, &server.at[0], "shown");
    while (strstr(pane_text(&pane), " shown") == NULL);
    pane_press(&pane, "C-c");
    pane_await(&pane, "\nudpctl>");
    pane_type(&pane, "status");
    pane_press(&pane, "Enter");
    pane_await(&pane, "clients   1");
    pane_type(&pane, "quit");
    pane_press(&pane, "Enter");
    pane_expect_end(&pane, 0);
    pane_close(&pane);
    server_stop(&server);
}

/* ---- whose messages are delivered ---- */

Test(system_listen, has_the_message_that_registers_a_client_and_none_of_a_source_that_is_not)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server, harness_format(SILENT, 1), "-l", "127.0.0.1:0", NULL);
    server_configure(&server, "[admission]\npolicy = open\ndeny = 127.0.0.9\nper-prefix = 1\n"
                              "[reply]\nmode = none\n");
    ctl_ok(&server, "reload", NULL);
    subscriber_open(&subscriber, &server, "listen");
    int denied = udp_open("127.0.0.9"), first = udp_open("127.0.0.1"), full = udp_open("127.0.0.1");
    udp_send_text(denied, &server.at[0], "denied");
    server_await_stat(&server, "drop_denied", 1);
    udp_send_text(first, &server.at[0], "registers");
    server_await_clients(&server, 1);
    udp_send_text(full, &server.at[0], "refused");
    server_await_stat(&server, "refused_prefix", 1);
    udp_send_text(first, &server.at[0], "again");
    subscriber_expect(&subscriber, name_of(first), " 726567697374657273 ", NULL);
    subscriber_expect(&subscriber, name_of(first), " 616761696e ", NULL);
    expect(!subscriber_has_input(&subscriber), "expected no other message");
    server_stop(&server);
}

Test(system_listen, has_the_request_in_the_answer_to_a_challenge_and_not_the_challenged_one)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server, "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n", "-l",
                 "127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "listen");
    int udp = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE];
    frame_request_challenge(udp, &server.at[0], cookie);
    frame_send(udp, &server.at[0], 2, cookie, "proven");
    udp_expect(udp, &server.at[0], "yes");
    subscriber_expect(&subscriber, " 70726f76656e ", NULL);
    frame_send(udp, &server.at[0], 3, cookie, "");
    server_await_stat(&server, "left", 1);
    expect(!subscriber_has_input(&subscriber), "expected no message of a leave");
    server_stop(&server);
}

/* ---- order ---- */

enum { UDP_CLIENTS = 40, TCP_CLIENTS = 5, UNIX_CLIENTS = 5, TURNS = 50 };
enum { CLIENTS = UDP_CLIENTS + TCP_CLIENTS + UNIX_CLIENTS };

/* A message says who sends it and which one it is: "ID:NUMBER". */
static void send_numbered(const struct server *server, int fd, int id, int turn)
{
    const char *text = harness_format("%d:%d", id, turn);
    if (id < UDP_CLIENTS)
        udp_send_text(fd, &server->at[0], text);
    else
        stream_write_text(fd, harness_format("%s\n", text));
}

/* Expects the messages of each client once and in their order, for clients from first to end. */
static void expect_order(struct subscriber *subscriber, int first, int end)
{
    int next[CLIENTS] = {0};
    for (int left = (end - first) * TURNS; left > 0; left--) {
        char text[32] = "";
        const char *digits = subscriber_expect(subscriber, "message ", NULL);
        for (int i = 0; i < 3; i++)
            digits = strchr(digits, ' ') + 1;
        size_t length = strcspn(digits, " ");
        expect(length < 2 * sizeof text && hex_decode((uint8_t *)text, digits, length),
               "expected a short payload in hex, not '%s'", digits);
        int id = atoi(text), turn = atoi(strchr(text, ':') + 1);
        expect(id >= first && id < end, "expected no message of client %d", id);
        harness_equal(harness_format("the message of client %d", id), turn, next[id]++);
    }
    expect(!subscriber_has_input(subscriber), "expected no other message");
}

static void keep_the_order(int workers)
{
    struct server server;
    struct subscriber subscribers[6];
    int fds[CLIENTS];
    start(&server, workers);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = i < UDP_CLIENTS ? udp_open(i % 2 == 0 ? "127.0.0.2" : "127.0.0.3")
                                 : stream_open(server.others[i >= UDP_CLIENTS + TCP_CLIENTS]);
    server_await_clients(&server, CLIENTS - UDP_CLIENTS);
    subscriber_open(&subscribers[0], &server, "listen");
    subscriber_open(&subscribers[1], &server, "listen");
    subscriber_open(&subscribers[2], &server,
                    harness_format("listen listener=%s", endpoint_text(&server.at[0])));
    subscriber_open(&subscribers[3], &server,
                    harness_format("listen listener=%s", server.others[0]));
    subscriber_open(&subscribers[4], &server, "listen to=127.0.0.2 to=127.0.0.3/32 idle-max=1h");
    subscriber_open(&subscribers[5], &server, "listen to=192.0.2.0/24");
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < CLIENTS; i++)
            send_numbered(&server, fds[i], i, turn);
        server_await_stat(&server, "received", (turn + 1) * UDP_CLIENTS);
    }
    expect_order(&subscribers[0], 0, CLIENTS);
    expect_order(&subscribers[1], 0, CLIENTS);
    expect_order(&subscribers[2], 0, UDP_CLIENTS);
    expect_order(&subscribers[3], UDP_CLIENTS, UDP_CLIENTS + TCP_CLIENTS);
    expect_order(&subscribers[4], 0, UDP_CLIENTS);
    expect_order(&subscribers[5], 0, 0);
    harness_equal("listen_messages", server_stat(&server, "listen_messages"), CLIENTS * TURNS);
    harness_equal("listen_lost", server_stat(&server, "listen_lost"), 0);
    server_stop(&server);
}

Test(system_listen, has_each_message_once_in_the_order_of_its_client_of_one_worker)
{
    keep_the_order(1);
}

Test(system_listen, has_each_message_once_in_the_order_of_its_client_of_four_workers)
{
    keep_the_order(4);
}

/* ---- invalid commands ---- */

Test(system_listen, refuses_invalid_arguments)
{
    static const char *const commands[][2] = {
        {"listen now", "cannot listen: too many arguments; "},
        {"listen to=nonsense", "cannot listen: "},
        {"listen listener=192.0.2.1:9", "no such listener"},
        {"events kinds=joind", "'joind' is no kind of event (did you mean 'joined'?)"},
        {"events kinds=message", "'message' is no kind of event"},
        {"events kinds=", "no kind is given"},
        {"events kinds=,", "no kind is given"},
        {"events joined", "cannot show events: too many arguments; "},
        {"events to=1.2.3.4 kinds=left", "cannot show events: "},
    };
    struct server server;
    start(&server, 1);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int control = control_client_open(&server);
        const char *line = harness_format("%s\n", commands[i][0]);
        operator_send(control, line, strlen(line));
        const char *answer = operator_answer(control);
        harness_contains(commands[i][0], answer, "error cannot ");
        harness_contains(commands[i][0], answer, commands[i][1]);
        close(control);
    }
    struct result result = ctl(&server, "events", "joined", "lfet", NULL);
    harness_equal("status", result.status, 2);
    harness_contains("the error", result.err,
                     "unknown kind of event 'lfet' (did you mean 'left'?)");
    server_stop(&server);
}
