/* A broadcast to clients of which many were unplugged: their copies wait for ARP or ND answers that
 * never come, and cost those who are there neither their copies nor their replies. */

#include "clock.h"
#include "rig.h"

#include <criterion/parameterized.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(brief_vanished, .fini = harness_end, .timeout = 60);
TestSuite(long_vanished, .fini = harness_end, .timeout = 60);

enum {
    CLIENTS = 1600,
    VANISHED = 600, /* each has an address of its own */
    LIVING = CLIENTS - VANISHED,
    LIVING_ADDRESSES = 100,
    COPY_LIMIT_MS = 1000,
    WATCHED_MS = 3000, /* as long as a dead neighbour's copies wait */
};

struct broadcast {
    bool six, wildcard;
    int workers;
};

/* Three of eight, so that copies to both kinds take turns. */
static bool vanishes(int client)
{
    return client % 8 == 1 || client % 8 == 3 || client % 8 == 6;
}

/* Adds or deletes addresses 1 to count of a network at the neighbour. */
static void change_addresses(const struct rig *rig, const char *change, const char *network,
                             int count)
{
    rig_shell_there(rig, harness_format("for i in $(seq %d); do echo addr %s %s$i/%d dev far %s; "
                                        "done | ip -batch -",
                                        count, change, network, rig->six ? 128 : 32,
                                        rig->six && change[0] == 'a' ? "nodad" : ""));
}

/* In the text of an IPv6 address, a decimal number up to 600 is a group; IPv4 needs two bytes. */
static void change_vanished(const struct rig *rig, const char *change)
{
    if (rig->six) {
        change_addresses(rig, change, "fd77::4:", VANISHED);
        return;
    }
    for (int i = 0; i < VANISHED / 200; i++)
        change_addresses(rig, change, harness_format("10.77.%d.", 4 + i), 200);
}

static void open_sockets(const struct rig *rig, int *living, int *vanished)
{
    int livings = 0, vanisheds = 0;

    change_addresses(rig, "add", rig->six ? "fd77::2:" : "10.77.2.", LIVING_ADDRESSES);
    change_vanished(rig, "add");
    for (int i = 0; i < CLIENTS; i++) {
        if (vanishes(i)) {
            int n = vanisheds;
            vanished[vanisheds++] = rig_open_there(
                rig, rig->six ? harness_format("fd77::4:%d", 1 + n)
                              : harness_format("10.77.%d.%d", 4 + n / 200, 1 + n % 200));
        } else {
            living[livings] =
                rig_open_there(rig, harness_format(rig->six ? "fd77::2:%d" : "10.77.2.%d",
                                                   1 + livings % LIVING_ADDRESSES));
            livings++;
        }
    }
}

/* All join; the server then has both kinds in turn. */
static void join_all(const struct rig *rig, const int *living, const int *vanished)
{
    static struct joiner all[CLIENTS];
    struct joiners joiners = {
        .all = all, .count = CLIENTS, .to = rig->at, .limit_ns = 15 * NS_PER_S};

    for (int i = 0; i < CLIENTS; i++)
        all[i] = (struct joiner){.udp = vanishes(i) ? *vanished++ : *living++,
                                 .start_ns = clock_now_ns()};
    joiners_run(&joiners);
    harness_equal("clients that joined", (int64_t)joiners_joined(&joiners), CLIENTS);
}

/* Broadcasts; returns how long it took until the copies of the living had come. */
static int64_t broadcast_ns(struct rig *rig, unsigned copies)
{
    int64_t start_ns = clock_now_ns(), deadline_ms = harness_now_ms() + HARNESS_DEADLINE_MS;

    server_ask(&rig->server, "broadcast nowait 6e657773");
    while (atomic_load(&rig->prober.copy_sum) < copies && harness_now_ms() < deadline_ms)
        harness_tick(2);
    harness_equal("copies that came", atomic_load(&rig->prober.copy_sum), copies);
    return atomic_load(&rig->prober.copied_ns) - start_ns;
}

static void expect_counted(struct rig *rig)
{
    server_await_stat(&rig->server, "broadcasts", 2);
    harness_equal("copies that the kernel took or refused",
                  server_stat(&rig->server, "copies_sent") +
                      server_stat(&rig->server, "copies_failed"),
                  2 * CLIENTS);
    harness_equal("kernel_drops", server_stat(&rig->server, "kernel_drops"), 0);
    for (int i = 0; i < LIVING; i++)
        harness_equal("copies for one client", rig->prober.copies[i], 2);
}

static void vanish(const struct rig *rig, const int *vanished)
{
    change_vanished(rig, "del");
    netns_shell(rig->six ? "ip -6 neigh flush dev near to fd77::4:0/112"
                         : "ip neigh flush dev near to 10.77.4.0/22");
    for (int i = 0; i < VANISHED; i++)
        close(vanished[i]);
}

