/* A line that is slower than its sender for a while, as any is: what waits for it is sent in the
 * end, also while a flood from dead addresses goes on. */

#include "clock.h"
#include "flooder.h"
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(brief_back_pressure, .fini = harness_end, .timeout = 60);

enum { CLIENTS = 400, BYTES = 1400, ROUNDS = 2 };

struct line {
    struct rig rig;
    struct flooder flooder;
    struct joiners clients;
    char text[BYTES + 1];
};

/* A server behind a line of 20 Mbit/s, CLIENTS who have joined, and a flood that lasts. queue is
 * the room before the line, which drops in silence what is more. */
static void start_line(struct line *line, const char *queue)
{
    struct rig *rig = &line->rig;

    rig_build(rig, false);
    netns_shell(
        harness_format("tc qdisc add dev near root tbf rate 20mbit burst 10k limit %s", queue));
    rig_serve(rig, true, "[admission]\npolicy = cookie\n");
    line->clients = (struct joiners){.all = calloc(CLIENTS, sizeof(struct joiner)),
                                     .count = CLIENTS,
                                     .to = rig->at,
                                     .limit_ns = 15 * NS_PER_S};
    for (int i = 0; i < CLIENTS; i++)
        line->clients.all[i] =
            (struct joiner){.udp = rig_open_there(rig, "10.77.0.9"), .start_ns = clock_now_ns()};
    joiners_run(&line->clients);
    harness_equal("clients that joined", (int64_t)joiners_joined(&line->clients), CLIENTS);
    memset(line->text, 'x', BYTES);
    line->flooder = (struct flooder){.to = rig->at,
                                     .first = endpoint_with_port("10.77.16.1", 5000),
                                     .sources = 1000,
                                     .rate_pps = 1000,
                                     .count = 2000,
                                     .text = "hi",
                                     .text_bytes = 2};
    flooder_start(&line->flooder, &rig->link);
    server_await_stat(&rig->server, "received", 2 * CLIENTS + 500);
}

static void expect_each_gets_it(const struct line *line)
{
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(line->clients.all[i].udp, &line->rig.at, line->text);
}

static void end_line(struct line *line)
{
    struct server *server = &line->rig.server;

    flooder_wait(&line->flooder);
    for (int i = 0; i < CLIENTS; i++)
        udp_expect_nothing(line->clients.all[i].udp, "each has got all");
    harness_equal("reply_failed", server_stat(server, "reply_failed"), 0);
    harness_equal("copies_failed", server_stat(server, "copies_failed"), 0);
    harness_equal("kernel_drops", server_stat(server, "kernel_drops"), 0);
    joiners_close(&line->clients);
    free(line->clients.all);
    rig_end(&line->rig);
}

Test(brief_back_pressure, costs_no_live_client_a_reply_in_a_flood)
{
    struct line line = {0};

    start_line(&line, "10m");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            udp_say(line.clients.all[i].udp, &line.rig.at, line.text);
        expect_each_gets_it(&line);
    }
    harness_equal("replied", server_stat(&line.rig.server, "replied"), (1 + ROUNDS) * CLIENTS);
    end_line(&line);
}

Test(brief_back_pressure, keeps_copies_from_overrunning_the_queue_of_the_link)
{
    struct line line = {0};

    /* A send buffer of 128k holds some 113 of these copies, 165 kB on the line. */
    start_line(&line, "300k");
    ctl_ok(&line.rig.server, "broadcast", line.text, NULL);
    expect_each_gets_it(&line);
    end_line(&line);
}
