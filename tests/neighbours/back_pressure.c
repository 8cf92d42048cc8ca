/* A link that is temporarily slower than the server: replies and broadcast copies that wait for it
 * are sent eventually, even during a flood from dead addresses. */

#include "clock.h"
#include "flooder.h"
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(brief_back_pressure, .fini = harness_end, .timeout = 60);

enum { CLIENTS = 400, BYTES = 1400, ROUNDS = 2 };

struct slow_link {
    struct rig rig;
    struct flooder flooder;
    struct joiners clients;
    char text[BYTES + 1];
};

/* Starts a server on a link of 20 Mbit/s, lets CLIENTS clients join, and starts a flood of two
 * seconds. queue is the size of the link's queue, which silently drops packets when it is full. */
static void start_slow_link(struct slow_link *slow_link, const char *queue)
{
    struct rig *rig = &slow_link->rig;

    rig_build(rig, false);
    netns_shell(
        harness_format("tc qdisc add dev near root tbf rate 20mbit burst 10k limit %s", queue));
    rig_serve(rig, true, "[admission]\npolicy = cookie\n");
    slow_link->clients = (struct joiners){.all = calloc(CLIENTS, sizeof(struct joiner)),
                                          .count = CLIENTS,
                                          .to = rig->at,
                                          .limit_ns = 15 * NS_PER_S};
    for (int i = 0; i < CLIENTS; i++)
        slow_link->clients.all[i] =
            (struct joiner){.udp = rig_open_there(rig, "10.77.0.9"), .start_ns = clock_now_ns()};
    joiners_run(&slow_link->clients);
    harness_equal("clients that joined", (int64_t)joiners_joined(&slow_link->clients), CLIENTS);
    memset(slow_link->text, 'x', BYTES);
    slow_link->flooder = (struct flooder){.to = rig->at,
                                          .first = endpoint_with_port("10.77.16.1", 5000),
                                          .sources = 1000,
                                          .rate_pps = 1000,
                                          .count = 2000,
                                          .text = "hi",
                                          .text_bytes = 2};
    flooder_start(&slow_link->flooder, &rig->link);
    server_await_stat(&rig->server, "received", 2 * CLIENTS + 500);
}

static void expect_text_at_each_client(const struct slow_link *slow_link)
{
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(slow_link->clients.all[i].udp, &slow_link->rig.at, slow_link->text);
}

static void end_slow_link(struct slow_link *slow_link)
{
    struct server *server = &slow_link->rig.server;

    flooder_wait(&slow_link->flooder);
    for (int i = 0; i < CLIENTS; i++)
        udp_expect_nothing(slow_link->clients.all[i].udp, "more than the expected datagrams");
    harness_equal("reply_failed", server_stat(server, "reply_failed"), 0);
    harness_equal("copies_failed", server_stat(server, "copies_failed"), 0);
    harness_equal("kernel_drops", server_stat(server, "kernel_drops"), 0);
    joiners_close(&slow_link->clients);
    free(slow_link->clients.all);
    rig_end(&slow_link->rig);
}

Test(brief_back_pressure, each_client_gets_its_replies_during_a_flood)
{
    struct slow_link slow_link = {0};

    start_slow_link(&slow_link, "10m");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            udp_send_text(slow_link.clients.all[i].udp, &slow_link.rig.at, slow_link.text);
        expect_text_at_each_client(&slow_link);
    }
    harness_equal("replied", server_stat(&slow_link.rig.server, "replied"), (1 + ROUNDS) * CLIENTS);
    end_slow_link(&slow_link);
}

Test(brief_back_pressure, copies_do_not_overflow_the_queue_of_the_link)
{
    struct slow_link slow_link = {0};

    /* A send buffer of 128k holds about 113 of these copies, 165 kB on the link. */
    start_slow_link(&slow_link, "300k");
    ctl_ok(&slow_link.rig.server, "broadcast", slow_link.text, NULL);
    expect_text_at_each_client(&slow_link);
    end_slow_link(&slow_link);
}
