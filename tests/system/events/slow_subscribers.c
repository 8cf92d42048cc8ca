/* Subscribers that do not read, leave, or are too many: memory is bounded, losses are exact, and
 * others notice nothing. */

#include "harness.h"
#include "subscriber.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_slow_subscribers, .fini = harness_end, .timeout = 120);

static void start(struct server *server, int workers)
{
    *server = (struct server){.listeners = 0};
    server_start(server,
                 harness_format("[server]\nworkers = %d\n[admission]\npolicy = open\n[reply]\n"
                                "mode = none\n",
                                workers),
                 "-l", "127.0.0.1:0", NULL);
}

/* Sends count messages of 500 bytes, and waits until the server has received them. */
static void flood(struct server *server, int udp, int64_t count)
{
    static char text[501];
    int64_t received = server_stat(server, "received");
    memset(text, 'x', sizeof text - 1);
    for (int64_t i = 1; i <= count; i++) {
        udp_send_text(udp, &server->at[0], text);
        if (i % 100 == 0 || i == count)
            server_await_stat(server, "received", received + i);
    }
}

/* Their lines have 1 KiB each: several times what the server keeps for a subscriber. */
enum { FLOOD = 5000 };

static void count_the_lost(int workers)
{
    struct server server;
    struct subscriber slow, fast;
    start(&server, workers);
    int udp = udp_open("127.0.0.1");
    flood(&server, udp, 1);
    subscriber_open(&slow, &server, "listen");
    subscriber_open(&fast, &server, "listen");
    int64_t before_kb = server_resident_kb(&server);
    for (int64_t done = 0; done < FLOOD; done += 500) {
        flood(&server, udp, 500);
        subscriber_read_until(&fast, done + 500);
    }
    int64_t lost = server_stat(&server, "listen_lost");
    expect(lost > 0, "expected that the slow subscriber loses messages");
    if (!harness_sanitized())
        expect(server_resident_kb(&server) - before_kb < 8 << 10,
               "expected that a subscriber takes at most 2 MiB, and the queue 4 MiB: %lld kB",
               (long long)(server_resident_kb(&server) - before_kb));
    subscriber_read_until(&slow, FLOOD);
    harness_equal("lost", slow.lost, lost);
    harness_equal("lost by the other", fast.lost, 0);
    flood(&server, udp, 10);
    subscriber_read_until(&slow, FLOOD + 10);
    harness_equal("lost, once it reads", slow.lost, lost);
    harness_equal("listen_lost", server_stat(&server, "listen_lost"), lost);
    server_stop(&server);
}

Test(system_slow_subscribers, lose_the_newest_and_get_the_count_of_losses_of_one_worker)
{
    count_the_lost(1);
}

Test(system_slow_subscribers, lose_the_newest_and_get_the_count_of_losses_of_four_workers)
{
    count_the_lost(4);
}

static int64_t sum_of(const char *text, const char *name)
{
    int64_t sum = 0;
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += strlen(name))
        sum += text_integer(at, "lost");
    return sum;
}

Test(system_slow_subscribers, get_from_udpctl_what_was_delivered_and_lost_after_it_was_stopped)
{
    struct server server;
    struct process process;
    start(&server, 1);
    int udp = udp_open("127.0.0.1");
    const char *const argv[] = {"udpctl", "-s", server.socket, "--json", "listen", NULL};
    process_start(&process, NULL, argv);
    do
        udp_send_text(udp, &server.at[0], "begin");
    while (!process_pump(&process, 20));
    process_kill(&process, SIGSTOP);
    flood(&server, udp, FLOOD);
    int64_t lost = server_stat(&server, "listen_lost");
    expect(lost > 0, "expected that the stopped program loses messages");
    process_kill(&process, SIGCONT);
    while (sum_of(process.texts[0].data, "{\"lost\":") < lost ||
           (int64_t)text_count(process.texts[0].data, "\"size\":500,") < FLOOD - lost)
        expect(process_pump(&process, HARNESS_DEADLINE_MS), "expected the rest of the messages");
    harness_equal("lost", sum_of(process.texts[0].data, "{\"lost\":"), lost);
    harness_equal("delivered", (int64_t)text_count(process.texts[0].data, "\"size\":500,"),
                  FLOOD - lost);
    process_kill(&process, SIGTERM);
    process_wait(&process);
    server_stop(&server);
}

Test(system_slow_subscribers, may_leave_in_the_middle_of_a_line)
{
    struct server server;
    struct subscriber leaves, stays;
    char some[777];
    start(&server, 4);
    int udp = udp_open("127.0.0.1");
    flood(&server, udp, 1);
    subscriber_open(&stays, &server, "listen");
    for (int turn = 0; turn < 60; turn++) {
        subscriber_open(&leaves, &server, "listen");
        flood(&server, udp, turn % 20 == 0 ? 600 : 20);
        expect(recv(leaves.control, some, sizeof some, 0) == sizeof some, "expected bytes");
        subscriber_close(&leaves);
        subscriber_read_until(&stays, stays.delivered + (turn % 20 == 0 ? 600 : 20));
    }
    harness_equal("lost by the other", stays.lost, 0);
    server_stop(&server);
}

Test(system_slow_subscribers, leave_sessions_for_other_commands_when_they_are_too_many)
{
    enum { SESSIONS = 64, SUBSCRIBERS = 48 };
    struct server server;
    struct subscriber subscribers[SUBSCRIBERS];
    start(&server, 4);
    int files = server_files(&server);
    for (int i = 0; i < SUBSCRIBERS; i++)
        subscriber_open(&subscribers[i], &server, i % 2 == 0 ? "listen" : "events");
    for (int i = SUBSCRIBERS; i < SESSIONS; i++) {
        int control = control_client_open(&server);
        operator_send(control, "listen\n", 7);
        harness_contains("the answer", operator_answer(control),
                         "error cannot listen: too many sessions wait or subscribe; ");
        close(control);
    }
    harness_contains("status", server_ask(&server, "status"), "clients 0\n");
    int udp = udp_open("127.0.0.1");
    flood(&server, udp, 1);
    for (int i = 0; i < SUBSCRIBERS; i++)
        subscriber_expect(&subscribers[i], i % 2 == 0 ? "message " : " joined ", NULL);
    for (int i = 0; i < SUBSCRIBERS; i++)
        subscriber_close(&subscribers[i]);
    server_await_files(&server, files + 1); /* the session of server_ask stays */
    server_stop(&server);
}

Test(system_slow_subscribers, do_not_delay_a_stop)
{
    struct server server;
    struct subscriber subscribers[10];
    start(&server, 4);
    int udp = udp_open("127.0.0.1");
    flood(&server, udp, 1);
    for (int i = 0; i < 10; i++)
        subscriber_open(&subscribers[i], &server, "listen");
    flood(&server, udp, FLOOD);
    server_stop(&server);
    for (int i = 0; i < 10; i++)
        operator_expect_end(subscribers[i].control);
}