static void reach_the_living(const struct broadcast *broadcast)
{
    static int living[LIVING], vanished[VANISHED];
    struct rig rig = {0};
    int64_t all_ns, start_ns, living_ns;

    if (!harness_allow_files(2 * CLIENTS))
        cr_skip_test("this host allows too few open files");
    rig_build(&rig, broadcast->six);
    rig_serve(
        &rig, broadcast->wildcard,
        harness_format("[admission]\npolicy = open\n[server]\nworkers = %d\n", broadcast->workers));
    open_sockets(&rig, living, vanished);
    join_all(&rig, living, vanished);
    rig_probe_from(&rig, living, LIVING);
    all_ns = broadcast_ns(&rig, LIVING);
    server_await_stat(&rig.server, "broadcasts", 1);
    vanish(&rig, vanished);
    start_ns = clock_now_ns();
    living_ns = broadcast_ns(&rig, 2 * LIVING);
    clock_wait_until_ns(start_ns + WATCHED_MS * NS_PER_MS);
    rig_stop_probing(&rig);

    fprintf(stderr,
            "broadcast, IPv%d, %s, workers = %d: all had their copy after %.1f ms; with %d "
            "vanished, the living after %.1f ms\n",
            broadcast->six ? 6 : 4, broadcast->wildcard ? "wildcard" : "bound", broadcast->workers,
            (double)all_ns / NS_PER_MS, VANISHED, (double)living_ns / NS_PER_MS);
    rig_report(&rig, "  requests", start_ns, start_ns + WATCHED_MS * NS_PER_MS);
    rig_expect_in_time(&rig, "requests", start_ns, start_ns + WATCHED_MS * NS_PER_MS);
    expect(living_ns <= all_ns + COPY_LIMIT_MS * NS_PER_MS,
           "expected the living to get their copy within %d ms more, it was %.1f ms", COPY_LIMIT_MS,
           (double)(living_ns - all_ns) / NS_PER_MS);
    expect_counted(&rig);
    rig_end(&rig);
}

Test(brief_vanished, neighbours_cost_the_others_neither_copies_nor_replies)
{
    reach_the_living(&(struct broadcast){.wildcard = true, .workers = 1});
}

ParameterizedTestParameters(long_vanished, neighbours_cost_the_others_neither_copies_nor_replies)
{
    enum { COMBINATIONS = 8 };
    static struct broadcast broadcasts[COMBINATIONS];

    for (int i = 0; i < COMBINATIONS; i++)
        broadcasts[i] = (struct broadcast){
            .six = (i & 1) != 0, .wildcard = (i & 2) != 0, .workers = (i & 4) != 0 ? 4 : 1};
    return cr_make_param_array(struct broadcast, broadcasts, COMBINATIONS);
}

ParameterizedTest(struct broadcast *broadcast, long_vanished,
                  neighbours_cost_the_others_neither_copies_nor_replies)
{
    reach_the_living(broadcast);
}

/* The configuration of rig_serve, with what clients say going to the others. */
static const char RELAYING[] = "[reply]\nmode = echo\n[clients]\nttl = 10m\n"
                               "[admission]\npolicy = open\n"
                               "[broadcast]\nrelay = others\n";

Test(long_vanished, neighbours_cost_the_others_no_message_of_a_client)
{
    enum { MESSAGES = 3 };
    static int living[LIVING], vanished[VANISHED];
    struct rig rig = {0};
    int speaker;

    if (!harness_allow_files(2 * CLIENTS))
        cr_skip_test("this host allows too few open files");
    rig_build(&rig, false);
    rig_serve(&rig, true, "[admission]\npolicy = open\n");
    open_sockets(&rig, living, vanished);
    join_all(&rig, living, vanished);
    speaker = rig_open_there(&rig, "10.77.0.9");
    udp_ask(speaker, &rig.at, "hi", "hi");
    server_configure(&rig.server, RELAYING);
    ctl_ok(&rig.server, "reload", NULL);
    vanish(&rig, vanished);
    for (int i = 0; i < MESSAGES; i++) {
        const char *text = harness_format("message %d", i);
        int64_t start_ms = harness_now_ms(), took_ms;

        udp_ask(speaker, &rig.at, text, text);
        took_ms = harness_now_ms() - start_ms;
        expect(took_ms <= PROBER_LATE_MS, "expected a reply in time, it took %d ms", (int)took_ms);
        for (int k = 0; k < LIVING; k++)
            udp_expect(living[k], &rig.at, text);
        took_ms = harness_now_ms() - start_ms;
        expect(took_ms <= COPY_LIMIT_MS, "expected the living to have '%s' soon, it took %d ms",
               text, (int)took_ms);
    }
    rig_end(&rig);
}
